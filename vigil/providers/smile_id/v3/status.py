"""The status of a job of generation 3, in our words."""

from collections.abc import Mapping
from typing import Any

from vigil.domain.snapshot import Drift, Snapshot
from vigil.domain.terms import Advice, Decision, Outcome, Stage, as_word
from vigil.providers.parsing import as_instant
from vigil.providers.smile_id.policy import Decided, as_reason
from vigil.providers.smile_id.senders import V3
from vigil.providers.smile_id.v3 import vocabulary
from vigil.providers.smile_id.v3.details import Details


def unrecognised(field: str, value: object = None) -> Snapshot:
    """Return what an answer says that we do not understand: nothing but where we stopped."""
    return Snapshot(stage=Stage.UNRECOGNISED, sender=V3, unrecognised=(Drift(field=field, value=as_word(value)),))


def snapshot_of(
    told: Mapping[str, Any],
    *,
    is_over: bool,
    product: str | None,
    details: Details | None,
    policy: Mapping[str, Decided],
) -> Snapshot:
    """Say what a status says. Never raises: odd content is `unrecognised`.

    `is_over` is what the code of the answer says of the job, `product` what was registered, and `details` the callback
    that says the same as this status.
    """
    word = told.get("status")
    if not isinstance(word, str):
        return unrecognised("status", type(word).__name__)
    standing = vocabulary.STATUSES.get(word)
    if standing is None or not is_over:
        return _not_ended(word, product=product)
    bare = Snapshot(stage=Stage.CONCLUDED, decision=standing.decision, ended=standing.ended, sender=V3, word=word)
    if details is None:
        return bare.model_copy(update={"lacks_details": True})
    return _explained(bare, details, policy)


def _not_ended(word: str, *, product: str | None) -> Snapshot:
    if word == vocabulary.PROCESSING:
        return Snapshot(stage=vocabulary.waiting_stage(product), sender=V3, word=word)
    # An older document has `complete` in the place of a verdict: the job is over, and how it ended is not told.
    # A verdict comes here, too, if the answer's code says that the job is not over: then nothing is certain.
    return unrecognised("status", word).model_copy(update={"word": as_word(word)})


def _explained(bare: Snapshot, details: Details, policy: Mapping[str, Decided]) -> Snapshot:
    row = f"{bare.word}/{details.reason_word}"
    is_ours = bare.word == vocabulary.ATTENTION and not details.is_disputed
    ruled = policy.get(row) if is_ours else None
    failed = bare.ended is Outcome.FAILED
    return bare.model_copy(
        update={
            "decision": Decision(ruled) if ruled else bare.decision,
            "advice": vocabulary.advice_on_error(details.reason_word) if failed else Advice.NONE,
            "code": details.reason_word,
            "reasons": (*details.reasons(), *((as_reason(row),) if ruled else ())),
            "checks": details.checks(),
            "artifacts": details.artifacts(),
            "provider_created_at": as_instant(details.body.get("created_at")),
            "provider_finished_at": as_instant(details.body.get("completed_at")),
        }
    )
