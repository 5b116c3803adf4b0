"""Translates an answer of `job_status` into a snapshot. One answer decides a job completely, or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from vigil.domain.snapshot import MOST_DRIFTS, Drift, Part, Reason, ReviewExpiry, Snapshot
from vigil.domain.terms import Advice, Decision, Outcome, ReasonCode, Stage, as_word
from vigil.providers.answers import unrecognised
from vigil.providers.parsing import as_object
from vigil.providers.smile_id.policy import PolicyDecision, policy_reason
from vigil.providers.smile_id.senders import V1
from vigil.providers.smile_id.v1 import vocabulary
from vigil.providers.smile_id.v1.actions import read_actions
from vigil.providers.smile_id.v1.evidence import artifacts_of, drifts_of, results_in
from vigil.providers.smile_id.v1.vocabulary import CodeMeaning, Effect, PartName
from vigil.providers.smile_id.v1.wire import code_of, job_type_of

_MAX_RESULTS: Final = 100
_DECISIVE: Final = frozenset({Effect.PASS, Effect.FAIL, Effect.UNCLEAR, Effect.ERROR})
_DECISIONS: Final[Mapping[Effect, Decision]] = {
    Effect.PASS: Decision.APPROVED,
    Effect.FAIL: Decision.DECLINED,
    Effect.UNCLEAR: Decision.INCONCLUSIVE,
}
_EFFECTS_OF_POLICY: Final[Mapping[PolicyDecision, Effect]] = {
    "approved": Effect.PASS,
    "declined": Effect.FAIL,
    "inconclusive": Effect.UNCLEAR,
}


@dataclass(frozen=True)
class JobResult:
    """One result of a job; `position` counts from the newest. `meaning` is None if no table lists the code."""

    position: int
    code: str | None
    meaning: CodeMeaning | None
    content: Mapping[str, Any]
    policy_row: str | None = None
    """The row of the account's policy that overrides the table."""

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """Sort key: a reviewer's result above a machine's, a decisive result above a pending one, then the newest."""
        found = self.meaning
        return (
            found is not None and found.is_reviewed,
            found is not None and found.effect in _DECISIVE,
            -self.position,
        )

    def reasons(self) -> tuple[Reason, ...]:
        """Return the reason, and a second one if the account's own policy decided."""
        if self.meaning is None or self.meaning.reason is None:
            return ()
        of_policy = (policy_reason(self.policy_row),) if self.policy_row else ()
        return (Reason(code=self.meaning.reason, word=self.code), *of_policy)


@dataclass(frozen=True)
class JobParts:
    """The results that decide a job: for type 1 its identity part and its biometric part, else one or both."""

    job_type: int
    identity: JobResult | None
    main: JobResult | None

    @property
    def present(self) -> tuple[JobResult, ...]:
        """The parts that have a result."""
        return tuple(each for each in (self.identity, self.main) if each is not None)

    @property
    def is_complete(self) -> bool:
        """Whether all parts that decide the job have a result."""
        return self.main is not None and (self.identity is not None or self.job_type != vocabulary.BIOMETRIC_KYC)

    def effect(self) -> Effect:
        """Return the effect of both parts together. A missing part is waited for."""
        effects = [each.meaning.effect for each in self.present if each.meaning is not None]
        for ending in (Effect.FAIL, Effect.ERROR):
            if ending in effects:
                return ending
        if not self.is_complete:
            return Effect.WAIT
        order = (Effect.WAIT, Effect.REVIEW, Effect.UNCLEAR, Effect.PASS)
        return next((each for each in order if each in effects), Effect.WAIT)

    def having(self, effect: Effect) -> tuple[JobResult, ...]:
        """Return the parts that have this effect."""
        return tuple(each for each in self.present if each.meaning is not None and each.meaning.effect is effect)


def snapshot_of(content: object, *, job_type: int | None, policy: Mapping[str, PolicyDecision]) -> Snapshot:
    """Return the snapshot of a job. Never raises: unknown content is `unrecognised`.

    `job_type` is the registered one; a type in the answer itself overrides it.
    """
    frame = as_object(content)
    is_complete = frame.get("job_complete")
    if not isinstance(is_complete, bool):
        return unrecognised("job_complete", is_complete, sender=V1)
    code = as_word(frame.get("code"))
    if not is_complete and (code == vocabulary.NOTHING_UPLOADED or not isinstance(frame.get("result"), dict)):
        return Snapshot(stage=Stage.AWAITING_APPLICANT, word=code, code=code, sender=V1)
    if code != vocabulary.ANSWERED:
        return unrecognised("code", code, sender=V1)
    if not isinstance(frame.get("result"), dict):
        return unrecognised("result", sender=V1)
    job_type = job_type_of(as_object(frame["result"].get("PartnerParams"))) or job_type
    return _decide(frame, job_type, policy if is_complete else {}, is_complete=is_complete)


def position_of_person(frame: Mapping[str, Any]) -> int:
    """Return the position, from the newest, of the result with the person's data: that of the identity part, if any."""
    job_type = job_type_of(as_object(as_object(frame.get("result")).get("PartnerParams")))
    results = tuple(_read_results(frame, job_type, {}))
    chosen = _choose(results, "identity") or _choose(results, "biometric", "whole")
    return chosen.position if chosen else 0


def _decide(
    frame: Mapping[str, Any], job_type: int | None, policy: Mapping[str, PolicyDecision], *, is_complete: bool
) -> Snapshot:
    results = tuple(_read_results(frame, job_type, policy))
    parts = JobParts(job_type or 0, _choose(results, "identity"), _choose(results, "biometric", "whole"))
    actions = read_actions(_merge_actions(frame, parts))
    unknown_codes = (Drift(field="ResultCode", value=each.code) for each in results if each.meaning is None)
    too_many = (Drift(field="history", value=f"more_than_{_MAX_RESULTS}"),) if len(results) > _MAX_RESULTS else ()
    results = results[:_MAX_RESULTS]
    drifts = (*dict.fromkeys(unknown_codes), *too_many, *drifts_of(frame), *actions.drifts)
    code = (parts.main or parts.identity or results[0]).code
    base = Snapshot(
        stage=Stage.UNRECOGNISED,
        word=code,
        code=code,
        parts=_snapshot_parts(parts),
        checks=actions.checks,
        sender=V1,
        session_kind=vocabulary.session_kind(job_type),
        unrecognised=tuple(drifts[:MOST_DRIFTS]),
    )
    if not parts.present or _has_newer_unknown_code(results, parts):
        return base
    effect = parts.effect()
    if is_complete and effect in _DECISIVE:
        return base.model_copy(update={**_conclusion(parts, effect), "artifacts": artifacts_of(frame)})
    return base.model_copy(update=_pending(parts, effect, is_complete=is_complete))


def _read_results(
    frame: Mapping[str, Any], job_type: int | None, policy: Mapping[str, PolicyDecision]
) -> Iterator[JobResult]:
    for position, result in enumerate(islice(results_in(frame), _MAX_RESULTS + 1)):
        code = code_of(result)
        row = f"{job_type}/{code}"
        meaning = vocabulary.meaning_of(job_type, code)
        if meaning is not None and row in policy:
            meaning = replace(meaning, effect=_EFFECTS_OF_POLICY[policy[row]])
        yield JobResult(position, code, meaning, result, row if row in policy else None)


def _choose(results: Sequence[JobResult], *parts: PartName) -> JobResult | None:
    candidates = [each for each in results if each.meaning is not None and each.meaning.part in parts]
    return max(candidates, key=lambda each: each.rank, default=None)


def _has_newer_unknown_code(results: Sequence[JobResult], parts: JobParts) -> bool:
    """Whether an unknown code is newer than a deciding result: it may have changed that result."""
    oldest = max((each.position for each in parts.present), default=-1)
    return any(each.meaning is None and each.position <= oldest for each in results)


def _merge_actions(frame: Mapping[str, Any], parts: JobParts) -> Mapping[str, Any]:
    """Return the actions of the whole answer. Those of the deciding results override those of the newest result."""
    merged = dict(as_object(as_object(frame.get("result")).get("Actions")))
    for each in parts.present:
        merged |= as_object(each.content.get("Actions"))
    return merged


def _snapshot_parts(parts: JobParts) -> tuple[Part, ...]:
    return tuple(
        Part(
            name=each.meaning.part,
            code=as_word(each.code),
            decision=_DECISIONS.get(each.meaning.effect),
            provisional=each.meaning.reason is ReasonCode.PROVISIONAL,
            reviewed=each.meaning.is_reviewed,
        )
        for each in parts.present
        if each.meaning is not None and each.meaning.part != "whole"
    )


def _conclusion(parts: JobParts, effect: Effect) -> Mapping[str, Any]:
    causes = parts.having(effect)
    advices = [each.meaning.advice for each in causes if each.meaning is not None]
    return {
        "stage": Stage.CONCLUDED,
        "decision": _DECISIONS.get(effect),
        "ended": Outcome.FAILED if effect is Effect.ERROR else None,
        "advice": next((advice for advice in advices if advice is not Advice.NONE), Advice.NONE),
        "reasons": tuple(reason for each in causes for reason in each.reasons()),
    }


def _pending(parts: JobParts, effect: Effect, *, is_complete: bool) -> Mapping[str, Any]:
    """Return what the job waits for, and its outcome at the review deadline."""
    causes = parts.having(effect)
    reasons = tuple(reason for each in causes for reason in each.reasons())
    if effect is Effect.REVIEW:
        # A job that Smile ID does not call complete is never decided, not even at the deadline.
        lapse = ReviewExpiry(decision=Decision.INCONCLUSIVE, reasons=reasons) if is_complete else None
        return {"stage": Stage.IN_REVIEW, "reasons": reasons, "review_expires_to": lapse}
    if not causes or effect is not Effect.WAIT:
        return {"stage": Stage.PROCESSING}
    lapse = ReviewExpiry(ended=Outcome.FAILED, advice=Advice.NEW_ATTEMPT, reasons=reasons)
    return {"stage": Stage.PROCESSING, "advice": Advice.ASK_AGAIN, "reasons": reasons, "review_expires_to": lapse}
