"""Tables that translate the words of the third generation. Words are compared exactly.

A row marked `inferred` or `unknown` has no document behind it. All other rows are documented or were observed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vigil.domain.terms import Advice, CheckStatus, Decision, EvidenceKind, Outcome, ReasonCode, Stage
from vigil.providers.vocabulary import Looks, StatusMeaning

ATTENTION: Final = "attention"
ERROR: Final = "error"
COMPLETE: Final = "complete"
NOT_FOUND: Final = frozenset({"not_found", "Not Found"})
PROCESSING: Final = "processing"
MONITORING_UPDATE: Final = "aml_monitoring_update"
"""The product of callbacks that come long after a job, whenever a watchlist changes."""

REVIEWED_PRODUCTS: Final = frozenset({"residency_document_verification"})
"""Products that a person always reviews, so `processing` means waiting for the review."""


STATUSES: Final[Mapping[str, StatusMeaning]] = {
    "clear": StatusMeaning(Stage.CONCLUDED, decision=Decision.APPROVED),
    "block": StatusMeaning(Stage.CONCLUDED, decision=Decision.DECLINED),
    # inferred: Smile ID leaves the decision on such a job to its partner
    ATTENTION: StatusMeaning(Stage.CONCLUDED, decision=Decision.INCONCLUSIVE),
    ERROR: StatusMeaning(Stage.CONCLUDED, ended=Outcome.FAILED),
}
"""By `status` of a job that has ended. A callback has one of these and no other.

Generation 2 used `approved`, `pending` and `rejected`. We do not support it, so these are unrecognised.
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
"""By `reason`. A reason may come with two statuses, so none decides. A reason without a row is `other`."""

WORTH_ANOTHER_ATTEMPT: Final = frozenset({"service_unavailable", "internal_error"})
"""Reasons of an error after which a new job may succeed (inferred). Others need another capture or other data."""

CHECKS: Final[Mapping[str, CheckStatus]] = {
    "clear": CheckStatus.PASSED,
    "block": CheckStatus.FAILED,
    ATTENTION: CheckStatus.UNCLEAR,
}
"""By the `status` of a part of a result (inferred: samples show `clear` only)."""


@dataclass(frozen=True)
class LinkedFile:
    """A file to which a callback has a link."""

    name: str
    kind: EvidenceKind


PICTURES: Final[Mapping[str, LinkedFile]] = {
    "selfie_image": LinkedFile("selfie", EvidenceKind.SELFIE),
    "id_card_image": LinkedFile("id-card-front", EvidenceKind.DOCUMENT_FRONT),
    "id_card_back_image": LinkedFile("id-card-back", EvidenceKind.DOCUMENT_BACK),
}
"""By name in `image_links`."""

RECEIPTS: Final[Mapping[str, LinkedFile]] = {"kyc_receipt": LinkedFile("kyc-receipt", EvidenceKind.RECEIPT)}
"""By name in the body."""


def looks(status: str) -> Looks:
    """Return what the status in a callback suggests."""
    if status == PROCESSING:
        return "open"
    return "final" if status in STATUSES or status == COMPLETE else "unrecognised"


def waiting_stage(product: str | None) -> Stage:
    """Return the stage of a job that has not ended."""
    return Stage.IN_REVIEW if product in REVIEWED_PRODUCTS else Stage.PROCESSING


def check_status(word: str) -> CheckStatus:
    """Return the status of a part of a result."""
    return CHECKS.get(word, CheckStatus.UNRECOGNISED)


def reason(word: str) -> ReasonCode:
    """Return the reason of an outcome."""
    return REASONS.get(word, ReasonCode.OTHER)


def advice_on_error(word: str | None) -> Advice:
    """Return the advice after an error; none without a reason."""
    if word is None:
        return Advice.NONE
    return Advice.NEW_ATTEMPT if word in WORTH_ANOTHER_ATTEMPT else Advice.FIX_INPUT
