"""Tables that translate result codes, by type of job: one code has different meanings in different types.

A row marked `inferred` rests on reports of integrators, since the vendor's table was never seen completely. All other
rows are documented. A pair without a row is unrecognised, even if another type of job has the code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from vigil.domain.terms import Advice, ReasonCode, SessionKind
from vigil.providers.vocabulary import Looks

PartName: TypeAlias = Literal["identity", "biometric", "whole"]


class Effect(StrEnum):
    """What one result does to its job."""

    PASS = "pass"  # noqa: S105 -- not a password
    FAIL = "fail"
    UNCLEAR = "unclear"
    ERROR = "error"
    """The check could not run, and never will for this job."""
    WAIT = "wait"
    """The check could not run yet."""
    REVIEW = "review"
    """Provisional: a person may review it."""


@dataclass(frozen=True)
class CodeMeaning:
    """The meaning of one result code in one type of job."""

    effect: Effect
    reason: ReasonCode | None = None
    advice: Advice = Advice.NONE
    part: PartName = "whole"
    is_reviewed: bool = False
    """A person has reviewed it, so no machine result overrides it."""
    partner_decides: bool = False
    """Smile ID leaves the decision to the partner."""


BIOMETRIC_KYC: Final = 1
BUSINESS_VERIFICATION: Final = 7
ENHANCED_DOCUMENT: Final = 11
_KNOWN_TYPES: Final = (1, 2, 4, 5, 6, 7, 10, 11)
_CAPTURED_TYPES: Final = (1, 2, 4, 6, 11)
"""Types whose pictures are uploaded as an archive."""
_IDENTITY: Final = ("1012", "1013", "1014", "1015", "1016")

_PASSED: Final = CodeMeaning(Effect.PASS)
_REVIEWED_PASS: Final = CodeMeaning(Effect.PASS, is_reviewed=True)
_PROVISIONAL: Final = CodeMeaning(Effect.REVIEW, ReasonCode.PROVISIONAL, partner_decides=True)
_MISMATCH: Final = CodeMeaning(Effect.FAIL, ReasonCode.FACE_MISMATCH)
_SPOOF: Final = CodeMeaning(Effect.FAIL, ReasonCode.SPOOF)
_UNUSABLE: Final = CodeMeaning(Effect.FAIL, ReasonCode.IMAGE_UNUSABLE, Advice.NEW_ATTEMPT)
_REVIEWED_MISMATCH: Final = replace(_MISMATCH, is_reviewed=True)
_REVIEWED_SPOOF: Final = replace(_SPOOF, is_reviewed=True)
_AUTHORITY_DOWN: Final = CodeMeaning(Effect.WAIT, ReasonCode.AUTHORITY_UNAVAILABLE, Advice.ASK_AGAIN)
_NOT_IN_REGISTER: Final = CodeMeaning(Effect.FAIL, ReasonCode.NOT_FOUND_IN_REGISTER)

_LOOKUP: Final = {
    "1012": _PASSED,
    "1013": _NOT_IN_REGISTER,
    "1014": CodeMeaning(Effect.ERROR, ReasonCode.OTHER, Advice.FIX_INPUT),
    "1015": _AUTHORITY_DOWN,
    "1016": CodeMeaning(Effect.ERROR, ReasonCode.NOT_PERMITTED, Advice.FIX_CONFIGURATION),
}

_DOCUMENT: Final = {
    "0810": _PASSED,
    "0811": CodeMeaning(Effect.FAIL, ReasonCode.DOCUMENT_REJECTED),  # inferred
    "0812": CodeMeaning(Effect.FAIL, ReasonCode.IMAGE_UNUSABLE),  # inferred: a rejection here, provisional in type 1
    "0816": CodeMeaning(Effect.FAIL, ReasonCode.DOCUMENT_UNSUPPORTED),  # inferred
    # inferred; integrators call it approved, and the third generation calls the same result `attention`
    "0817": CodeMeaning(Effect.UNCLEAR, ReasonCode.DOCUMENT_EXPIRED, partner_decides=True),
}

_BY_TYPE: Final[Mapping[int, Mapping[str, CodeMeaning]]] = {
    BIOMETRIC_KYC: {
        "0810": _PASSED,
        "0811": _MISMATCH,  # inferred
        "0812": _PROVISIONAL,  # documented as a term; unknown: whether anyone ever reviews it
        "0813": _SPOOF,  # inferred
        "0814": _PROVISIONAL,
        "0815": _PROVISIONAL,  # inferred
        "0908": _AUTHORITY_DOWN,  # inferred
        "0911": _UNUSABLE,  # inferred
        "0912": _UNUSABLE,  # inferred
        "1210": _REVIEWED_PASS,
        "1211": _REVIEWED_MISMATCH,  # inferred
        "1212": _REVIEWED_SPOOF,  # inferred
        "1213": CodeMeaning(
            Effect.UNCLEAR, ReasonCode.PROVISIONAL, is_reviewed=True
        ),  # inferred: the reviewer is not sure
        "1214": CodeMeaning(Effect.FAIL, ReasonCode.DOCUMENT_REJECTED, is_reviewed=True),  # inferred
        **_LOOKUP,
    },
    2: {  # inferred: all of them
        "0820": _PASSED,
        "0821": _MISMATCH,
        "0822": _PROVISIONAL,
        "0823": _SPOOF,
        "0824": _PROVISIONAL,
        "0825": _PROVISIONAL,
        "0921": _UNUSABLE,
        "0922": _UNUSABLE,
        "1220": _REVIEWED_PASS,
        "1221": _REVIEWED_MISMATCH,
        "1222": _REVIEWED_SPOOF,
    },
    4: {  # inferred: all but 0840
        "0840": _PASSED,
        "0841": CodeMeaning(Effect.FAIL, ReasonCode.OTHER),
        "0842": _PROVISIONAL,
        "0843": _SPOOF,
        "0844": _PROVISIONAL,
        # Blocked until a reviewer decides: no policy may approve it before.
        "0846": replace(_PROVISIONAL, partner_decides=False),
        "0941": _UNUSABLE,
        "0942": _UNUSABLE,
        "1240": _REVIEWED_PASS,
        "1241": replace(_UNUSABLE, is_reviewed=True),
        "1242": _REVIEWED_SPOOF,
    },
    5: {
        **_LOOKUP,
        "1020": _PASSED,
        "1021": CodeMeaning(Effect.PASS, ReasonCode.PARTIAL_MATCH),  # inferred: a partial match is enough
        "1022": CodeMeaning(Effect.FAIL, ReasonCode.DATA_MISMATCH),
        "1023": _NOT_IN_REGISTER,
    },
    6: _DOCUMENT,
    BUSINESS_VERIFICATION: _LOOKUP,
    10: {
        "1030": CodeMeaning(Effect.FAIL, ReasonCode.ON_A_LIST),  # inferred: a hit is a flag, not a proof
        "1031": _PASSED,
    },
    # The number of the document is looked up as well (1012 inferred).
    ENHANCED_DOCUMENT: {**_DOCUMENT, "1012": _PASSED, "1014": _LOOKUP["1014"]},
}

_TYPES_OF: Final[Mapping[str, tuple[int, ...]]] = {
    "0001": _KNOWN_TYPES,
    "0903": _CAPTURED_TYPES,
    "0907": _CAPTURED_TYPES,  # inferred: strict mode may meet every type with a face
}
_ANYWHERE: Final[Mapping[str, CodeMeaning]] = {
    "0001": _UNUSABLE,
    "0903": _UNUSABLE,
    "0907": replace(_SPOOF, advice=Advice.NEW_ATTEMPT),
}


def _part_of(job_type: int, code: str) -> PartName:
    if code in _IDENTITY and job_type in {BIOMETRIC_KYC, ENHANCED_DOCUMENT}:
        return "identity"
    return "biometric" if job_type == BIOMETRIC_KYC else "whole"


def _rows() -> Iterator[tuple[tuple[int, str], CodeMeaning]]:
    anywhere = {(job_type, code): _ANYWHERE[code] for code, types in _TYPES_OF.items() for job_type in types}
    own = {(job_type, code): row for job_type, rows in _BY_TYPE.items() for code, row in rows.items()}
    for (job_type, code), row in (anywhere | own).items():
        yield (job_type, code), replace(row, part=_part_of(job_type, code))


ROWS: Final[Mapping[tuple[int, str], CodeMeaning]] = MappingProxyType(dict(_rows()))
"""By type of job and result code. The bodies of types 8, 9 and 12 are unknown, so these have no row."""

NO_SUCH_JOB: Final = "2304"
"""The code of an answer, not of a result: no such job yet, or no longer (inferred)."""
NOTHING_UPLOADED: Final = "2314"
ANSWERED: Final = "2302"
REFUSALS: Final = frozenset({"2203", "2204", "2205", "2213", "2220", "2405"})
"""Codes of an answer that refuses our request or our rights. Such an answer says nothing about the job."""


def meaning_of(job_type: int | None, code: str | None) -> CodeMeaning | None:
    """Return the meaning of a pair; None if no table lists it."""
    return None if job_type is None or code is None else ROWS.get((job_type, code))


def looks(job_type: int | None, code: str | None) -> Looks:
    """Return what a result in a callback suggests.

    A part that passed leaves the job open, since the other part may be missing. A reviewer has waited for both (I).
    """
    row = meaning_of(job_type, code)
    if row is None:
        return "unrecognised"
    is_half = row.part != "whole" and row.effect is Effect.PASS and not row.is_reviewed
    return "open" if is_half or row.effect in {Effect.WAIT, Effect.REVIEW} else "final"


def session_kind(job_type: int | None) -> SessionKind:
    """Return the kind of a job's session."""
    if job_type is None:
        return SessionKind.UNRECOGNISED
    return SessionKind.BUSINESS if job_type == BUSINESS_VERIFICATION else SessionKind.PERSON
