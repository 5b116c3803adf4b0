"""What the workflow is told of a callback: coded, bounded, without personal data."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from vigil.domain.models import StoredModel
from vigil.domain.snapshot import Coordinates
from vigil.domain.terms import (
    CheckKind,
    CheckStatus,
    Ended,
    Instant,
    KeyedDigest,
    Name,
    Proof,
    SessionKind,
    StorageName,
    TraceParent,
    Word,
    as_word,
)

MOST_UNKNOWN_FIELDS: Final = 20


class StatusSeen(StoredModel):
    """The callback names a status. It decides nothing; `ended` is an end without decision that it announces."""

    kind: Literal["status"] = "status"
    word: Word | None = None
    code: Word | None = None
    looks: Literal["open", "final", "reopened", "unrecognised"]
    ended: Ended | None = None
    part: Literal["identity", "biometric", "whole"] | None = None
    done: int | None = Field(None, ge=0, le=10_000, description="steps that are done, if it counts them")
    total: int | None = Field(None, ge=0, le=10_000, description="steps in all, if it counts them")


class StepFinished(StoredModel):
    """The callback tells of one finished step."""

    kind: Literal["step"] = "step"
    done: int | None = Field(None, ge=0, le=10_000)
    total: int | None = Field(None, ge=0, le=10_000)
    name: Word | None = None
    check: CheckKind = CheckKind.OTHER
    ordinal: int | None = Field(None, ge=0, le=100)
    status: CheckStatus = CheckStatus.UNRECOGNISED
    is_unnamed: bool = Field(default=False, description="there is a step, and nothing that we can read names it")

    @property
    def check_name(self) -> str | None:
        """The name that tells this step from another of the same name, as a report spells it: `liveness$1`."""
        if self.name is None or self.ordinal is None:
            return self.name
        # The number of the longest names does not fit any more.
        return as_word(f"{self.name}${self.ordinal}") or self.name


class RoomChanged(StoredModel):
    """The callback tells of a video room."""

    kind: Literal["room"] = "room"
    room: Word
    room_status: Literal["empty", "ended", "unrecognised"]
    composition_ready: bool | None = None
    file_ready: bool | None = None
    file_id: Word | None = None


class Unreadable(StoredModel):
    """The callback is proven, and we do not understand it."""

    kind: Literal["unreadable"] = "unreadable"
    why: Literal["not_json", "wrong_shape", "too_deep", "too_complex", "unknown_type"]
    encoding: Word | None = Field(None, description="the content coding or the charset that we cannot read")

    def of_encoding(self, encoding: Word) -> "Unreadable":
        """Return the observation of a body in an encoding that we cannot read."""
        return self._with(encoding=encoding)


Observation: TypeAlias = Annotated[StatusSeen | StepFinished | RoomChanged | Unreadable, Field(discriminator="kind")]


class CallbackEvent(StoredModel):
    """Signal `callback_received`."""

    delivery: KeyedDigest = Field(description="of the body")
    identity: KeyedDigest | None = Field(None, description="the same for two deliveries of one event")
    intermediate: bool = Field(default=False, description="adds progress only; no read is needed")
    receipt: StorageName | None = Field(None, description="None: storage was down")
    received_at: Instant
    proof: Proof
    sender: Name | None = None
    correlation: Word | None = None
    coordinates: Coordinates = Field(default_factory=dict)
    session_kind: SessionKind | None = None
    details: KeyedDigest | None = Field(None, description="of reasons, checks and files that only callbacks have")
    topic: Word | None = Field(None, description="what the details are about, if not the verification itself")
    unknown_fields: tuple[Word, ...] = Field((), max_length=MOST_UNKNOWN_FIELDS)
    observation: Observation
    traceparent: TraceParent | None = Field(None, description="the span of the callback, where it is traced")
