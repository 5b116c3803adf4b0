"""The closed lists by which a backend decides. Every model also accepts a word that a later server has added."""

from enum import StrEnum


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
    """How tracking ended. Only `decided` has a decision."""

    DECIDED = "decided"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"
    UNKNOWN_TO_PROVIDER = "unknown_to_provider"


class Basis(StrEnum):
    """The source of a verdict."""

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


class FileState(StrEnum):
    """Where a file stands."""

    EXPECTED = "expected"
    AVAILABLE = "available"
    STORED = "stored"
    LOST = "lost"
