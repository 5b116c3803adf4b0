"""Constrained strings and closed lists: the words that every other module speaks."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

WORD_PATTERN: Final = r"^[A-Za-z0-9_.$:-]{1,64}$"
NAME_PATTERN: Final = r"^[a-z][a-z0-9-]{0,39}$"
_MEDIA_TYPE_PATTERN: Final = r"^[a-z]{1,20}/[a-z0-9.+-]{1,80}$"

Word: TypeAlias = Annotated[str, StringConstraints(pattern=WORD_PATTERN)]
ShownT = TypeVar("ShownT")
Shown: TypeAlias = Annotated[ShownT | Word, Field(union_mode="left_to_right")]
"""A word of a closed list that is only shown. A word that a later release has added is kept, and shown as it is.

A word that code decides by has its list alone as its type: there an unknown word is an error, never a guess.
"""
Name: TypeAlias = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
ProviderName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
KeyedDigest: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{26}$")]
StorageName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~%/-]{1,1024}$")]
LATEST_YEAR: Final = 8999
"""So that every duration of a plan can be added to every instant."""
LATEST: Final = datetime(LATEST_YEAR, 12, 31, 23, 59, 59, tzinfo=UTC)


def in_utc(instant: datetime) -> datetime:
    """Return the instant in UTC. Raises `ValueError` for one that UTC does not have, or after `LATEST_YEAR`."""
    try:
        moved = instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant that UTC does not have") from None
    if moved.year > LATEST_YEAR:
        raise ValueError(f"an instant after the year {LATEST_YEAR}")
    return moved


Instant: TypeAlias = Annotated[AwareDatetime, AfterValidator(in_utc)]


def _as_written(raw: object) -> object:
    # Pydantic takes 1764806400 and "1764806400" for instants, and no description of the interface says so.
    if isinstance(raw, int | float) or (isinstance(raw, str) and not re.match(r"\d{4}-", raw)):
        raise ValueError("must be a time such as 2031-03-04T09:00:00Z")
    return raw


WrittenInstant: TypeAlias = Annotated[Instant, BeforeValidator(_as_written)]
"""An instant in a request, in the form of RFC 3339."""


def as_word(raw: object) -> str | None:
    """Return what a provider said as a `Word`, or None where it has no such form.

    Free text must not travel past the border, so anything that is not word-like is dropped, never shortened.
    """
    text = raw if isinstance(raw, str) else str(raw) if isinstance(raw, int) else ""
    return text if re.fullmatch(WORD_PATTERN, text) else None


TraceParent: TypeAlias = Annotated[str, StringConstraints(pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]
"""The header `traceparent` of W3C Trace Context."""


def _as_media_type(raw: object) -> object:
    # A sender's header may name the file, and with it the person; only a bare type travels.
    return raw if isinstance(raw, str) and re.fullmatch(_MEDIA_TYPE_PATTERN, raw) else None


MediaType: TypeAlias = Annotated[
    Annotated[str, StringConstraints(pattern=_MEDIA_TYPE_PATTERN)] | None, BeforeValidator(_as_media_type)
]
"""A bare media type, or None in the place of anything else."""


class Stage(StrEnum):
    """Where a verification stands."""

    AWAITING_APPLICANT = "awaiting_applicant"
    PROCESSING = "processing"
    IN_REVIEW = "in_review"
    UNRECOGNISED = "unrecognised"
    CONCLUDED = "concluded"
    COMPLETE = "complete"


class Decision(StrEnum):
    """The provider's verdict."""

    APPROVED = "approved"
    DECLINED = "declined"
    INCONCLUSIVE = "inconclusive"


class Outcome(StrEnum):
    """How our tracking ended."""

    DECIDED = "decided"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"
    UNKNOWN_TO_PROVIDER = "unknown_to_provider"


Ended: TypeAlias = Literal[Outcome.FAILED, Outcome.CANCELED, Outcome.EXPIRED]
"""The ends without a decision that a provider can tell."""


class Basis(StrEnum):
    """What a revision rests on."""

    READ = "read"
    CALLBACK = "callback"
    PERSON = "person"
    DEADLINE = "deadline"


class Advice(StrEnum):
    """What a backend may do next."""

    NONE = "none"
    ASK_AGAIN = "ask_again"
    NEW_ATTEMPT = "new_attempt"
    FIX_INPUT = "fix_input"
    FIX_CONFIGURATION = "fix_configuration"


class Actor(StrEnum):
    """Who must act next."""

    APPLICANT = "applicant"
    PROVIDER = "provider"
    REVIEWER = "reviewer"
    BACKEND = "backend"
    OPERATOR = "operator"


class Covers(StrEnum):
    """What the proof of a callback says something about."""

    BODY = "body"
    """Only the provider can have written the body."""
    TIME = "time"
    """The provider proved something at a time. Whoever has seen the proof can send it with another body."""
    NOTHING = "nothing"


class Proof(StrEnum):
    """How strongly a callback is proven to come from its provider."""

    SECRET = "secret"  # noqa: S105 -- the name of a kind of proof, not a password
    SIGNED_BODY = "signed_body"
    UNBOUND = "unbound"
    STALE = "stale"
    NONE = "none"

    @property
    def covers(self) -> Covers:
        """What the proof covers. A body that it does not cover explains nothing by itself."""
        if self in {Proof.SECRET, Proof.SIGNED_BODY}:
            return Covers.BODY
        return Covers.NOTHING if self is Proof.NONE else Covers.TIME

    @property
    def may_start(self) -> bool:
        """Whether such a callback may start a verification that nobody registered."""
        return self in {Proof.SECRET, Proof.SIGNED_BODY, Proof.UNBOUND}

    @property
    def may_add_progress(self) -> bool:
        """Whether such a callback may add progress to what we know."""
        return self.may_start

    @property
    def may_ask_for_messages(self) -> bool:
        """Whether what such a callback asks us to send is sent: only if its sender wrote all of it."""
        return self in {Proof.SECRET, Proof.SIGNED_BODY}

    @property
    def may_end(self) -> bool:
        """Whether an end without a decision may, after its window, be taken from such a callback."""
        return self in {Proof.SECRET, Proof.SIGNED_BODY}


class SessionKind(StrEnum):
    """Whom a verification is about."""

    PERSON = "person"
    BUSINESS = "business"
    UNRECOGNISED = "unrecognised"


class CheckKind(StrEnum):
    """What a single check looks at."""

    DOCUMENT = "document"
    DOCUMENT_AUTHENTICITY = "document_authenticity"
    FACE_MATCH = "face_match"
    LIVENESS = "liveness"
    REGISTER = "register"
    WATCHLIST = "watchlist"
    EXTERNAL_IDENTITY = "external_identity"
    SUPPORTING_DOCUMENT = "supporting_document"
    CONTACT = "contact"
    REVIEW = "review"
    OTHER = "other"


class CheckStatus(StrEnum):
    """How a single check stands."""

    PASSED = "passed"
    FAILED = "failed"
    UNCLEAR = "unclear"
    UNDER_REVIEW = "under_review"
    NOT_DONE = "not_done"
    NOT_APPLICABLE = "not_applicable"
    UNRECOGNISED = "unrecognised"


class ArtifactState(StrEnum):
    """Where a file stands."""

    EXPECTED = "expected"
    AVAILABLE = "available"
    STORED = "stored"
    LOST = "lost"


class LossReason(StrEnum):
    """Why a file will not come."""

    NEVER_CAPTURED = "never_captured"
    """The provider says that there is no such file."""
    NOT_DELIVERED = "not_delivered"
    """It was expected, and it did not come in time."""
    UNADDRESSED = "unaddressed"
    """The provider's result names the file, and nothing by which it can be requested."""
    GONE = "gone"
    LINK_EXPIRED = "link_expired"
    REFUSED = "refused"
    HASH_MISMATCH = "hash_mismatch"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    UNREACHABLE = "unreachable"
    NOT_WANTED = "not_wanted"


class EvidenceKind(StrEnum):
    """What a file shows."""

    DOCUMENT_FRONT = "document_front"
    DOCUMENT_BACK = "document_back"
    PORTRAIT = "portrait"
    SELFIE = "selfie"
    LIVENESS_VIDEO = "liveness_video"
    CALL_RECORDING = "call_recording"
    SUPPORTING_DOCUMENT = "supporting_document"
    REPORT = "report"
    BUNDLE = "bundle"
    RECEIPT = "receipt"
    RAW_RESULT = "raw_result"


class ReasonCode(StrEnum):
    """Why a verdict is what it is, in our few words."""

    FACE_MISMATCH = "face_mismatch"
    SPOOF = "spoof"
    DOCUMENT_REJECTED = "document_rejected"
    DOCUMENT_EXPIRED = "document_expired"
    DOCUMENT_UNSUPPORTED = "document_unsupported"
    IMAGE_UNUSABLE = "image_unusable"
    NOT_FOUND_IN_REGISTER = "not_found_in_register"
    DATA_MISMATCH = "data_mismatch"
    PARTIAL_MATCH = "partial_match"
    ON_A_LIST = "on_a_list"
    AGE = "age"
    PROVISIONAL = "provisional"
    MORE_INFORMATION = "more_information"
    APPLICANT_STOPPED = "applicant_stopped"
    TIME_RAN_OUT = "time_ran_out"
    TECHNICAL = "technical"
    AUTHORITY_UNAVAILABLE = "authority_unavailable"
    NOT_PERMITTED = "not_permitted"
    OTHER = "other"


class Attention(StrEnum):
    """Why a person should look; `ACTS_ON` says who."""

    UNRECOGNISED_WORD = "unrecognised_word"
    CONTRADICTION = "contradiction"
    UNCONFIRMED_END = "unconfirmed_end"
    SECOND_FINAL = "second_final"
    NEVER_REGISTERED = "never_registered"
    CORRELATION_MISMATCH = "correlation_mismatch"
    COORDINATE_MISMATCH = "coordinate_mismatch"
    QUARANTINED = "quarantined"
    UNPROVEN_CALLBACKS = "unproven_callbacks"
    PROVIDER_REFUSES_US = "provider_refuses_us"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    REPLY_UNPROVEN = "reply_unproven"
    OVERDUE_APPLICANT = "overdue_applicant"
    OVERDUE_REVIEW = "overdue_review"
    SILENCE = "silence"
    EVIDENCE_LOST = "evidence_lost"
    DETAILS_MISSING = "details_missing"
    RECORDING_UNADDRESSED = "recording_unaddressed"
    MESSAGE_NOT_SENT = "message_not_sent"
    NOT_NOTIFIED = "not_notified"
    MESSAGE_FIELDS_UNKNOWN = "message_fields_unknown"
    DISAGREES_WITH_PERSON = "disagrees_with_person"
    CONFLICTING_REGISTRATION = "conflicting_registration"
    DISAPPEARED = "disappeared"
    REFERENCE_NOT_FOUND = "reference_not_found"
    UNREADABLE_SIGNAL = "unreadable_signal"
    OVER_OUR_LIMIT = "over_our_limit"


_BACKEND_ACTS: Final = frozenset(
    {
        Attention.NOT_NOTIFIED,
        Attention.NEVER_REGISTERED,
        Attention.CORRELATION_MISMATCH,
        Attention.COORDINATE_MISMATCH,
        Attention.OVERDUE_APPLICANT,
        Attention.CONFLICTING_REGISTRATION,
        Attention.REFERENCE_NOT_FOUND,
    }
)
_PROVIDER_ACTS: Final = frozenset({Attention.PROVIDER_UNREACHABLE, Attention.OVERDUE_REVIEW})

ACTS_ON: Final[Mapping[Attention, Actor]] = {
    reason: Actor.BACKEND if reason in _BACKEND_ACTS else Actor.PROVIDER if reason in _PROVIDER_ACTS else Actor.OPERATOR
    for reason in Attention
}


def who_acts(reason: Attention | Word) -> Actor:
    """Return who acts on a reason; an operator on one that a later release has added."""
    return ACTS_ON[reason] if isinstance(reason, Attention) else Actor.OPERATOR


def earliest(*instants: datetime | None) -> datetime | None:
    """Return the earliest of the instants that are known."""
    return min((instant for instant in instants if instant is not None), default=None)


def latest(*instants: datetime | None) -> datetime | None:
    """Return the latest of the instants that are known."""
    return max((instant for instant in instants if instant is not None), default=None)


def spell(word: object) -> str:
    """Return a coded word with spaces; nothing for None."""
    return "" if word is None else str(word).replace("_", " ")
