"""The options of an Identomat session, in Identomat's own words."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from vigil.domain.models import StrictModel
from vigil.simulator.engine import Endpoint
from vigil.simulator.scenario import Count, Duration, Scenario

Text = Annotated[str, StringConstraints(min_length=1, max_length=64)]
SessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
MessageType = Literal[
    "one-time-password-request",
    "one-time-password",
    "email-one-time-password-request",
    "share-session-link-via-sms",
    "share-session-link-via-email",
]


class Outcome(StrEnum):
    """How the session ends at first; silent: the applicant leaves and it stays in progress."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SILENT = "silent"


class Company(Endpoint):
    """The callback settings of a company: the address, and the key in the bodies."""

    callback_api_key: Annotated[str, StringConstraints(min_length=1)]


class Change(StrictModel):
    """From this age of the session on, its result has this status; four statuses are also announced."""

    at: Duration
    result: Text


class Recording(StrictModel):
    """How the file of a video call is downloaded.

    It is available `lags` later than announced. `size` is in bytes; None: small. Each of the first `cut_connections`
    ends after `cut_after` bytes.
    """

    kind: Literal["mp4", "zip"] = "mp4"
    size: Annotated[int, Field(ge=64, lt=2**32)] | None = None
    lags: Duration = timedelta(0)
    cut_after: Annotated[int, Field(ge=0)] = 0
    cut_connections: Count = 0


class Room(StrictModel):
    """One video call. `at` is the age of the session at which it ends; its recording is ready `recording_after` that.

    `tells_end`: a callback announces the end before the recording is ready (inferred). `callback_dropped` loses the
    callback about the recording, or about the empty room.
    """

    room: Text
    at: Duration
    ends: Literal["empty", "recorded"] = "recorded"
    recording_after: Duration = timedelta(minutes=5)
    tells_end: bool = False
    callback_dropped: bool = False
    recording: Recording = Recording()

    @property
    def file(self) -> str:
        """The id of its recording."""
        return f"vf-{self.room}"

    @property
    def complete_at(self) -> timedelta:
        """The age of the session at which everything about the call is known."""
        return self.at + (self.recording_after if self.ends == "recorded" else timedelta(0))


class Message(StrictModel):
    """A message that Identomat asks us to send. `times` is how many deliveries of the request come at once.

    Without `address` it goes to the invented person.
    """

    at: Duration
    kind: MessageType = "one-time-password-request"
    address: str | None = None
    times: Annotated[int, Field(ge=1, le=100)] = 1

    @property
    def is_by_email(self) -> bool:
        """Whether the message is an e-mail."""
        return "email" in self.kind


class IdentomatScenario(Scenario):
    """One session at Identomat. `reference` presets its id, so that a callback can precede its registration.

    The applicant submits everything a `step_every` after `think`.
    """

    reference: SessionId | None = None
    """The id that the session gets."""
    endpoints: tuple[Company, ...] = ()
    company_key: Text | None = Field(None, description="the company that owns it; None: every company")

    outcome: Outcome = Outcome.APPROVED
    """How it ends at first."""
    manual_check: bool = Field(default=False, description="an operator decides, `review_for` after the submission")
    review_for: Duration = timedelta(minutes=10)
    """How long the operator takes."""
    changes: tuple[Change, ...] = Field((), description="changes of the status after its first end")
    unknown_status: Text | None = Field(None, description="in place of the outcome's word")

    document: Literal["id", "none"] = "id"
    """Which document the applicant shows."""
    face: bool = True
    """Whether the applicant shows the face."""
    general_documents: Count = Field(0, description="other documents of one page each, such as a utility bill")
    rooms: tuple[Room, ...] = ()
    """The video calls, as [{"at": ..., "ends": "recorded"}]."""
    messages: tuple[Message, ...] = ()
    """The messages that Identomat asks us to send."""

    # Unknown: the literal of a business's session, and whether results show video calls.
    session_type: Text | None = None
    """The kind of the session in the result."""
    call_status: Literal["list", "absent"] = "list"
    """Whether the result lists the video calls."""


class ExtraCallback(StrictModel):
    """One more callback, sent now: a late one, or one with an unknown status. The result does not change."""

    result: Text
