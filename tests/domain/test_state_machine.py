"""A verification in any course of events: what must hold after each, whatever came before.

The machine plays the workflow: it applies the table of timers, and makes a last read where one must come first.
"""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import BaseModel

from tests.domain.samples import KEY, T0, silent, told
from tests.domain.strategies import ANSWERS, CALLBACKS, PLANS, REGISTRATIONS
from tests.fuzz.effort import EFFORT
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.callbacks import (
    apply_callback,
    apply_message_outcome,
    apply_registration,
    await_repetition,
    note_replay,
    open_record,
)
from vigil.domain.decisions import (
    apply_manual_decision,
    apply_read,
    resume,
    was_given_up,
    withdraw,
)
from vigil.domain.evidence import EvidenceRow, has_losses, replace_row
from vigil.domain.message import MessageKind, MessageOutcome, MessageResult
from vigil.domain.record import Record
from vigil.domain.record_edits import apply_ledger, complete
from vigil.domain.registration import Registration
from vigil.domain.snapshot import Answer, Artifact, ReadRequest, ReadResult, Snapshot
from vigil.domain.summary import Summary, summarize
from vigil.domain.terms import (
    ArtifactState,
    Attention,
    Basis,
    Decision,
    LossReason,
    Outcome,
    ReasonCode,
    Stage,
)
from vigil.domain.timers import apply_timers, timers, wants_last_read
from vigil.domain.times import announcements_judged_at, is_settled, replay_wanted, unknown_from, wants_poll
from vigil.domain.tracking_plan import MINUTE, TrackingPlan
from vigil.domain.verdict import Cause


def survives(value: BaseModel) -> bool:
    return type(value).model_validate_json(value.model_dump_json()) == value


def verdict_of(record: Record) -> object:
    verdict = record.verdict
    return verdict.outcome, verdict.decision, verdict.basis, verdict.revision, verdict.decided_at


class VerificationMachine(RuleBasedStateMachine):
    """One verification from its first word on."""

    plan: TrackingPlan
    record: Record

    def __init__(self) -> None:
        super().__init__()
        self.now = T0 + 20 * MINUTE
        self.wants_read = False
        self.read_at: datetime | None = None
        self.last: ReadResult | None = None

    @initialize(plan=PLANS)
    def opens(self, plan: TrackingPlan) -> None:
        self.plan = plan
        self.record = open_record(KEY, provider="invented", environment="sandbox", at=T0, plan=plan)
        self.wants_read = True

    # ------------------------------------------------------------------ what happens

    @rule(event=CALLBACKS)
    def callback_arrives(self, event: CallbackEvent) -> None:
        before = self.record
        self.record = apply_callback(before, event, finals_may_change=self.plan.finals_may_change)
        self.wants_read |= not event.intermediate
        assert verdict_of(self.record) == verdict_of(before)
        assert self.record.verdict.stage is before.verdict.stage
        if not event.proof.may_start:
            assert self.record.callbacks.explanations == before.callbacks.explanations
            assert self.record.callbacks.progress == before.callbacks.progress

    @rule(answer=ANSWERS, cause=st.sampled_from([Cause.CALLBACK, Cause.POLL, Cause.RECHECK]))
    def provider_is_read(self, answer: Snapshot | Answer, cause: Cause) -> None:
        self._read(answer, cause)
        self._apply_timers()

    @rule(registered=REGISTRATIONS)
    def backend_registers(self, registered: Registration) -> None:
        is_first = not self.record.is_registered
        self.record = apply_registration(
            self.record, registered.model_copy(update={"registered_at": self.now}), plan=self.plan
        )
        if is_first and was_given_up(self.record):
            self.record = resume(self.record, plan=self.plan, at=self.now, cause=Cause.REGISTRATION)
            self.wants_read = True

    @rule(decision=st.sampled_from(Decision))
    def person_decides(self, decision: Decision) -> None:
        self.record = apply_manual_decision(self.record, decision, ReasonCode.OTHER, author="ada", at=self.now)
        left = {note.reason for note in self.record.attention}
        assert not left & {
            Attention.CONTRADICTION,
            Attention.SECOND_FINAL,
            Attention.DISAGREES_WITH_PERSON,
            Attention.SILENCE,
            Attention.OVERDUE_REVIEW,
            Attention.OVERDUE_APPLICANT,
            Attention.UNCONFIRMED_END,
        }

    @precondition(lambda self: not self.record.is_concluded)
    @rule()
    def backend_withdraws(self) -> None:
        self.record = withdraw(self.record, author="shop", at=self.now)

    @precondition(lambda self: self.record.is_concluded and self._available())
    @rule(loss=st.sampled_from([None, *LossReason]))
    def download_ends(self, loss: LossReason | None) -> None:
        row = self._available()[0]
        done = row.lost(loss, self.now) if loss else row.model_copy(update={"state": ArtifactState.STORED})
        self.record = apply_ledger(self.record, replace_row(self.record.evidence, done), at=self.now)

    @precondition(lambda self: replay_wanted(self.record, self.plan) is not None)
    @rule()
    def replay_is_asked_for(self) -> None:
        wanted = replay_wanted(self.record, self.plan)
        assert wanted is not None
        self.record = note_replay(self.record, wanted, at=self.now)
        assert replay_wanted(self.record, self.plan) is not wanted

    @rule(event=CALLBACKS)
    def body_of_a_callback_is_lost(self, event: CallbackEvent) -> None:
        self.record = await_repetition(self.record, event)
        assert self.record.reads.replayed == ()

    @rule(result=st.sampled_from(MessageResult))
    def message_is_reported(self, result: MessageResult) -> None:
        outcome = MessageOutcome(kind=MessageKind.ONE_TIME_PASSWORD, result=result, at=self.now)
        self.record = apply_message_outcome(self.record, outcome)
        assert apply_message_outcome(self.record, outcome) == self.record

    @rule(answers=st.lists(ANSWERS, min_size=2, max_size=2), minutes=st.sampled_from([0, 1, 15, 60, 3000]))
    def time_passes(self, answers: list[Snapshot | Answer], minutes: int) -> None:
        """Pass to the next timer, or some minutes beyond it."""
        coming = [at for at in timers(self.record, self.plan).values() if at > self.now]
        self.now = min(coming, default=self.now) + minutes * MINUTE
        for answer in answers:
            self._apply_timers()
            if not self.wants_read:
                break
            self._read(answer, Cause.DEADLINE)
        self._apply_timers()

    @precondition(lambda self: self._is_settled())
    @rule()
    def run_completes(self) -> None:
        self.record = complete(self.record, at=self.now)

    # ------------------------------------------------------------------ what the workflow does

    def _read(self, answer: Snapshot | Answer, cause: Cause) -> None:
        self.now += timedelta(seconds=1)
        before, self.read_at, self.wants_read = self.record, self.now, False
        reading = silent(answer, at=self.now) if isinstance(answer, Answer) else told(answer, at=self.now)
        self.record, self.last = apply_read(before, reading, plan=self.plan, cause=cause), reading
        if isinstance(answer, Snapshot) and (answer.stage is Stage.UNRECOGNISED or answer.unrecognised):
            assert Attention.UNRECOGNISED_WORD in {note.reason for note in self.record.attention}
        if isinstance(answer, Snapshot) and answer.stage is Stage.UNRECOGNISED:
            stood = before.is_concluded and before.verdict.outcome is not Outcome.UNKNOWN_TO_PROVIDER
            assert verdict_of(self.record) == verdict_of(before) if stood else not self.record.is_concluded

    def _apply_timers(self) -> None:
        self.record = apply_timers(self.record, self.plan, now=self.now, read_at=self.read_at)
        self.wants_read |= wants_last_read(self.record, self.plan, now=self.now, read_at=self.read_at)

    def _is_settled(self) -> bool:
        return is_settled(self.record, self.plan, self.now) and not self.wants_read

    def _available(self) -> list[EvidenceRow]:
        return [row for row in self.record.evidence if row.state is ArtifactState.AVAILABLE]

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def everything_survives_its_json(self) -> None:
        record = self.record
        request: ReadRequest = record.question(self.plan)
        published: Summary = summarize(record, self.plan)
        files: list[Artifact] = [row.artifact() for row in record.evidence]
        known = [record.known] if record.known else []
        assert all(map(survives, [record, request, published, *files, *known]))

    @invariant()
    def no_announced_end_is_lost_to_an_unknown_reference(self) -> None:
        is_unknown = unknown_from(self.record, self.plan) is not None
        assert not is_unknown or announcements_judged_at(self.record, self.plan) is None

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        due = timers(self.record, self.plan).values()
        comes = self.wants_read or wants_poll(self.record, self.plan, self.now) or any(at > self.now for at in due)
        is_downloaded = self.record.is_concluded and bool(self._available())
        assert comes or is_downloaded or self._is_settled() or any(at <= self.now for at in due)
        assert self.record.is_concluded or comes

    @invariant()
    def the_verdict_is_of_one_piece(self) -> None:
        verdict = self.record.verdict
        assert (verdict.decision is not None) == (verdict.outcome is Outcome.DECIDED)
        assert (verdict.stage in {Stage.CONCLUDED, Stage.COMPLETE}) == self.record.is_concluded
        assert (verdict.decided_at is not None) == self.record.is_concluded
        assert [each.number for each in verdict.revisions] == list(range(1, verdict.revision + 1))
        assert not verdict.revisions or verdict.revisions[-1].outcome is verdict.outcome
        if verdict.basis is Basis.CALLBACK:
            assert verdict.decision is None

    @invariant()
    def what_is_expected_has_a_row(self) -> None:
        assert set(self.record.expects) <= {row.kind for row in self.record.evidence}

    @invariant()
    def a_person_is_asked_exactly_where_the_record_says_why(self) -> None:
        record = self.record
        asked = {note.reason for note in record.attention}
        assert (Attention.EVIDENCE_LOST in asked) == has_losses(record.evidence, record.expects)
        if Attention.DETAILS_MISSING in asked:
            assert record.reads.snapshot is not None
            assert record.reads.snapshot.lacks_details


TestVerification = VerificationMachine.TestCase
TestVerification.settings = settings(
    max_examples=80 * EFFORT, stateful_step_count=25, derandomize=EFFORT == 1, deadline=None, database=None
)
