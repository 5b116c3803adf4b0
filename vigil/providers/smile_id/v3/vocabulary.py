"""Smile ID's words of generation 3 in ours, as tables, compared exactly.

A row marked `inferred` or `unknown` rests on no document; all others are documented or were observed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from vigil.domain.terms import Advice, CheckStatus, Decision, Ended, EvidenceKind, Outcome, ReasonCode, Stage

ATTENTION: Final = "attention"
ERROR: Final = "error"
COMPLETE: Final = "complete"
NOT_FOUND: Final = frozenset({"not_found", "Not Found"})
PROCESSING: Final = "processing"
MONITORING_UPDATE: Final = "aml_monitoring_update"
"""The product of callbacks that come long after a job is over, whenever a list that it is watched on changes."""

REVIEWED_PRODUCTS: Final = frozenset({"residency_document_verification"})
"""Products that a person always looks at, so that processing means waiting for them."""


@dataclass(frozen=True)
class Standing:
    """What the status of a job means that is over."""

    decision: Decision | None = None
    ended: Ended | None = None


STATUSES: Final[Mapping[str, Standing]] = {
    "clear": Standing(decision=Decision.APPROVED),
    "block": Standing(decision=Decision.DECLINED),
    # inferred: the vendor leaves it to its client what such a job counts for
    ATTENTION: Standing(decision=Decision.INCONCLUSIVE),
    ERROR: Standing(ended=Outcome.FAILED),
}
"""By `status` of a job that is over; a callback has one of these and no other.

Generation 2 said `approved`, `pending` and `rejected`. We do not follow it, so its words are unrecognised.
"""

REASONS: Final[Mapping[str, ReasonCode]] = {
    "document_expired": ReasonCode.DOCUMENT_EXPIRED,
    "document_copy_detected": ReasonCode.DOCUMENT_REJECTED,  # inferred
    "age_requirement_not_met": ReasonCode.AGE,
    "news_media_match": ReasonCode.ON_A_LIST,  # inferred: the press is the list
    "medium_risk": ReasonCode.OTHER,
    "information_outdated": ReasonCode.OTHER,
    "high_risk": ReasonCode.OTHER,
    "identifier_not_found": ReasonCode.NOT_FOUND_IN_REGISTER,
    "face_verification_failed": ReasonCode.FACE_MISMATCH,
    "spoof_detected": ReasonCode.SPOOF,
    "document_check_failed": ReasonCode.DOCUMENT_REJECTED,
    "unsupported_document": ReasonCode.DOCUMENT_UNSUPPORTED,
    "aml_match_found": ReasonCode.ON_A_LIST,
    "account_locked_fraud": ReasonCode.OTHER,
    "address_out_of_range": ReasonCode.DATA_MISMATCH,  # inferred
    "name_mismatch": ReasonCode.DATA_MISMATCH,
    "no_address_on_record": ReasonCode.NOT_FOUND_IN_REGISTER,  # inferred
    "service_unavailable": ReasonCode.AUTHORITY_UNAVAILABLE,
    "internal_error": ReasonCode.TECHNICAL,
    "image_unavailable_or_invalid": ReasonCode.IMAGE_UNUSABLE,
    "document_unclassifiable": ReasonCode.IMAGE_UNUSABLE,  # inferred
    "invalid_id_number": ReasonCode.OTHER,
    "content_policy_violated": ReasonCode.OTHER,
}
"""By `reason`. One may come with two statuses, so none of them decides; one that is not listed is `other`."""

WORTH_ANOTHER_ATTEMPT: Final = frozenset({"service_unavailable", "internal_error"})
"""Reasons of an error that a new job may heal (inferred); all others ask for another capture or other data."""

CHECKS: Final[Mapping[str, CheckStatus]] = {
    "clear": CheckStatus.PASSED,
    "block": CheckStatus.FAILED,
    ATTENTION: CheckStatus.UNCLEAR,
}
"""By the `status` of a part of a result (inferred: samples show `clear` only)."""


@dataclass(frozen=True)
class Linked:
    """A file that a callback has a link to."""

    name: str
    kind: EvidenceKind


PICTURES: Final[Mapping[str, Linked]] = {
    "selfie_image": Linked("selfie", EvidenceKind.SELFIE),
    "id_card_image": Linked("id-card-front", EvidenceKind.DOCUMENT_FRONT),
    "id_card_back_image": Linked("id-card-back", EvidenceKind.DOCUMENT_BACK),
}
"""By name in `image_links`."""

RECEIPTS: Final[Mapping[str, Linked]] = {"kyc_receipt": Linked("kyc-receipt", EvidenceKind.RECEIPT)}
"""By name in the body itself."""


def looks(status: str) -> Literal["open", "final", "unrecognised"]:
    """Say what the status in a callback looks like; it decides nothing."""
    if status == PROCESSING:
        return "open"
    return "final" if status in STATUSES or status == COMPLETE else "unrecognised"


def waiting_stage(product: str | None) -> Stage:
    """Return where a job stands that is not over."""
    return Stage.IN_REVIEW if product in REVIEWED_PRODUCTS else Stage.PROCESSING


def check_status(word: str) -> CheckStatus:
    """Return how a part of a result stands."""
    return CHECKS.get(word, CheckStatus.UNRECOGNISED)


def reason(word: str) -> ReasonCode:
    """Return why a job ended as it did."""
    return REASONS.get(word, ReasonCode.OTHER)


def advice_on_error(word: str | None) -> Advice:
    """Return what may help after an error; without a reason nothing is known to."""
    if word is None:
        return Advice.NONE
    return Advice.NEW_ATTEMPT if word in WORTH_ANOTHER_ATTEMPT else Advice.FIX_INPUT
