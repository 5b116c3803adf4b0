"""The first generation's result codes in our words, by type of job: one code means different things in different types.

A row marked `inferred` rests on what integrators tell, since the vendor's own table was never seen whole; the others
are documented. A pair that is not here is unrecognised, even if another type of job has its code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from vigil.domain.terms import Advice, ReasonCode, SessionKind

PartName: TypeAlias = Literal["identity", "biometric", "whole"]


class Effect(StrEnum):
    """What one result does to the job that it belongs to."""

    PASS = "pass"  # noqa: S105 -- not a password
    FAIL = "fail"
    UNCLEAR = "unclear"
    ERROR = "error"
    """It could not be run, and the same job never will be."""
    WAIT = "wait"
    """It could not be run yet."""
    REVIEW = "review"
    """Provisional: a person may look at it."""


@dataclass(frozen=True)
class Row:
    """What one result code means in one type of job."""

    effect: Effect
    because: ReasonCode | None = None
    advice: Advice = Advice.NONE
    part: PartName = "whole"
    is_reviewed: bool = False
    """A person has looked at it, so no machine's word overrules it."""
    partner_decides: bool = False
    """The vendor leaves it to the partner what this means."""


BIOMETRIC_KYC: Final = 1
BUSINESS_VERIFICATION: Final = 7
ENHANCED_DOCUMENT: Final = 11
_KNOWN_TYPES: Final = (1, 2, 4, 5, 6, 7, 10, 11)
_CAPTURED_TYPES: Final = (1, 2, 4, 6, 11)
"""Types of which pictures are uploaded as an archive."""
_IDENTITY: Final = ("1012", "1013", "1014", "1015", "1016")

_PASSED: Final = Row(Effect.PASS)
_REVIEWED_PASS: Final = Row(Effect.PASS, is_reviewed=True)
_PROVISIONAL: Final = Row(Effect.REVIEW, ReasonCode.PROVISIONAL, partner_decides=True)
_MISMATCH: Final = Row(Effect.FAIL, ReasonCode.FACE_MISMATCH)
_SPOOF: Final = Row(Effect.FAIL, ReasonCode.SPOOF)
_UNUSABLE: Final = Row(Effect.FAIL, ReasonCode.IMAGE_UNUSABLE, Advice.NEW_ATTEMPT)
_REVIEWED_MISMATCH: Final = replace(_MISMATCH, is_reviewed=True)
_REVIEWED_SPOOF: Final = replace(_SPOOF, is_reviewed=True)
_AUTHORITY_DOWN: Final = Row(Effect.WAIT, ReasonCode.AUTHORITY_UNAVAILABLE, Advice.ASK_AGAIN)
_NOT_IN_REGISTER: Final = Row(Effect.FAIL, ReasonCode.NOT_FOUND_IN_REGISTER)

_LOOKUP: Final = {
    "1012": _PASSED,
    "1013": _NOT_IN_REGISTER,
    "1014": Row(Effect.ERROR, ReasonCode.OTHER, Advice.FIX_INPUT),
    "1015": _AUTHORITY_DOWN,
    "1016": Row(Effect.ERROR, ReasonCode.NOT_PERMITTED, Advice.FIX_CONFIGURATION),
}

_DOCUMENT: Final = {
    "0810": _PASSED,
    "0811": Row(Effect.FAIL, ReasonCode.DOCUMENT_REJECTED),  # inferred
    "0812": Row(Effect.FAIL, ReasonCode.IMAGE_UNUSABLE),  # inferred: a rejection here, provisional in type 1
    "0816": Row(Effect.FAIL, ReasonCode.DOCUMENT_UNSUPPORTED),  # inferred
    # inferred; integrators call it approved, and the third generation calls the same fact a case for attention
    "0817": Row(Effect.UNCLEAR, ReasonCode.DOCUMENT_EXPIRED, partner_decides=True),
}

_BY_TYPE: Final[Mapping[int, Mapping[str, Row]]] = {
    BIOMETRIC_KYC: {
        "0810": _PASSED,
        "0811": _MISMATCH,  # inferred
        "0812": _PROVISIONAL,  # documented as a term; unknown: whether anybody ever reviews it
        "0813": _SPOOF,  # inferred
        "0814": _PROVISIONAL,
        "0815": _PROVISIONAL,  # inferred
        "0908": _AUTHORITY_DOWN,  # inferred
        "0911": _UNUSABLE,  # inferred
        "0912": _UNUSABLE,  # inferred
        "1210": _REVIEWED_PASS,
        "1211": _REVIEWED_MISMATCH,  # inferred
        "1212": _REVIEWED_SPOOF,  # inferred
        "1213": Row(Effect.UNCLEAR, ReasonCode.PROVISIONAL, is_reviewed=True),  # inferred: the reviewer is not sure
        "1214": Row(Effect.FAIL, ReasonCode.DOCUMENT_REJECTED, is_reviewed=True),  # inferred
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
        "0841": Row(Effect.FAIL, ReasonCode.OTHER),
        "0842": _PROVISIONAL,
        "0843": _SPOOF,
        "0844": _PROVISIONAL,
        # Blocked until a reviewer decides: nobody may make a pass of it before.
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
        "1021": Row(Effect.PASS, ReasonCode.PARTIAL_MATCH),  # inferred: that a partial match is enough
        "1022": Row(Effect.FAIL, ReasonCode.DATA_MISMATCH),
        "1023": _NOT_IN_REGISTER,
    },
    6: _DOCUMENT,
    BUSINESS_VERIFICATION: _LOOKUP,
    10: {
        "1030": Row(Effect.FAIL, ReasonCode.ON_A_LIST),  # inferred: a hit is a flag and no proof
        "1031": _PASSED,
    },
    # The number of the document is looked up beside it (1012 inferred).
    ENHANCED_DOCUMENT: {**_DOCUMENT, "1012": _PASSED, "1014": _LOOKUP["1014"]},
}

_TYPES_OF: Final[Mapping[str, tuple[int, ...]]] = {
    "0001": _KNOWN_TYPES,
    "0903": _CAPTURED_TYPES,
    "0907": _CAPTURED_TYPES,  # inferred: strict mode may meet every type with a face
}
_ANYWHERE: Final[Mapping[str, Row]] = {
    "0001": _UNUSABLE,
    "0903": _UNUSABLE,
    "0907": replace(_SPOOF, advice=Advice.NEW_ATTEMPT),
}


def _part_of(job_type: int, code: str) -> PartName:
    if code in _IDENTITY and job_type in {BIOMETRIC_KYC, ENHANCED_DOCUMENT}:
        return "identity"
    return "biometric" if job_type == BIOMETRIC_KYC else "whole"


def _rows() -> Iterator[tuple[tuple[int, str], Row]]:
    anywhere = {(job_type, code): _ANYWHERE[code] for code, types in _TYPES_OF.items() for job_type in types}
    own = {(job_type, code): row for job_type, rows in _BY_TYPE.items() for code, row in rows.items()}
    for (job_type, code), row in (anywhere | own).items():
        yield (job_type, code), replace(row, part=_part_of(job_type, code))


ROWS: Final[Mapping[tuple[int, str], Row]] = MappingProxyType(dict(_rows()))
"""By type of job and result code. The bodies of types 8, 9 and 12 are unknown, so they have no row."""

NO_SUCH_JOB: Final = "2304"
"""A code of a reply, not of a result: no such job yet, or no longer (inferred)."""
NOTHING_UPLOADED: Final = "2314"
ANSWERED: Final = "2302"
REFUSALS: Final = frozenset({"2203", "2204", "2205", "2213", "2220", "2405"})
"""Codes of a reply that says that we asked wrongly, or may not ask. No answer of theirs is about a job."""


def row_of(job_type: int | None, code: str | None) -> Row | None:
    """Return what a pair means, or None where no table knows it."""
    return None if job_type is None or code is None else ROWS.get((job_type, code))


def looks(job_type: int | None, code: str | None) -> Literal["open", "final", "unrecognised"]:
    """Say what a result in a callback looks like; it decides nothing.

    A part of a job that passed leaves it open, since the other may be missing; a reviewer has waited for both (I).
    """
    row = row_of(job_type, code)
    if row is None:
        return "unrecognised"
    is_half = row.part != "whole" and row.effect is Effect.PASS and not row.is_reviewed
    return "open" if is_half or row.effect in {Effect.WAIT, Effect.REVIEW} else "final"


def session_kind(job_type: int | None) -> SessionKind:
    """Return whom a job is about."""
    if job_type is None:
        return SessionKind.UNRECOGNISED
    return SessionKind.BUSINESS if job_type == BUSINESS_VERIFICATION else SessionKind.PERSON
