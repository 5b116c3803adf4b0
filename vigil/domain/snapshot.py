"""A provider's answer, read by us at one moment, in our words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from vigil.domain.digest import Digester
from vigil.domain.models import MessageModel, StoredModel
from vigil.domain.terms import (
    Advice,
    CheckKind,
    CheckStatus,
    Decision,
    Ended,
    EvidenceKind,
    Instant,
    KeyedDigest,
    Name,
    ReasonCode,
    SessionKind,
    Shown,
    Stage,
    StorageName,
    Word,
)
from vigil.domain.verification_key import VerificationKey, open_key

MOST_COORDINATES: Final = 8
MOST_ALTERNATIVES: Final = 3
"""Of coordinates that callbacks named beside the first ones. Each may cost one request for each read."""
MOST_RECEIPTS: Final = 4
"""Of the newest callbacks, for a provider that explains a verdict in callbacks only."""
MOST_REASONS: Final = 20
MOST_PARTS: Final = 4
MOST_CHECKS: Final = 60
MOST_ROOMS: Final = 200
"""As many as the ledger has room for recordings."""
MOST_FILES: Final = 200
MOST_DRIFTS: Final = 20

Coordinates: TypeAlias = Annotated[
    Mapping[Word, Annotated[str, StringConstraints(max_length=128)]], Field(max_length=MOST_COORDINATES)
]


class ReadRequest(MessageModel):
    """What a provider must be told to be asked about a verification."""

    key: VerificationKey
    coordinates: Coordinates = Field(default_factory=dict)
    alternatives: tuple[Coordinates, ...] = Field(
        (),
        max_length=MOST_ALTERNATIVES,
        description="to be asked with in turn if the provider knows none with the first",
    )
    sender: Name | None = None
    correlation: Word | None = None
    receipts: tuple[StorageName, ...] = Field(
        (), max_length=MOST_RECEIPTS, description="of its newest callbacks, the newest first"
    )

    def with_coordinates(self, coordinates: Coordinates) -> Self:
        """Return the request with other coordinates."""
        return self._with(coordinates=coordinates)

    def opened(self, digester: Digester) -> Self:
        """Return the request with the reference that the provider knows."""
        return self._with(key=open_key(self.key, digester))


class Reason(StoredModel):
    """Why: our code, and the provider's own word for it where it has one."""

    code: Shown[ReasonCode]
    word: Word | None = None


class Part(StoredModel):
    """One of several verdicts that together make the decision."""

    name: Literal["identity", "biometric"]
    code: Word | None = None
    decision: Decision | None = None
    provisional: bool = False
    reviewed: bool = False


class Check(StoredModel):
    """One thing that the provider looked at. `name` is unique within a verification, such as `liveness$1`."""

    kind: Shown[CheckKind]
    name: Word
    status: Shown[CheckStatus]


class Room(StoredModel):
    """One video call."""

    room: Word
    status: Literal["empty", "ended", "unrecognised"]
    composition_ready: bool | None = Field(None, description="whether the call's parts are joined to one file")
    file_ready: bool | None = None
    file_id: Word | None = None

    def merge(self, other: "Room") -> Self:
        """Return what two answers or callbacks say together of one room and one file of it, in either order.

        A file that was ready was ready, and without a file an empty room has nothing to wait for.
        """
        rank = ("unrecognised", "ended", "empty")
        return self._with(
            status="ended" if self.file_id else max(self.status, other.status, key=rank.index),
            composition_ready=_readier(self.composition_ready, other.composition_ready),
            file_ready=_readier(self.file_ready, other.file_ready),
        )


def _readier(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001 -- two values of one kind
    return max((one, other), key=lambda ready: (ready is not None, ready))


class Artifact(StoredModel):
    """One file that the provider lists. `locator` finds it again in the stored result; links stay there."""

    name: Word
    kind: Shown[EvidenceKind]
    locator: Word
    ready: bool = True
    has_address: bool = Field(default=True, description="whether it can be requested")
    per_round: bool = Field(default=False, description="after a reopening the locator leads to another file")

    def in_round(self, number: int) -> "Artifact":
        """Return the artifact under the name that it has in this round; the first round keeps the plain name."""
        return self._with(name=f"{self.name}.round-{number}") if self.per_round and number > 1 else self


class Drift(StoredModel):
    """A field, and where it has a word-like form its value, that our tables do not know."""

    field: Word
    value: Word | None = None


class ReviewExpiry(StoredModel):
    """What becomes of it at the review deadline if the provider still says the same by then."""

    decision: Decision | None = None
    ended: Ended | None = None
    advice: Advice = Advice.NONE
    reasons: tuple[Reason, ...] = Field((), max_length=MOST_REASONS)

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        if (self.decision is None) == (self.ended is None):
            raise ValueError("a lapse has a decision or an end without one")
        return self


class Snapshot(StoredModel):
    """The provider's answer at one moment, in our words.

    With stage `concluded` it has either a `decision` or an `ended`; with any other stage it has neither, and lacks
    no details. A snapshot that breaks this raises `ValidationError`.
    """

    stage: Stage
    decision: Decision | None = None
    ended: Ended | None = None
    advice: Advice = Advice.NONE
    word: Word | None = None
    code: Word | None = None
    reasons: tuple[Reason, ...] = Field((), max_length=MOST_REASONS)
    parts: tuple[Part, ...] = Field((), max_length=MOST_PARTS)
    checks: tuple[Check, ...] = Field((), max_length=MOST_CHECKS)
    steps_done: int | None = None
    steps_total: int | None = None
    rooms: tuple[Room, ...] = Field((), max_length=MOST_ROOMS)
    artifacts: tuple[Artifact, ...] = Field((), max_length=MOST_FILES)
    has_unaddressed_recording: bool = Field(
        default=False, description="a recording is spoken of, and nothing names it by which it could be asked for"
    )
    review_expires_to: ReviewExpiry | None = Field(
        None, description="set only while it waits for somebody at the provider"
    )
    lacks_details: bool = Field(
        default=False, description="the verdict is told; what stands behind it only a callback tells"
    )
    sender: Name | None = None
    session_kind: SessionKind | None = None
    provider_created_at: Instant | None = None
    provider_finished_at: Instant | None = None
    result: StorageName | None = None
    result_digest: KeyedDigest | None = None
    unrecognised: tuple[Drift, ...] = Field((), max_length=MOST_DRIFTS)

    @model_validator(mode="after")
    def _ends_exactly_when_concluded(self) -> Self:
        ends = [end for end in (self.decision, self.ended) if end is not None]
        if len(ends) != (self.stage is Stage.CONCLUDED):
            raise ValueError("concluded comes with a decision or an end, and nothing else does")
        if self.lacks_details and not ends:
            raise ValueError("only a verdict can lack details")
        return self

    def with_details_of(self, before: "Snapshot | None") -> "Snapshot":
        """Return this answer with the details that stood behind the same verdict before, if it lacks its own.

        Words that nobody knows are kept from both answers, so that a person is asked about each.
        """
        if before is None or not (self.lacks_details and self.has_the_end_of(before)):
            return self
        drifts = tuple(dict.fromkeys((*before.unrecognised, *self.unrecognised)))
        return before._with(unrecognised=drifts[:MOST_DRIFTS])  # noqa: SLF001 -- of this class

    def has_the_end_of(self, other: "Snapshot") -> bool:
        """Whether both answers are the same verdict. Two open answers are none."""
        return self.stage is Stage.CONCLUDED and (self.decision, self.ended) == (other.decision, other.ended)

    def says_the_same_as(self, other: "Snapshot | None") -> bool:
        """Compare what is said, not when or in which bytes: fresh signed links alone are no difference.

        An answer that lacks details says the same as the one whose details it would keep.
        """
        return other is not None and self.with_details_of(other).said() == other.said()

    def said(self) -> "Snapshot":
        return self._with(provider_created_at=None, provider_finished_at=None, result=None, result_digest=None)


class Answer(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    NOT_READY = "not_ready"
    NOT_FOUND = "not_found"
    GONE = "gone"
    REFUSED = "refused"
    UNPROVEN = "unproven"
    UNREACHABLE = "unreachable"


class ReadResult(StoredModel):
    """One question and what came of it. `snapshot` is set exactly when the answer is `answered`."""

    asked_at: Instant
    answer: Answer
    word: Word | None = None
    snapshot: Snapshot | None = None
    coordinates: Coordinates | None = Field(None, description="the alternative that was asked with last")

    def with_coordinates(self, coordinates: Coordinates) -> "ReadResult":
        """Return the result of a question that was asked with these alternative coordinates."""
        return self._with(coordinates=coordinates)

    def with_snapshot(self, snapshot: Snapshot | None) -> "ReadResult":
        """Return the result with another snapshot, or with none where it stands elsewhere."""
        return self._with(snapshot=snapshot)

    def says_the_same_as(self, other: "ReadResult | None") -> bool:
        """Whether a poll that already knows `other` would learn nothing from this one."""
        if other is None or self.answer is not other.answer:
            return False
        if self.snapshot is None:
            return other.snapshot is None
        return self.snapshot.says_the_same_as(other.snapshot)
