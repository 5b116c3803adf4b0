"""Tables that translate ID360's words. Statuses and step names are compared without regard to case.

A row marked `inferred` or `unknown` has no document behind it. All other rows are documented or were observed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vigil.domain.snapshot import Reason
from vigil.domain.terms import (
    Advice,
    CheckKind,
    CheckStatus,
    Decision,
    Ended,
    EvidenceKind,
    Outcome,
    ReasonCode,
    Stage,
    as_word,
)
from vigil.providers.vocabulary import Looks, StatusMeaning, looks_of

STARTED: Final = "STARTED"
DELETED: Final = "DELETED"


@dataclass(frozen=True)
class ReportStatus(StatusMeaning):
    """What one status of a report means. `reason` counts only if no code of the report gives one of `expected`."""

    expected: frozenset[ReasonCode] = frozenset()


_CANCELED: Final = ReportStatus(
    stage=Stage.CONCLUDED,
    ended=Outcome.CANCELED,
    expected=frozenset({ReasonCode.TIME_RAN_OUT, ReasonCode.APPLICANT_STOPPED}),
    # The guide defines this status as a time-out. A retry that the applicant leaves open ends like this, too.
    reason=ReasonCode.TIME_RAN_OUT,
)
STATUSES: Final[Mapping[str, ReportStatus]] = {
    "NEW": ReportStatus(stage=Stage.AWAITING_APPLICANT),
    STARTED: ReportStatus(stage=Stage.AWAITING_APPLICANT),
    "OK": ReportStatus(stage=Stage.CONCLUDED, decision=Decision.APPROVED),
    "KO": ReportStatus(
        stage=Stage.CONCLUDED,
        decision=Decision.DECLINED,
        expected=frozenset(ReasonCode),
        # A report without any code explains a KO in the text `reason` alone.
        reason=ReasonCode.OTHER,
    ),
    "FAILED": ReportStatus(
        stage=Stage.CONCLUDED,
        ended=Outcome.FAILED,
        advice=Advice.NEW_ATTEMPT,
        expected=frozenset({ReasonCode.TECHNICAL, ReasonCode.TIME_RAN_OUT}),
        reason=ReasonCode.TECHNICAL,
    ),
    "CANCELED": _CANCELED,
    "CANCELLED": _CANCELED,  # inferred: the documents write one L
    # unknown spelling: the documents say "Discontinued" in prose. The backend interrupted it through the API.
    "DISCONTINUED": ReportStatus(stage=Stage.CONCLUDED, ended=Outcome.CANCELED),
}
"""By status in upper case. `DELETED` has no row: it concerns the data, not the verification."""

# Certain only as codes of subscriptions; unknown as statuses. The guide spells them "MIE User Processing" and "MIE Sys
# Processing"; its English word for MIE, an external means of identification, is EIM.
_AT_USER: Final = ReportStatus(stage=Stage.AWAITING_APPLICANT)
_AT_SYSTEM: Final = ReportStatus(stage=Stage.PROCESSING)
EXTERNAL_PHASES: Final[Mapping[str, ReportStatus]] = {
    "UP": _AT_USER,
    "USER_PROCESSING": _AT_USER,
    "SP": _AT_SYSTEM,
    "SYS_PROCESSING": _AT_SYSTEM,
}
"""By name in upper case, with underscores and without MIE: the applicant, or the provider, is busy elsewhere."""

CODES: Final[Mapping[str, ReasonCode]] = {
    "VLD_DOCUMENT_INVALID": ReasonCode.DOCUMENT_REJECTED,
    "VLD_VALIDATION_KO": ReasonCode.DOCUMENT_REJECTED,
    "VLD_ID_INVALID": ReasonCode.DOCUMENT_REJECTED,
    "MDL_CHALLENGE_NOT_MET": ReasonCode.OTHER,  # inferred: a spoof or a bad picture; no source says which
    "MDL_INPUT_INVALID": ReasonCode.IMAGE_UNUSABLE,
    "MDL_RESPONSE_INVALID": ReasonCode.TECHNICAL,
    "EIM_RESPONSE_KO": ReasonCode.NOT_PERMITTED,  # inferred: documented as a refusal by the external means
    "EIM_WRONG_CREDENTIAL": ReasonCode.NOT_PERMITTED,  # inferred
    "EIM_TIMEOUT": ReasonCode.TIME_RAN_OUT,
    "ERL_TIMEOUT": ReasonCode.TIME_RAN_OUT,
    "ERL_DELETE": ReasonCode.APPLICANT_STOPPED,  # inferred: documented only as "deleted"
    "SEC_DATA_INJECTION": ReasonCode.SPOOF,  # inferred
}
"""By code. Every other code is `other`, since the published list is incomplete."""

TECHNICAL_CODES: Final = frozenset(
    {"SVC_RESPONSE_INVALID", "EIM_TIMEOUT", "VLD_SCRIPT_ERROR", "UNKNOWN_ERROR", "ERL_TIMEOUT"}
)
"""A KO with these codes only says little about the applicant (inferred): declined, but a new attempt may succeed."""

STEPS: Final[Mapping[str, CheckKind]] = {
    "id_document": CheckKind.DOCUMENT,
    "id_document_mandate": CheckKind.DOCUMENT,
    "id_document_mandat": CheckKind.DOCUMENT,  # spelled like this in an older revision of the guide
    "fake_photo_id": CheckKind.DOCUMENT_AUTHENTICITY,
    "phone_detection": CheckKind.DOCUMENT_AUTHENTICITY,
    "image_forensics": CheckKind.DOCUMENT_AUTHENTICITY,
    "ar24": CheckKind.EXTERNAL_IDENTITY,
    "france_connect": CheckKind.EXTERNAL_IDENTITY,
    "france_connect_plus": CheckKind.EXTERNAL_IDENTITY,
    "id_num": CheckKind.EXTERNAL_IDENTITY,
    "facecomparison": CheckKind.FACE_MATCH,
    "liveness": CheckKind.LIVENESS,
    "property_tax_notice": CheckKind.SUPPORTING_DOCUMENT,
    "proof_of_address": CheckKind.SUPPORTING_DOCUMENT,
    "pay_slip": CheckKind.SUPPORTING_DOCUMENT,
    "kbis": CheckKind.SUPPORTING_DOCUMENT,
    "income_tax_notice": CheckKind.SUPPORTING_DOCUMENT,
    "bank_details": CheckKind.SUPPORTING_DOCUMENT,
    "free_document": CheckKind.SUPPORTING_DOCUMENT,
    "mandate": CheckKind.SUPPORTING_DOCUMENT,
    "phone": CheckKind.CONTACT,
    "otp": CheckKind.CONTACT,
    "email": CheckKind.CONTACT,  # inferred: the guide has the row, but its name is empty
}
"""By step name in lower case, without its ordinal. Every other name is `other`, since the list is open."""

STEP_STATUSES: Final[Mapping[str, CheckStatus]] = {
    "OK": CheckStatus.PASSED,
    "KO": CheckStatus.FAILED,  # inferred: only OK was observed on a step
}

_SLOTS: Final[tuple[tuple[str, EvidenceKind], ...]] = (
    ("id_document", EvidenceKind.DOCUMENT_FRONT),
    ("selfie", EvidenceKind.SELFIE),
    ("liveness", EvidenceKind.LIVENESS_VIDEO),
)

_MIE: Final = re.compile(r"\A(MIE|EIM)_")
_ORDINAL: Final = re.compile(r"(.+)\$(\d{1,2})", re.ASCII)


def meaning_of(status: str) -> ReportStatus | None:
    """Return what a status means; None if no table lists it."""
    return STATUSES.get(status.upper()) or EXTERNAL_PHASES.get(_phase(status))


def is_external_phase(status: str) -> bool:
    """Whether a status says that the verification continues at an external means of identification."""
    return _phase(status) in EXTERNAL_PHASES


def status_word(status: str) -> str | None:
    """Return a status as a word. Only in the name of a phase blanks are replaced."""
    return as_word(status.replace(" ", "_").upper() if " " in status and is_external_phase(status) else status)


def _phase(status: str) -> str:
    return _MIE.sub("", status.upper().replace(" ", "_").replace("-", "_"))


def counts_what_ran(status: str) -> bool:
    """Whether the count of steps in a callback of this status says how many ran.

    ID360 counts every step of a file as done at its end (D), also where the file ended before some of them.
    """
    meaning = meaning_of(status)
    return meaning is not None and meaning.ended is None


def looks(word: str) -> Looks:
    """Return what a status in a callback suggests. A deletion follows a final status and changes no verdict."""
    return "open" if word.upper() == DELETED else looks_of(meaning_of(word))


def announced_end(word: str) -> Ended | None:
    """Return the end without a decision that a status announces; None for all other statuses."""
    meaning = meaning_of(word)
    return meaning.ended if meaning else None


def split_ordinal(name: str) -> tuple[str, int | None]:
    """Split `liveness$1` into its name and its number. Most names have no number."""
    match = _ORDINAL.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def check_kind(step: str) -> CheckKind:
    """Return what a step checks."""
    return STEPS.get(split_ordinal(step)[0].lower(), CheckKind.OTHER)


def step_status(raw: object) -> CheckStatus:
    """Return the status of a step; a step without one is not done."""
    if raw is None:
        return CheckStatus.NOT_DONE
    return STEP_STATUSES.get(raw.upper() if isinstance(raw, str) else "", CheckStatus.UNRECOGNISED)


def evidence_kind(slot: str, page: int) -> EvidenceKind:
    """Return the content of a file, by its document slot and its number there."""
    for prefix, kind in _SLOTS:
        if slot.lower().startswith(prefix):
            # inferred: the files of one slot are pages, so the second file of an identity document is its back
            is_back = kind is EvidenceKind.DOCUMENT_FRONT and page > 0
            return EvidenceKind.DOCUMENT_BACK if is_back else kind
    return EvidenceKind.SUPPORTING_DOCUMENT


def reasons_for(meaning: ReportStatus, codes: Sequence[str]) -> tuple[Reason, ...]:
    """Return the reasons, from the codes of a report.

    An approval has none: an approved report still lists the codes of earlier failed attempts.
    """
    if meaning.stage is not Stage.CONCLUDED or meaning.decision is Decision.APPROVED:
        return ()
    if is_only_technical(meaning, codes):
        return tuple(Reason(code=ReasonCode.TECHNICAL, word=as_word(code)) for code in codes)
    reasons = tuple(Reason(code=CODES.get(code, ReasonCode.OTHER), word=as_word(code)) for code in codes)
    if meaning.reason is None or any(reason.code in meaning.expected for reason in reasons):
        return reasons
    return (Reason(code=meaning.reason), *reasons)


def is_only_technical(meaning: ReportStatus, codes: Sequence[str]) -> bool:
    """Whether this is a refusal with technical causes only."""
    return meaning.decision is Decision.DECLINED and bool(codes) and TECHNICAL_CODES.issuperset(codes)
