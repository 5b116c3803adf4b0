"""Identomat's words in ours, as tables; all are compared without regard to case, since callbacks shout.

A row marked `inferred` or `unknown` rests on no document; all others are documented or were observed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from vigil.domain.message import MessageKind
from vigil.domain.terms import Decision, Ended, EvidenceKind, Outcome, ReasonCode, SessionKind, Stage


@dataclass(frozen=True)
class Standing:
    """What one word of a result means. None of them is final: all ends may be reopened."""

    stage: Stage
    decision: Decision | None = None
    ended: Ended | None = None
    reason: ReasonCode | None = None


_DISAGREED: Final = Standing(stage=Stage.CONCLUDED, ended=Outcome.CANCELED)

STATUSES: Final[Mapping[str, Standing]] = {
    "in_progress": Standing(stage=Stage.AWAITING_APPLICANT),
    "manual_check": Standing(stage=Stage.IN_REVIEW),
    "additional_information_requested": Standing(stage=Stage.AWAITING_APPLICANT, reason=ReasonCode.MORE_INFORMATION),
    "approved": Standing(stage=Stage.CONCLUDED, decision=Decision.APPROVED),
    "rejected": Standing(stage=Stage.CONCLUDED, decision=Decision.DECLINED),
    "expired": Standing(stage=Stage.CONCLUDED, ended=Outcome.EXPIRED),
    "disagreed_with_terms": _DISAGREED,  # unknown spelling: an integrator's list has it in words only
    "disagreed": _DISAGREED,  # unknown spelling, as above
}
"""By `result` in lower case."""

LOOKS: Final[Mapping[str, Literal["open", "final"]]] = {
    "approved": "final",
    "rejected": "final",
    "manual_check": "open",
    "additional_information_requested": "open",
}
"""By `result` of a callback in lower case: exactly these four are ever announced."""

REJECTIONS: Final[Mapping[str, ReasonCode]] = {"face_mismatch": ReasonCode.FACE_MISMATCH}
"""By `reject_reason.value` in lower case; every other value is `other`, since the list was never published."""

FIELDS_MISMATCH: Final = "fields_mismatch"
"""A word of `person.status`. It occurs on approved sessions, too, so it is a check and no verdict (inferred)."""

SESSION_NOT_FOUND: Final = "SESSION_NOT_FOUND"
"""Observed as a bare string where the result should be."""

RoomStatus: TypeAlias = Literal["empty", "ended", "unrecognised"]

ROOM_STATUSES: Final[Mapping[str, RoomStatus]] = {"empty": "empty", "ended": "ended"}
AVAILABLE: Final = "available"
PASSPORT: Final = "passport"

MESSAGES: Final[Mapping[str, MessageKind]] = {
    # The heading of the documents has the first, their sample the second.
    "one-time-password": MessageKind.ONE_TIME_PASSWORD,
    "one-time-password-request": MessageKind.ONE_TIME_PASSWORD,
    "email-one-time-password-request": MessageKind.EMAIL_ONE_TIME_PASSWORD,
    "share-session-link-via-sms": MessageKind.SESSION_LINK_BY_SMS,
    "share-session-link-via-email": MessageKind.SESSION_LINK_BY_EMAIL,
}
"""By `type` in lower case."""


@dataclass(frozen=True)
class Picture:
    """A file that every session may have, under an address of its own."""

    path: str
    kind: EvidenceKind


PICTURES: Final[Mapping[str, Picture]] = {
    "card-front": Picture("result/card-front/", EvidenceKind.DOCUMENT_FRONT),
    "card-back": Picture("result/card-back/", EvidenceKind.DOCUMENT_BACK),
    "passport": Picture("result/passport/", EvidenceKind.DOCUMENT_FRONT),
    "face": Picture("result/face/", EvidenceKind.SELFIE),
    "face-video": Picture("result/face-video/", EvidenceKind.LIVENESS_VIDEO),
}
"""By our name for the artifact, which is also its locator."""


def standing_of(word: str) -> Standing | None:
    """Return what a word of a result means, or None."""
    return STATUSES.get(word.lower())


def looks(word: str) -> Literal["open", "final", "unrecognised"]:
    """Say what a word in a callback looks like; it decides nothing."""
    return LOOKS.get(word.lower(), "unrecognised")


def rejection(value: str) -> ReasonCode:
    """Return why a session was rejected."""
    return REJECTIONS.get(value.lower(), ReasonCode.OTHER)


def session_kind(raw: object) -> SessionKind:
    """Return whom a session is about, by the `sessionType` of its callback, which only those of a business have."""
    if raw is None:
        return SessionKind.PERSON
    # unknown: the literal was never published
    is_business = isinstance(raw, str) and raw.lower() == "kyb"
    return SessionKind.BUSINESS if is_business else SessionKind.UNRECOGNISED


def message_kind(raw: object) -> MessageKind | None:
    """Return what kind of message a callback of this type asks for; None: it asks for none."""
    return MESSAGES.get(raw.lower()) if isinstance(raw, str) else None


def room_status(raw: object) -> RoomStatus:
    """Return how a video room stands."""
    return ROOM_STATUSES.get(raw.lower(), "unrecognised") if isinstance(raw, str) else "unrecognised"


def readiness(raw: object) -> bool | None:
    """Whether a recording can be had: null and a missing field say no (inferred); an unknown word says nothing."""
    if raw is None:
        return False
    return True if isinstance(raw, str) and raw.lower() == AVAILABLE else None
