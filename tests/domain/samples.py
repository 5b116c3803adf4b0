"""Invented values that the tests of the domain share."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from vigil.domain.callback_event import CallbackEvent, Observation, StatusSeen, StepFinished
from vigil.domain.callbacks import open_record
from vigil.domain.decisions import apply_read
from vigil.domain.digest import Digester
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.snapshot import Answer, Artifact, ReadResult, Snapshot
from vigil.domain.terms import CheckKind, CheckStatus, Decision, Ended, EvidenceKind, Proof, Stage
from vigil.domain.tracking_plan import HOUR, MINUTE, PollPlan, PollStep, TrackingPlan
from vigil.domain.verdict import Cause
from vigil.domain.verification_key import VerificationKey

T0 = datetime(2031, 3, 4, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE_LATER = T0 + MINUTE
HOUR_LATER = T0 + HOUR
DIGESTER = Digester(b"a key for tests")
KEY = VerificationKey(account="acme", reference="v-1")
PLAN = TrackingPlan(
    polls={
        Stage.PROCESSING: PollPlan(
            steps=(PollStep(until=HOUR, every=5 * MINUTE), PollStep(until=None, every=HOUR)),
        )
    }
)
REOPENING_PLAN = PLAN.model_copy(update={"finals_may_change": True})
PORTRAIT = Artifact(name="portrait-1", kind=EvidenceKind.PORTRAIT, locator="portrait-1")

STARTED = Snapshot(stage=Stage.AWAITING_APPLICANT, word="STARTED")
IN_REVIEW = Snapshot(stage=Stage.IN_REVIEW, word="manual_check")
APPROVED = Snapshot(stage=Stage.CONCLUDED, decision=Decision.APPROVED, word="OK")
DECLINED = Snapshot(stage=Stage.CONCLUDED, decision=Decision.DECLINED, word="KO")


def ended(end: Ended) -> Snapshot:
    return Snapshot(stage=Stage.CONCLUDED, ended=end, word=end.upper())


def fresh(*, at: datetime = T0, plan: TrackingPlan = PLAN) -> Record:
    return open_record(KEY, provider="invented", environment="sandbox", at=at, plan=plan)


def callback_event(
    observation: Observation, *, at: datetime = T0, proof: Proof = Proof.SECRET, correlation: str | None = None
) -> CallbackEvent:
    return CallbackEvent(
        delivery=DIGESTER.digest("delivery", observation.model_dump_json()),
        received_at=at,
        proof=proof,
        correlation=correlation,
        observation=observation,
    )


def status(
    word: str, *, looks: Literal["open", "final", "reopened", "unrecognised"] = "final", end: Ended | None = None
) -> StatusSeen:
    return StatusSeen(word=word, looks=looks, ended=end)


def step(
    done: int,
    total: int,
    name: str,
    *,
    check: CheckKind = CheckKind.OTHER,
    ordinal: int | None = None,
    says: CheckStatus = CheckStatus.PASSED,
) -> StepFinished:
    return StepFinished(done=done, total=total, name=name, check=check, ordinal=ordinal, status=says)


def told(snapshot: Snapshot, *, at: datetime = T0) -> ReadResult:
    return ReadResult(asked_at=at, answer=Answer.ANSWERED, snapshot=snapshot)


def silent(answer: Answer, *, at: datetime = T0) -> ReadResult:
    return ReadResult(asked_at=at, answer=answer)


def read(
    record: Record,
    reading: ReadResult | Snapshot,
    *,
    at: datetime = T0,
    plan: TrackingPlan = PLAN,
    cause: Cause = Cause.CALLBACK,
) -> Record:
    """Apply an answer; a snapshot is one that was asked for at `at`."""
    answer = told(reading, at=at) if isinstance(reading, Snapshot) else reading
    return apply_read(record, answer, plan=plan, cause=cause)


def registration(**changes: object) -> Registration:
    shape: dict[str, object] = {"key": KEY, "registered_at": T0, "registered_by": "checkout"}
    return Registration.model_validate(shape | changes).signed(DIGESTER)
