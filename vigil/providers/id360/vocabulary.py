"""ID360's words in ours, as tables; statuses and step names are compared without regard to case.

A row marked `inferred` or `unknown` rests on no document; all others are documented or were observed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

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

STARTED: Final = "STARTED"
DELETED: Final = "DELETED"


@dataclass(frozen=True)
class Standing:
    """What one status of a report means. `otherwise` is the reason where no code gives one of `expected`."""

    stage: Stage
    decision: Decision | None = None
    ended: Ended | None = None
    advice: Advice = Advice.NONE
    expected: frozenset[ReasonCode] = frozenset()
    otherwise: ReasonCode | None = None


_CANCELED: Final = Standing(
    stage=Stage.CONCLUDED,
    ended=Outcome.CANCELED,
    expected=frozenset({ReasonCode.TIME_RAN_OUT, ReasonCode.APPLICANT_STOPPED}),
    # The guide defines it as time running out; a retry that is left open ends so, too.
    otherwise=ReasonCode.TIME_RAN_OUT,
)

STATUSES: Final[Mapping[str, Standing]] = {
    "NEW": Standing(stage=Stage.AWAITING_APPLICANT),
    STARTED: Standing(stage=Stage.AWAITING_APPLICANT),
    "OK": Standing(stage=Stage.CONCLUDED, decision=Decision.APPROVED),
    "KO": Standing(stage=Stage.CONCLUDED, decision=Decision.DECLINED),
    "FAILED": Standing(
        stage=Stage.CONCLUDED,
        ended=Outcome.FAILED,
        advice=Advice.NEW_ATTEMPT,
        expected=frozenset({ReasonCode.TECHNICAL, ReasonCode.TIME_RAN_OUT}),
        otherwise=ReasonCode.TECHNICAL,
    ),
    "CANCELED": _CANCELED,
    "CANCELLED": _CANCELED,  # inferred: the documents write one L
    # unknown spelling: the documents say "Discontinued" in prose; interrupted by the backend, through the API
    "DISCONTINUED": Standing(stage=Stage.CONCLUDED, ended=Outcome.CANCELED),
    "UP": Standing(stage=Stage.AWAITING_APPLICANT),  # unknown: certain only as a subscription code
    "SP": Standing(stage=Stage.PROCESSING),  # unknown: certain only as a subscription code
}
"""By status in upper case. `DELETED` has no row: it says nothing about the verification, only about its data."""

CODES: Final[Mapping[str, ReasonCode]] = {
    "VLD_DOCUMENT_INVALID": ReasonCode.DOCUMENT_REJECTED,
    "VLD_VALIDATION_KO": ReasonCode.DOCUMENT_REJECTED,
    "VLD_ID_INVALID": ReasonCode.DOCUMENT_REJECTED,
    "MDL_CHALLENGE_NOT_MET": ReasonCode.OTHER,  # inferred: a spoof or a bad picture, no source says which
    "MDL_INPUT_INVALID": ReasonCode.IMAGE_UNUSABLE,
    "MDL_RESPONSE_INVALID": ReasonCode.TECHNICAL,
    "EIM_RESPONSE_KO": ReasonCode.NOT_PERMITTED,  # inferred: documented as a refusal by the external means
    "EIM_WRONG_CREDENTIAL": ReasonCode.NOT_PERMITTED,  # inferred
    "EIM_TIMEOUT": ReasonCode.TIME_RAN_OUT,
    "ERL_TIMEOUT": ReasonCode.TIME_RAN_OUT,
    "ERL_DELETE": ReasonCode.APPLICANT_STOPPED,  # inferred: documented only as "deleted"
    "SEC_DATA_INJECTION": ReasonCode.SPOOF,  # inferred
}
"""By code; every other code is `other`, since the published list is cut."""

TECHNICAL_CODES: Final = frozenset(
    {"SVC_RESPONSE_INVALID", "EIM_TIMEOUT", "VLD_SCRIPT_ERROR", "UNKNOWN_ERROR", "ERL_TIMEOUT"}
)
"""A KO for nothing but these says little about the applicant (inferred): still declined, but worth a new attempt."""

STEPS: Final[Mapping[str, CheckKind]] = {
    "id_document": CheckKind.DOCUMENT,
    "id_document_mandate": CheckKind.DOCUMENT,
    "id_document_mandat": CheckKind.DOCUMENT,  # so spelled in an older revision of the guide
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
    "email": CheckKind.CONTACT,  # inferred: the guide has the row, its name cell is empty
}
"""By step name in lower case, without its ordinal; every other name is `other`, since the list is open."""

STEP_STATUSES: Final[Mapping[str, CheckStatus]] = {
    "OK": CheckStatus.PASSED,
    "KO": CheckStatus.FAILED,  # inferred: only OK was observed on a step
}

_SLOTS: Final[tuple[tuple[str, EvidenceKind], ...]] = (
    ("id_document", EvidenceKind.DOCUMENT_FRONT),
    ("selfie", EvidenceKind.SELFIE),
    ("liveness", EvidenceKind.LIVENESS_VIDEO),
)

_ORDINAL: Final = re.compile(r"(.+)\$(\d{1,2})", re.ASCII)


def status_key(word: str) -> str:
    """Return a status as the tables spell it."""
    return word.upper()


def looks(word: str) -> Literal["open", "final", "unrecognised"]:
    """Say what a status in a callback looks like; it decides nothing."""
    standing = STATUSES.get(status_key(word))
    if standing is None:
        # A deletion follows a final and changes no verdict.
        return "open" if status_key(word) == DELETED else "unrecognised"
    return "final" if standing.stage is Stage.CONCLUDED else "open"


def announced_end(word: str) -> Ended | None:
    """Return the end without a decision that a status announces."""
    standing = STATUSES.get(status_key(word))
    return standing.ended if standing else None


def split_ordinal(name: str) -> tuple[str, int | None]:
    """Split `liveness$1` into its name and its number; most names have no number."""
    match = _ORDINAL.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def check_kind(step: str) -> CheckKind:
    """Return what a step looks at."""
    return STEPS.get(split_ordinal(step)[0].lower(), CheckKind.OTHER)


def step_status(raw: object) -> CheckStatus:
    """Return how a step stands; one that says nothing is not done."""
    if raw is None:
        return CheckStatus.NOT_DONE
    return STEP_STATUSES.get(raw.upper() if isinstance(raw, str) else "", CheckStatus.UNRECOGNISED)


def evidence_kind(slot: str, page: int) -> EvidenceKind:
    """Return what a file shows, by the document slot that it was uploaded into and its place there."""
    for prefix, kind in _SLOTS:
        if slot.lower().startswith(prefix):
            # inferred: files of one slot are pages, and the second page of an identity document is its back
            is_back = kind is EvidenceKind.DOCUMENT_FRONT and page > 0
            return EvidenceKind.DOCUMENT_BACK if is_back else kind
    return EvidenceKind.SUPPORTING_DOCUMENT


def reasons_for(standing: Standing, codes: Sequence[str]) -> tuple[Reason, ...]:
    """Say why, from the codes of a report. An approval needs no reasons; codes of overcome attempts stay in it."""
    if standing.stage is not Stage.CONCLUDED or standing.decision is Decision.APPROVED:
        return ()
    if is_only_technical(standing, codes):
        return tuple(Reason(code=ReasonCode.TECHNICAL, word=as_word(code)) for code in codes)
    told = tuple(Reason(code=CODES.get(code, ReasonCode.OTHER), word=as_word(code)) for code in codes)
    if standing.otherwise is None or any(reason.code in standing.expected for reason in told):
        return told
    return (Reason(code=standing.otherwise), *told)


def is_only_technical(standing: Standing, codes: Sequence[str]) -> bool:
    """Whether this is a refusal for which only technical causes are named."""
    return standing.decision is Decision.DECLINED and bool(codes) and TECHNICAL_CODES.issuperset(codes)
