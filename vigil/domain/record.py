"""All that we know of a verification, and what of it is published."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import ConfigDict, Field

from vigil.domain.callback_event import MOST_UNKNOWN_FIELDS
from vigil.domain.evidence import EvidenceRow, RowView
from vigil.domain.progress import Progress, merge_checks, merge_rooms
from vigil.domain.registration import Registration, Wanted
from vigil.domain.snapshot import (
    MOST_COORDINATES,
    MOST_FILES,
    MOST_REASONS,
    MOST_RECEIPTS,
    Check,
    Coordinates,
    Part,
    ReadRequest,
    ReadResult,
    Reason,
    Room,
    Snapshot,
)
from vigil.domain.terms import (
    Actor,
    Advice,
    ArtifactState,
    Attention,
    Basis,
    Decision,
    Ended,
    EvidenceKind,
    Frozen,
    Instant,
    KeyedDigest,
    Name,
    Outcome,
    Proof,
    ProviderName,
    SessionKind,
    Stage,
    StorageName,
    Word,
)
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verification_key import VerificationKey

SCHEMA_VERSION: Final = 1
MOST_REVISIONS: Final = 100
MOST_IDENTITIES: Final = 64
MOST_ENTRIES: Final = 100
MOST_ANNOUNCEMENTS: Final = 16


class Cause(StrEnum):
    """Why a read was made, and why a verdict came about.

    The order matters: a read that several causes ask for has the first of them. What others sent us comes before what
    we did by the clock, so that a callback which arrived is not counted as missed.
    """

    CALLBACK = "callback"
    """A callback arrived."""
    COMMAND = "command"
    """A person sent a command."""
    REGISTRATION = "registration"
    """A backend registered a verification that had been given up."""
    DEADLINE = "deadline"
    """A time limit passed. Most limits are preceded by a last read, which has this cause too."""
    RECHECK = "recheck"
    """A verdict that the provider may take back reached an age at which it is read again."""
    DISCOVERY = "discovery"
    """The provider listed a verification that nobody had reported."""
    POLL = "poll"
    """A poll found another answer."""

    def or_stronger(self, other: "Cause | None") -> "Cause":
        """Return this cause or the other, whichever is listed first."""
        return self if other is None else min(self, other, key=list(Cause).index)


class AttentionNote(Frozen):
    """A reason why a person should look, since when, and who acts."""

    reason: Attention
    since: Instant
    actor: Actor


class Revision(Frozen):
    """One verdict. A revision without an outcome says that an earlier one was reopened."""

    number: int
    at: Instant
    decision: Decision | None
    outcome: Outcome | None
    basis: Basis
    word: Word | None = None
    code: Word | None = None
    reasons: tuple[Reason, ...] = Field((), max_length=MOST_REASONS)
    result: StorageName | None = None
    cause: Cause
    author: Name | None = None


class HeardIdentity(Frozen):
    """One event of the sender, and how often it came."""

    identity: KeyedDigest
    first_at: Instant
    last_at: Instant
    count: int


class Announcement(Frozen):
    """A final word that callbacks spoke and that no read has confirmed yet."""

    word: Word | None
    ended: Ended | None
    proof: Proof
    first_at: Instant
    is_final: bool = True


class Replay(StrEnum):
    """What a provider is asked to call back once more for."""

    DETAILS = "details"
    LINKS = "links"


class EntryKind(StrEnum):
    """What an entry of the timeline tells."""

    OPENED = "opened"
    REGISTERED = "registered"
    HEARD = "heard"
    READ = "read"
    REVISED = "revised"
    COMMANDED = "commanded"
    ATTENTION = "attention"
    EVIDENCE = "evidence"
    MESSAGE = "message"
    COMPLETED = "completed"


class Entry(Frozen):
    """One line of the timeline, in coded words."""

    at: Instant
    kind: EntryKind
    words: tuple[Word, ...] = ()
    actor: Name | None = None
    receipt: StorageName | None = None


class Judgement(Frozen):
    """The part of a record that order, loss and repetition of callbacks must not change."""

    stage: Stage
    decision: Decision | None
    outcome: Outcome | None
    reasons: tuple[Reason, ...]
    parts: tuple[Part, ...]
    checks: tuple[Check, ...]
    steps: tuple[int, int]
    rooms: tuple[Room, ...]
    artifacts: tuple[RowView, ...]


class Summary(Frozen):
    """The coded state in the workflow's memo, under the key `vigil`: enough to answer and to explain.

    It has no personal data, and it is readable while every worker is down. Processes of two versions read it side by
    side, so a new field needs a default, and one that is not known is left alone.
    """

    model_config = ConfigDict(extra="ignore")

    account: Name
    provider: ProviderName
    environment: Name
    applicant: Word | None
    sender: Name | None
    stage: Stage
    decision: Decision | None
    outcome: Outcome | None
    basis: Basis | None
    revision: int
    sequence: int
    registered: bool
    fingerprint: Mapping[Word, Word]
    attention: tuple[Attention, ...]
    steps: tuple[int, int]
    evidence: Mapping[ArtifactState, int]
    opened_at: Instant
    stage_entered_at: Instant
    poll_from: Instant
    deadline_at: Instant
    grace_until: Instant | None
    confirmation_until: Instant | None
    review_until: Instant | None = None
    heard: int
    last_heard_at: Instant | None

    def publishes_the_same_as(self, other: "Summary") -> bool:
        """Whether a reader of the other would learn nothing from this one. Counters alone are no news."""
        unread = {"sequence": 0, "heard": 0, "last_heard_at": None}
        return self.model_copy(update=unread) == other.model_copy(update=unread)


class Record(Frozen):
    """All that we know of a verification. Written at the end of every run, and the run's result."""

    schema_version: int = SCHEMA_VERSION
    key: VerificationKey
    provider: ProviderName
    environment: Name
    sender: Name | None = None
    session_kind: SessionKind | None = None
    registration: Registration | None = None
    correlation: Word | None = None
    coordinates: Coordinates = Field(default_factory=dict, description="as callbacks told them")

    stage: Stage = Stage.AWAITING_APPLICANT
    stage_entered_at: Instant
    decision: Decision | None = None
    outcome: Outcome | None = None
    basis: Basis | None = None
    advice: Advice = Advice.NONE
    reasons: tuple[Reason, ...] = Field((), max_length=MOST_REASONS)
    revision: int = 0
    sequence: int = 1
    revisions: tuple[Revision, ...] = Field((), max_length=MOST_REVISIONS)
    rechecked_revision: int = 0
    replayed: tuple[Replay, ...] = Field((), max_length=len(Replay))
    receipts: tuple[StorageName, ...] = Field((), max_length=MOST_RECEIPTS)
    notified_revision: int = 0
    run: Word | None = None
    """Temporal's id of the run that wrote it."""
    attention: tuple[AttentionNote, ...] = Field((), max_length=len(Attention))
    evidence: tuple[EvidenceRow, ...] = Field((), max_length=MOST_FILES)

    snapshot: Snapshot | None = None
    reading: ReadResult | None = None
    progress: Progress = Progress()
    announcements: tuple[Announcement, ...] = Field((), max_length=MOST_ANNOUNCEMENTS)
    identities: tuple[HeardIdentity, ...] = Field((), max_length=MOST_IDENTITIES)
    unknown_fields: Mapping[Word, int] = Field(default_factory=dict, max_length=MOST_UNKNOWN_FIELDS)
    timeline: tuple[Entry, ...] = Field((), max_length=MOST_ENTRIES)
    timeline_folded: int = 0

    opened_at: Instant
    registered_at: Instant | None = None
    first_heard_at: Instant | None = None
    last_heard_at: Instant | None = None
    decided_at: Instant | None = None
    completed_at: Instant | None = None
    deadline_at: Instant
    review_deadline_at: Instant | None = None

    heard: int = 0
    duplicates: int = 0
    late: int = 0
    missed: int = 0
    reads: int = 0

    @property
    def is_registered(self) -> bool:
        """Whether a backend has told us of it."""
        return self.registration is not None

    @property
    def is_concluded(self) -> bool:
        """Whether our tracking has an outcome, for now."""
        return self.outcome is not None

    @property
    def wanted(self) -> Wanted:
        """Which kinds of files are downloaded: all of them until a backend says otherwise."""
        return self.registration.evidence if self.registration else "all"

    @property
    def expects(self) -> tuple[EvidenceKind, ...]:
        """Which kinds of files the backend waits for, even if nobody lists one."""
        return self.registration.expects if self.registration else ()

    @property
    def known(self) -> ReadResult | None:
        """What the last question brought, with the snapshot that it told of."""
        if self.reading is None or self.reading.snapshot is not None:
            return self.reading
        told = self.snapshot if self.reading.answer == "told" else None
        return self.reading.model_copy(update={"snapshot": told})

    def question(self, plan: TrackingPlan) -> ReadRequest:
        """What the provider must be told to be asked again."""
        registration = self.registration
        registered = registration.coordinates if registration else {}
        heard = sorted((name, value) for name, value in self.coordinates.items() if name not in registered)
        return ReadRequest(
            key=self.key,
            coordinates={**dict(heard[: MOST_COORDINATES - len(registered)]), **registered},
            sender=self.sender,
            correlation=registration.correlation if registration else self.correlation,
            receipts=self.receipts if plan.details_in_callbacks else (),
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was looked at."""
        return merge_checks(self._heard_progress.checks, self.snapshot.checks if self.snapshot else ())

    @property
    def steps(self) -> tuple[int, int]:
        """Steps done and in all, as far as anybody told; a concluded snapshot that counts them has the last word."""
        told = self.snapshot
        if told is not None and told.stage is Stage.CONCLUDED and told.steps_total is not None:
            return told.steps_done or 0, told.steps_total
        done = self.snapshot.steps_done if self.snapshot else None
        total = self.snapshot.steps_total if self.snapshot else None
        return max(done or 0, self._heard_progress.done), max(total or 0, self._heard_progress.total)

    @property
    def rooms(self) -> tuple[Room, ...]:
        """The video rooms that anybody told of."""
        return merge_rooms(self._heard_progress.rooms, self.snapshot.rooms if self.snapshot else ())

    @property
    def _heard_progress(self) -> Progress:
        """What callbacks add to the snapshot: nothing to a concluded one, or a lost callback would show for ever."""
        is_whole = self.snapshot is not None and self.snapshot.stage is Stage.CONCLUDED
        return Progress() if is_whole else self.progress

    def judgement(self) -> Judgement:
        """Return what must be equal for every order, loss and duplication of the same callbacks."""
        return Judgement(
            stage=self.stage,
            decision=self.decision,
            outcome=self.outcome,
            reasons=self.reasons,
            parts=self.snapshot.parts if self.snapshot else (),
            checks=self.checks,
            steps=self.steps,
            rooms=self.rooms,
            artifacts=tuple(row.view() for row in self.evidence),
        )
