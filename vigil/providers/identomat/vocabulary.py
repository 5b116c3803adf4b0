"""Tables that translate Identomat's words. All are compared without regard to case: callbacks use capitals.

A row marked `inferred` or `unknown` has no document behind it. All other rows are documented or were observed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from vigil.domain.message import MessageKind
from vigil.domain.terms import Decision, EvidenceKind, Outcome, ReasonCode, SessionKind, Stage
from vigil.providers.vocabulary import Looks, StatusMeaning

_DISAGREED: Final = StatusMeaning(stage=Stage.CONCLUDED, ended=Outcome.CANCELED)

STATUSES: Final[Mapping[str, StatusMeaning]] = {
    "in_progress": StatusMeaning(stage=Stage.AWAITING_APPLICANT),
    "manual_check": StatusMeaning(stage=Stage.IN_REVIEW),
    "additional_information_requested": StatusMeaning(
        stage=Stage.AWAITING_APPLICANT, reason=ReasonCode.MORE_INFORMATION
    ),
    "approved": StatusMeaning(stage=Stage.CONCLUDED, decision=Decision.APPROVED),
    "rejected": StatusMeaning(stage=Stage.CONCLUDED, decision=Decision.DECLINED),
    "expired": StatusMeaning(stage=Stage.CONCLUDED, ended=Outcome.EXPIRED),
    "disagreed_with_terms": _DISAGREED,  # unknown spelling: an integrator's list only describes it
    "disagreed": _DISAGREED,  # unknown spelling, as above
}
"""By `result` in lower case. No status is final: every end may be reopened."""

LOOKS: Final[Mapping[str, Looks]] = {
    "approved": "final",
    "rejected": "final",
    "manual_check": "open",
    "additional_information_requested": "open",
}
"""By `result` of a callback in lower case. Callbacks announce these four only."""

REJECTIONS: Final[Mapping[str, ReasonCode]] = {"face_mismatch": ReasonCode.FACE_MISMATCH}
"""By `reject_reason.value` in lower case. Every other value is `other`, since the list was never published."""

FIELDS_MISMATCH: Final = "fields_mismatch"
"""A value of `person.status`. Approved sessions have it too, so it is a check and no verdict (inferred)."""

SESSION_NOT_FOUND: Final = "SESSION_NOT_FOUND"
"""Observed as a JSON string instead of a result."""

RoomStatus: TypeAlias = Literal["empty", "ended", "unrecognised"]

ROOM_STATUSES: Final[Mapping[str, RoomStatus]] = {"empty": "empty", "ended": "ended"}
AVAILABLE: Final = "available"
PASSPORT: Final = "passport"

MESSAGES: Final[Mapping[str, MessageKind]] = {
    # The heading of the documentation has the first spelling, its sample the second.
    "one-time-password": MessageKind.ONE_TIME_PASSWORD,
    "one-time-password-request": MessageKind.ONE_TIME_PASSWORD,
    "email-one-time-password-request": MessageKind.EMAIL_ONE_TIME_PASSWORD,
    "share-session-link-via-sms": MessageKind.SESSION_LINK_BY_SMS,
    "share-session-link-via-email": MessageKind.SESSION_LINK_BY_EMAIL,
}
"""By `type` in lower case."""


@dataclass(frozen=True)
class Picture:
    """A file that every session may have, at an address of its own."""

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


def meaning_of(word: str) -> StatusMeaning | None:
    """Return the meaning of a result's status; None if no table lists it."""
    return STATUSES.get(word.lower())


def looks(word: str) -> Looks:
    """Return what a status in a callback suggests."""
    return LOOKS.get(word.lower(), "unrecognised")


def rejection(value: str) -> ReasonCode:
    """Return why a session was rejected."""
    return REJECTIONS.get(value.lower(), ReasonCode.OTHER)


def session_kind(raw: object) -> SessionKind:
    """Return the kind of a session by the `sessionType` of its callback, which only business sessions have."""
    if raw is None:
        return SessionKind.PERSON
    # unknown: the value was never published
    is_business = isinstance(raw, str) and raw.lower() == "kyb"
    return SessionKind.BUSINESS if is_business else SessionKind.UNRECOGNISED


def message_kind(raw: object) -> MessageKind | None:
    """Return the kind of message that a callback of this type asks for; None if it asks for none."""
    return MESSAGES.get(raw.lower()) if isinstance(raw, str) else None


def room_status(raw: object) -> RoomStatus:
    """Return the status of a video room."""
    return ROOM_STATUSES.get(raw.lower(), "unrecognised") if isinstance(raw, str) else "unrecognised"


def is_available(raw: object) -> bool | None:
    """Whether a recording can be downloaded: null or no field means no (inferred). None for an unknown status."""
    if raw is None:
        return False
    return True if isinstance(raw, str) and raw.lower() == AVAILABLE else None
