"""The knobs of an Identomat session, in Identomat's own words."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from vigil.domain.terms import Frozen
from vigil.simulator.engine import Endpoint
from vigil.simulator.scenario import Count, Duration, Scenario

Said = Annotated[str, StringConstraints(min_length=1, max_length=64)]
SessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
MessageType = Literal[
    "one-time-password-request",
    "one-time-password",
    "email-one-time-password-request",
    "share-session-link-via-sms",
    "share-session-link-via-email",
]


class Outcome(StrEnum):
    """How the session ends at first; silent: the applicant goes away and it stays in progress."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SILENT = "silent"


class Company(Endpoint):
    """What a company's settings say of callbacks: where they go, and the key that their bodies carry."""

    callback_api_key: Annotated[str, StringConstraints(min_length=1)]


class Change(Frozen):
    """From this age of the session on its result says this word; four words are also told in a callback."""

    at: Duration
    result: Said


class Recording(Frozen):
    """How the file of a call is answered. No source says anything of that, so all of it can be had otherwise.

    It is `lags` later there than it was announced, and until then asking for it is answered by `until_then`.
    `size` is in bytes; None: small. Each of the first `cut_connections` ends after `cut_after` bytes of its own.
    """

    kind: Literal["mp4", "zip", "json"] = "mp4"
    size: Annotated[int, Field(ge=64, lt=2**32)] | None = None
    lags: Duration = timedelta(0)
    until_then: Literal["404", "202", "204", "argument_error", "word"] = "404"
    takes_ranges: bool = True
    has_etag: bool = True
    tells_length: bool = True
    cut_after: Annotated[int, Field(ge=0)] = 0
    cut_connections: Count = 0


class Room(Frozen):
    """One video call. `at` is the age of the session at which it ends; its recording is ready `recording_after` that.

    `tells_end`: a callback says that it ended when nothing of it is ready yet (inferred). `callback_dropped` loses
    what is told of its recording, or of its being empty.
    """

    room: Said
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
    def told_at(self) -> timedelta:
        """The age of the session at which all is known of the call."""
        return self.at + (self.recording_after if self.ends == "recorded" else timedelta(0))


class Message(Frozen):
    """A message that we are asked to send. `times`: so many deliveries of one request, all at once.

    `text` and `address` may be left to the invented person.
    """

    at: Duration
    kind: MessageType = "one-time-password-request"
    text: str | None = None
    address: str | None = None
    times: Annotated[int, Field(ge=1, le=100)] = 1

    @property
    def is_by_email(self) -> bool:
        """Whether its address is one for e-mail."""
        return "email" in self.kind


class IdentomatScenario(Scenario):
    """One session at Identomat. `reference` presets its id, so that a callback can come before it exists for us.

    The applicant submits everything a `step_every` after `think`.
    """

    reference: SessionId | None = None
    endpoints: tuple[Company, ...] = ()
    company_key: Said | None = Field(None, description="whose session it is; None: everybody's")

    secret_key: Said | None = Field(None, description="calls must be signed under it, and answers are")
    signs_answers: bool = True

    outcome: Outcome = Outcome.APPROVED
    manual_check: bool = Field(default=False, description="an operator decides, `review_for` after the submission")
    review_for: Duration = timedelta(minutes=10)
    lifetime: Duration = Field(timedelta(minutes=15), description="of one that expires")
    changes: tuple[Change, ...] = Field((), description="what becomes of it after its first end")
    deleted_after: Duration | None = Field(None, description="counted from the first end; None: never")
    unknown_status: Said | None = Field(None, description="said in place of the outcome's word")
    reject_reason: str = "face_mismatch"
    fields_mismatch: bool = Field(default=False, description="what was read differs from what was typed; no verdict")

    document: Literal["id", "passport", "none"] = "id"
    face: bool = True
    rooms: tuple[Room, ...] = ()
    messages: tuple[Message, ...] = ()

    # What no source tells, either way.
    session_type: Said | None = Field(None, description="of a business's session; its literal is unknown")
    content_type: str | None = Field("application/json", description="of callbacks; None: they have none")
    untold: Literal["null", "absent"] = Field("null", description="how callbacks and calls show what there is not")
    email_field: Said = Field("email", description="the key of the address in requests for e-mail")
    has_subject: bool = Field(default=True, description="whether requests for e-mail have a subject")
    call_status: Literal["list", "object", "one", "snake_case", "word", "absent"] = Field(
        "list", description="the shape of videoCallStatus"
    )
    open_result: Literal["whole", "bare"] = Field("whole", description="what a result holds before the submission")
    expired_result: Literal["word", "not_found"] = "word"
    not_found_code: Literal[200, 404] = Field(200, description="the status code under SESSION_NOT_FOUND")


class ExtraCallback(Frozen):
    """One more callback about the status, sent now: a late one, a stray one, a word that nobody knows."""

    result: Said
    changes_result: bool = Field(default=False, description="whether the result says the same from now on")
    wrong_secret: bool = False
