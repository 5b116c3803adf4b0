"""What the API answers, as frozen values. Fields that a later server adds are ignored."""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, Self, TypeAlias, TypeVar
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, PrivateAttr

from vigil_client.words import Advice, Basis, Decision, FileState, Outcome, Stage

WordT = TypeVar("WordT")
Open: TypeAlias = Annotated[WordT | str, Field(union_mode="left_to_right")]
"""A word of a closed list, or one that a later server has added, as a string."""


@dataclass(frozen=True)
class Key:
    """Account and reference: they identify a verification.

    `path` is how URLs name it. It differs from the reference where that gives access to the applicant's session.
    """

    account: str
    reference: str
    path: str = ""

    @property
    def key(self) -> Self:
        """This key, so that a key can stand wherever a verification can."""
        return self

    @property
    def url_path(self) -> str:
        """The two encoded segments that name the verification in a URL."""
        return self.path or f"{quote(self.account, safe='')}/{quote(self.reference, safe='')}"


class Named(Protocol):
    """Whatever names a verification: a `Key`, an answer of the client, or a notification."""

    @property
    def key(self) -> Key:
        """The key of the verification."""
        ...


class Model(BaseModel):
    """A frozen value that ignores unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Identified(Model):
    """An answer about one verification."""

    account: str
    reference: str
    _path: str = PrivateAttr(default="")

    @property
    def key(self) -> Key:
        """The key of the verification."""
        return Key(self.account, self.reference, self._path)

    def at(self, path: str) -> Self:
        """Return the same answer, which from now on is named by `path` in URLs."""
        copy = self.model_copy()
        copy._path = path  # noqa: SLF001 -- a private attribute of this very class
        return copy


class Registered(Identified):
    """The result of a registration: `started`, or `known` if it was registered before."""

    registered: Literal["started", "known"]


class AttentionNote(Model):
    """A reason why a person should look, and who acts."""

    reason: str
    actor: str


class State(Model):
    """The present state. `sequence` grows with every published change, `revision` with every verdict."""

    provider: str
    environment: str
    applicant: str | None
    sender: str | None
    stage: Open[Stage]
    decision: Open[Decision] | None
    outcome: Open[Outcome] | None
    basis: Open[Basis] | None
    revision: int
    sequence: int
    registered: bool
    attention: tuple[AttentionNote, ...]
    steps_done: int
    steps_total: int
    evidence: Mapping[str, int]
    opened_at: AwareDatetime
    stage_entered_at: AwareDatetime
    deadline_at: AwareDatetime
    last_callback_at: AwareDatetime | None
    erased_at: AwareDatetime | None = None
    """Since when its data is erased, and only the verdict is left."""


class Reason(Model):
    """Why: our code, and the provider's own word if it has one."""

    code: str
    word: str | None = None


class Check(Model):
    """One thing that the provider looked at."""

    kind: str
    name: str
    status: str


class Revision(Model):
    """One verdict. Without an outcome it says that an earlier verdict was reopened."""

    number: int
    at: AwareDatetime
    decision: Open[Decision] | None
    outcome: Open[Outcome] | None
    basis: Open[Basis]
    provider_status: str | None
    reasons: tuple[Reason, ...]
    author: str | None


class File(Model):
    """One file. `size` is in bytes."""

    name: str
    kind: str
    state: Open[FileState]
    loss: str | None
    size: int | None
    media_type: str | None
    at: AwareDatetime

    @property
    def filename(self) -> str:
        """A name for the file on disk: letters, digits, dots and hyphens, and an ending by its media type."""
        ending = mimetypes.guess_extension(self.media_type or "") or ""
        return re.sub(r"[^A-Za-z0-9._-]", "_", self.name) + ending


class Room(Model):
    """One video call, or one file of it. A value that is None is not known."""

    room: str
    status: str
    composition_ready: bool | None
    file_ready: bool | None
    file_id: str | None


class Record(Model):
    """The last stored record. A run stores one at its end."""

    session_kind: str | None
    advice: Open[Advice]
    reasons: tuple[Reason, ...]
    checks: tuple[Check, ...]
    rooms: tuple[Room, ...] = ()
    revisions: tuple[Revision, ...]
    evidence: tuple[File, ...]
    decided_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    received: int
    duplicates: int
    late: int
    missed: int
    reads: int
    unknown_fields: Mapping[str, int]


class Verification(Identified):
    """One verification. `state` is None until a worker has processed it for the first time."""

    is_open: bool
    interrupted: bool
    state: State | None
    record: Record | None
    partner_metadata: Mapping[str, JsonValue] | None = None
    reason_text: str | None = None

    @property
    def stage(self) -> Stage | str | None:
        """The present stage."""
        return self.state.stage if self.state else None

    @property
    def decision(self) -> Decision | str | None:
        """The present decision, or None."""
        return self.state.decision if self.state else None

    @property
    def outcome(self) -> Outcome | str | None:
        """How tracking ended, or None while it is open."""
        return self.state.outcome if self.state else None


class Listed(Identified):
    """One run of a verification in a list."""

    is_open: bool
    interrupted: bool
    stuck: bool
    started_at: AwareDatetime
    state: State | None


class Page(Model):
    """Some verifications, the newest first. `next_page` is None on the last page."""

    verifications: tuple[Listed, ...]
    next_page: str | None


class Explanation(Model):
    """Why a verification is pending, what happens next, and who must act."""

    sentence: str
    next_event: str | None
    next_at: AwareDatetime | None
    actor: str | None
    cause: str
    notes: tuple[str, ...] = ()


class Entry(Model):
    """One entry of the timeline, in coded words."""

    at: AwareDatetime
    kind: str
    details: tuple[str, ...]
    actor: str | None


class Timeline(Model):
    """What was received, read and decided, in order. `omitted` counts the entries that a long timeline has dropped."""

    entries: tuple[Entry, ...]
    omitted: int


class Evidence(Model):
    """The files of a verification and their states."""

    evidence: tuple[File, ...]


class Commanded(Model):
    """The state of the verification after an accepted command."""

    revision: int
    sequence: int
    stage: Open[Stage]
    decision: Open[Decision] | None
    outcome: Open[Outcome] | None


class OwedNotification(Model):
    """A notification of one revision to one endpoint: `pending`, `delivered`, `gone` or `given_up`."""

    endpoint: str
    revision: int
    of_completion: bool
    state: str
    attempts: int
    answer: str | None
    at: AwareDatetime
    next_at: AwareDatetime | None


class Notifications(Model):
    """The notifications of a verification, the earliest revision first."""

    notifications: tuple[OwedNotification, ...]


class Resent(Model):
    """The endpoints to which the newest verdict is sent again."""

    endpoints: tuple[str, ...]


class Erasure(Identified):
    """The receipt of an erasure. While its state is `running`, what is not erased yet will be."""

    state: Literal["running", "finished"]
    decision: Open[Decision] | None
    outcome: Open[Outcome] | None
    erased_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    asked_by: str | None
    cause: str | None
    erased: Mapping[str, int]
    key_forgotten: bool
    key_backups_until: AwareDatetime | None
    not_ours: tuple[str, ...]
    """Who may still have data, such as `provider`."""


class Hold(Model):
    """A hold: the data must be kept, until somebody releases it or until a time."""

    reason: str
    author: str
    placed_at: AwareDatetime
    until: AwareDatetime | None
