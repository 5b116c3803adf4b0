"""Translates `Actions`, the checks of a job. Neither its names nor its values are a closed list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vigil.domain.snapshot import MOST_CHECKS, Check, Drift
from vigil.domain.terms import CheckKind, CheckStatus, as_word

FIELD: Final = "Actions"

KINDS: Final[Mapping[str, CheckKind]] = {
    "Document_Check": CheckKind.DOCUMENT,
    "Human_Review_Compare": CheckKind.REVIEW,
    "Human_Review_Document_Check": CheckKind.REVIEW,
    "Human_Review_Liveness_Check": CheckKind.REVIEW,
    "Human_Review_Selfie_Check": CheckKind.REVIEW,
    "Human_Review_Update_Selfie": CheckKind.REVIEW,
    "Liveness_Check": CheckKind.LIVENESS,
    "Register_Selfie": CheckKind.OTHER,
    "Return_Personal_Info": CheckKind.OTHER,
    "Selfie_Check": CheckKind.OTHER,
    "Selfie_Provided": CheckKind.OTHER,
    "Selfie_To_ID_Authority_Compare": CheckKind.FACE_MATCH,
    "Selfie_To_ID_Card_Compare": CheckKind.FACE_MATCH,
    "Selfie_To_Registered_Selfie_Compare": CheckKind.FACE_MATCH,
    "Update_Registered_Selfie_On_File": CheckKind.OTHER,
    "Verify_Document": CheckKind.DOCUMENT_AUTHENTICITY,
    "Verify_ID_Number": CheckKind.REGISTER,
    "Verify_Business": CheckKind.REGISTER,
    "Return_Business_Info": CheckKind.OTHER,
    "DOB": CheckKind.REGISTER,  # inferred, and the four below
    "Gender": CheckKind.REGISTER,
    "Names": CheckKind.REGISTER,
    "Phone_Number": CheckKind.REGISTER,
    "ID_Verification": CheckKind.REGISTER,
    "Listed": CheckKind.WATCHLIST,
}

STATUSES: Final[Mapping[str, CheckStatus]] = {
    "Passed": CheckStatus.PASSED,
    "Completed": CheckStatus.PASSED,
    "Approved": CheckStatus.PASSED,
    "Verified": CheckStatus.PASSED,
    "Returned": CheckStatus.PASSED,
    "Exact Match": CheckStatus.PASSED,
    "Not Listed": CheckStatus.PASSED,  # inferred: its opposite is documented
    "Failed": CheckStatus.FAILED,
    "Rejected": CheckStatus.FAILED,
    "Not Verified": CheckStatus.FAILED,
    "No Match": CheckStatus.FAILED,
    "Provisionally Approved": CheckStatus.UNCLEAR,
    "Unable To Determine": CheckStatus.UNCLEAR,
    "Partial Match": CheckStatus.UNCLEAR,
    "Transposed": CheckStatus.UNCLEAR,
    "Listed": CheckStatus.UNCLEAR,  # a hit is a flag, not a proof
    "Under Review": CheckStatus.UNDER_REVIEW,
    "Sent to Human Review": CheckStatus.UNDER_REVIEW,
    "Not Returned": CheckStatus.NOT_DONE,
    "Not Done": CheckStatus.NOT_DONE,
    "Issuer Unavailable": CheckStatus.NOT_DONE,
    "ID Authority Photo Not Available": CheckStatus.NOT_DONE,
    "Not Provided": CheckStatus.NOT_DONE,
    # Neutral: an action that was not part of the job is no failure.
    "Not Applicable": CheckStatus.NOT_APPLICABLE,
}


@dataclass(frozen=True)
class Actions:
    """The checks of a job, and the names and values that no table lists."""

    checks: tuple[Check, ...]
    drifts: tuple[Drift, ...]


def read_actions(actions: Mapping[str, Any]) -> Actions:
    """Return the checks. Never raises: an unknown value is `unrecognised` and reported."""
    named = sorted((word, value) for name, value in actions.items() if (word := as_word(name)))[:MOST_CHECKS]
    checks = tuple(
        Check(kind=KINDS.get(name, CheckKind.OTHER), name=name, status=_status_of(value)) for name, value in named
    )
    names = tuple(Drift(field=FIELD, value=name) for name, _ in named if name not in KINDS)
    values = tuple(
        Drift(field=as_word(f"{FIELD}.{each.name}") or FIELD, value=as_word(actions[each.name]))
        for each in checks
        if each.status is CheckStatus.UNRECOGNISED
    )
    return Actions(checks=checks, drifts=names + values)


def _status_of(value: object) -> CheckStatus:
    return STATUSES.get(value, CheckStatus.UNRECOGNISED) if isinstance(value, str) else CheckStatus.UNRECOGNISED
