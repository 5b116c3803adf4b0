"""What `job_status` says of a job, in our words. One answer decides it whole, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from vigil.domain.snapshot import MOST_DRIFTS, Drift, Part, Reason, ReviewExpiry, Snapshot
from vigil.domain.terms import Advice, Decision, Outcome, ReasonCode, Stage, as_word
from vigil.providers.parsing import as_object
from vigil.providers.smile_id.policy import Decided, as_reason
from vigil.providers.smile_id.senders import V1
from vigil.providers.smile_id.v1 import vocabulary
from vigil.providers.smile_id.v1.actions import looked_at
from vigil.providers.smile_id.v1.evidence import artifacts_of, drifts_of, results_in
from vigil.providers.smile_id.v1.vocabulary import Effect, PartName, Row
from vigil.providers.smile_id.v1.wire import code_of, job_type_of

_MOST_RESULTS: Final = 100
_DECISIVE: Final = frozenset({Effect.PASS, Effect.FAIL, Effect.UNCLEAR, Effect.ERROR})
_DECISIONS: Final[Mapping[Effect, Decision]] = {
    Effect.PASS: Decision.APPROVED,
    Effect.FAIL: Decision.DECLINED,
    Effect.UNCLEAR: Decision.INCONCLUSIVE,
}
_RULED: Final[Mapping[Decided, Effect]] = {
    "approved": Effect.PASS,
    "declined": Effect.FAIL,
    "inconclusive": Effect.UNCLEAR,
}


@dataclass(frozen=True)
class Told:
    """One result of a job, at its place from the newest to the oldest. `row` is None where no table knows it."""

    place: int
    code: str | None
    row: Row | None
    result: Mapping[str, Any]
    ruled_by: str | None = None
    """The row of the account's policy that overrules the table."""

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """How much it counts: a person's word before a machine's, a verdict before what waits, then the newest."""
        row = self.row
        return (row is not None and row.is_reviewed, row is not None and row.effect in _DECISIVE, -self.place)

    def reasons(self) -> tuple[Reason, ...]:
        """Return why, and whether the account's own policy is why."""
        if self.row is None or self.row.because is None:
            return ()
        ruled = (as_reason(self.ruled_by),) if self.ruled_by else ()
        return (Reason(code=self.row.because, word=self.code), *ruled)


@dataclass(frozen=True)
class Halves:
    """What counts of a job: for type 1 the identity and the face, for others one of them or both."""

    job_type: int
    identity: Told | None
    main: Told | None

    @property
    def found(self) -> tuple[Told, ...]:
        """Return those that are there."""
        return tuple(each for each in (self.identity, self.main) if each is not None)

    @property
    def is_whole(self) -> bool:
        """Whether all that the job is decided by is there."""
        return self.main is not None and (self.identity is not None or self.job_type != vocabulary.BIOMETRIC_KYC)

    def effect(self) -> Effect:
        """Say what both do together. A half that is missing is waited for."""
        effects = [each.row.effect for each in self.found if each.row is not None]
        for ending in (Effect.FAIL, Effect.ERROR):
            if ending in effects:
                return ending
        if not self.is_whole:
            return Effect.WAIT
        order = (Effect.WAIT, Effect.REVIEW, Effect.UNCLEAR, Effect.PASS)
        return next((each for each in order if each in effects), Effect.WAIT)

    def because(self, effect: Effect) -> tuple[Told, ...]:
        """Return those that have this effect."""
        return tuple(each for each in self.found if each.row is not None and each.row.effect is effect)


def unrecognised(field: str, value: object = None) -> Snapshot:
    """Return what an answer says that we do not understand: nothing but where we stopped."""
    drift = Drift(field=field, value=as_word(value))
    return Snapshot(stage=Stage.UNRECOGNISED, sender=V1, unrecognised=(drift,))


def snapshot_of(content: object, *, job_type: int | None, policy: Mapping[str, Decided]) -> Snapshot:
    """Say what an answer says of the job. Never raises: odd content is `unrecognised`.

    `job_type` is the one that we were told; the answer's own goes before it.
    """
    frame = as_object(content)
    is_complete = frame.get("job_complete")
    if not isinstance(is_complete, bool):
        return unrecognised("job_complete", is_complete)
    code = as_word(frame.get("code"))
    if not is_complete and (code == vocabulary.NOTHING_UPLOADED or not isinstance(frame.get("result"), dict)):
        return Snapshot(stage=Stage.AWAITING_APPLICANT, word=code, code=code, sender=V1)
    if code != vocabulary.ANSWERED:
        return unrecognised("code", code)
    if not isinstance(frame.get("result"), dict):
        return unrecognised("result")
    told_type = job_type_of(as_object(frame["result"].get("PartnerParams"))) or job_type
    return _judged(frame, told_type, policy if is_complete else {}, is_complete=is_complete)


def _judged(
    frame: Mapping[str, Any], job_type: int | None, policy: Mapping[str, Decided], *, is_complete: bool
) -> Snapshot:
    told = tuple(_told(frame, job_type, policy))
    halves = Halves(job_type or 0, _chosen(told, "identity"), _chosen(told, "biometric", "whole"))
    unknown = _unknown_before_the_verdict(told, halves)
    seen = looked_at(_actions(frame, halves))
    strange = (Drift(field="ResultCode", value=each.code) for each in told if each.row is None)
    drifts = (*dict.fromkeys(strange), *drifts_of(frame), *seen.drifts)
    code = (halves.main or halves.identity or told[0]).code
    base = Snapshot(
        stage=Stage.UNRECOGNISED,
        word=code,
        code=code,
        parts=_parts(halves),
        checks=seen.checks,
        sender=V1,
        session_kind=vocabulary.session_kind(job_type),
        unrecognised=tuple(drifts[:MOST_DRIFTS]),
    )
    if unknown or not halves.found:
        return base
    effect = halves.effect()
    if is_complete and effect in _DECISIVE:
        return base.model_copy(update={**_ended(halves, effect), "artifacts": artifacts_of(frame)})
    return base.model_copy(update=_waiting(halves, effect, is_complete=is_complete))


def _told(frame: Mapping[str, Any], job_type: int | None, policy: Mapping[str, Decided]) -> Sequence[Told]:
    found = []
    for place, result in enumerate(islice(results_in(frame), _MOST_RESULTS)):
        code = code_of(result)
        row = vocabulary.row_of(job_type, code)
        ruling = policy.get(f"{job_type}/{code}")
        if row is not None and ruling is not None:
            row = replace(row, effect=_RULED[ruling])
        found.append(Told(place, code, row, result, f"{job_type}/{code}" if ruling else None))
    return found


def _chosen(told: Sequence[Told], *parts: PartName) -> Told | None:
    of_part = [each for each in told if each.row is not None and each.row.part in parts]
    return max(of_part, key=lambda each: each.rank, default=None)


def _unknown_before_the_verdict(told: Sequence[Told], halves: Halves) -> bool:
    """Whether a code that no table knows is newer than a result that counts: it may have changed it."""
    oldest = max((each.place for each in halves.found), default=-1)
    return any(each.row is None and each.place <= oldest for each in told)


def _actions(frame: Mapping[str, Any], halves: Halves) -> Mapping[str, Any]:
    """Put together what was looked at: what the results say that count goes before what the answer is about."""
    of_result = as_object(as_object(frame.get("result")).get("Actions"))
    return of_result | {
        name: value for each in halves.found for name, value in as_object(each.result.get("Actions")).items()
    }


def _parts(halves: Halves) -> tuple[Part, ...]:
    return tuple(
        Part(
            name=each.row.part,
            code=as_word(each.code),
            decision=_DECISIONS.get(each.row.effect),
            provisional=each.row.because is ReasonCode.PROVISIONAL,
            reviewed=each.row.is_reviewed,
        )
        for each in halves.found
        if each.row is not None and each.row.part != "whole"
    )


def _ended(halves: Halves, effect: Effect) -> Mapping[str, Any]:
    causes = halves.because(effect)
    advice = next((each.row.advice for each in causes if each.row and each.row.advice is not Advice.NONE), Advice.NONE)
    return {
        "stage": Stage.CONCLUDED,
        "decision": _DECISIONS.get(effect),
        "ended": Outcome.FAILED if effect is Effect.ERROR else None,
        "advice": advice,
        "reasons": tuple(reason for each in causes for reason in each.reasons()),
    }


def _waiting(halves: Halves, effect: Effect, *, is_complete: bool) -> Mapping[str, Any]:
    """Say what is waited for, and what becomes of it at the review deadline."""
    causes = halves.because(effect)
    reasons = tuple(reason for each in causes for reason in each.reasons())
    if effect is Effect.REVIEW:
        # What the vendor does not call complete is never decided, not even by the passing of time.
        lapse = ReviewExpiry(decision=Decision.INCONCLUSIVE, reasons=reasons) if is_complete else None
        return {"stage": Stage.IN_REVIEW, "reasons": reasons, "review_expires_to": lapse}
    if not causes or effect is not Effect.WAIT:
        return {"stage": Stage.PROCESSING}
    lapse = ReviewExpiry(ended=Outcome.FAILED, advice=Advice.NEW_ATTEMPT, reasons=reasons)
    return {"stage": Stage.PROCESSING, "advice": Advice.ASK_AGAIN, "reasons": reasons, "review_expires_to": lapse}
