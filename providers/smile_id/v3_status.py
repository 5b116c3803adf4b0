"""The status of a job of generation 3, in our words."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from domain.snapshot import Drift, Reason, Snapshot
from domain.terms import Advice, Decision, Outcome, ReasonCode, Stage, as_word
from providers.parsing import as_instant
from providers.smile_id import v3_vocabulary as vocabulary
from providers.smile_id.policy import Decided
from providers.smile_id.senders import V3
from providers.smile_id.v3_details import Details

NOT_OVER_YET: Final = httpx.codes.ACCEPTED


def unrecognised(field: str, value: object = None) -> Snapshot:
    """Return what an answer says that we do not understand: nothing but where we stopped."""
    word = as_word(value)
    return Snapshot(stage=Stage.UNRECOGNISED, sender=V3, word=word, unrecognised=(Drift(field=field, value=word),))


def snapshot_of(
    told: Mapping[str, Any], *, http_status: int, product: str | None, details: Details | None, policy: Mapping[str, Decided]
) -> Snapshot:
    """Say what a status says. Never raises: odd content is `unrecognised`.

    `product` is what was registered, `details` the callback that says the same as this status.
    """
    word = told.get("status")
    if not isinstance(word, str):
        return unrecognised("status", type(word).__name__)
    if word == vocabulary.PROCESSING:
        return Snapshot(stage=vocabulary.waiting_stage(product), sender=V3, word=word, assurance=product)
    if http_status == NOT_OVER_YET:
        # Nothing that is said to be unfinished may end it.
        return unrecognised("status", word)
    if word == vocabulary.COMPLETE:
        # An older document has this in the place of a verdict: it is over, and how it ended is not told.
        drift = Drift(field="status", value=word)
        return Snapshot(stage=Stage.PROCESSING, sender=V3, word=word, lacks_details=True, unrecognised=(drift,))
    standing = vocabulary.STATUSES.get(word)
    if standing is None:
        return unrecognised("status", word)
    bare = Snapshot(
        stage=Stage.CONCLUDED, decision=standing.decision, ended=standing.ended, sender=V3, word=word, assurance=product
    )
    if details is None:
        return bare.model_copy(update={"lacks_details": True})
    return _explained(bare, details, policy)


def _explained(bare: Snapshot, details: Details, policy: Mapping[str, Decided]) -> Snapshot:
    decision, own = _decided(bare, details, policy)
    failed = bare.ended is Outcome.FAILED
    return bare.model_copy(
        update={
            "decision": decision,
            "advice": vocabulary.advice_on_error(details.reason_word) if failed else Advice.NONE,
            "code": details.reason_word,
            "reasons": (*details.reasons(), *own),
            "checks": details.checks(),
            "artifacts": details.artifacts(),
            "assurance": details.product or bare.assurance,
            "provider_created_at": as_instant(details.body.get("created_at")),
            "provider_finished_at": as_instant(details.body.get("completed_at")),
        }
    )
