"""Translates the status of a job of the third generation into a snapshot."""

from collections.abc import Mapping
from typing import Any

from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Advice, Decision, Outcome
from vigil.providers.answers import unrecognised
from vigil.providers.parsing import as_instant
from vigil.providers.smile_id.policy import PolicyDecision, policy_reason
from vigil.providers.smile_id.senders import V3
from vigil.providers.smile_id.v3 import vocabulary
from vigil.providers.smile_id.v3.details import Details


def snapshot_of(
    content: Mapping[str, Any],
    *,
    has_ended: bool,
    product: str | None,
    details: Details | None,
    policy: Mapping[str, PolicyDecision],
) -> Snapshot:
    """Return the snapshot of a job. Never raises: unknown content is `unrecognised`.

    `has_ended` comes from the status code of the answer, `product` from the registration, and `details` from the
    callback with the same status.
    """
    word = content.get("status")
    if not isinstance(word, str):
        return unrecognised("status", type(word).__name__, sender=V3)
    meaning = vocabulary.STATUSES.get(word)
    if meaning is None or not has_ended:
        return _open_snapshot(word, product=product)
    bare = Snapshot(stage=meaning.stage, decision=meaning.decision, ended=meaning.ended, sender=V3, word=word)
    if details is None:
        return bare.model_copy(update={"lacks_details": True})
    return _add_details(bare, details, policy)


def _open_snapshot(word: str, *, product: str | None) -> Snapshot:
    if word == vocabulary.PROCESSING:
        return Snapshot(stage=vocabulary.waiting_stage(product), sender=V3, word=word)
    # An older document has `complete` instead of a verdict: the job has ended, but its outcome is not given. The other
    # case is a verdict with a status code that says that the job has not ended. In both nothing is certain.
    return unrecognised("status", word, sender=V3, word=word)


def _add_details(bare: Snapshot, details: Details, policy: Mapping[str, PolicyDecision]) -> Snapshot:
    row = f"{bare.word}/{details.reason_word}"
    is_partners_decision = bare.word == vocabulary.ATTENTION and not details.is_update
    decision = policy.get(row) if is_partners_decision else None
    failed = bare.ended is Outcome.FAILED
    return bare.model_copy(
        update={
            "decision": Decision(decision) if decision else bare.decision,
            "advice": vocabulary.advice_on_error(details.reason_word) if failed else Advice.NONE,
            "code": details.reason_word,
            "reasons": (*details.reasons(), *((policy_reason(row),) if decision else ())),
            "checks": details.checks(),
            "artifacts": details.artifacts(),
            "unrecognised": details.drifts(),
            "provider_created_at": as_instant(details.body.get("created_at")),
            "provider_finished_at": as_instant(details.body.get("completed_at")),
        }
    )
