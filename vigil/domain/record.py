"""All that we know of a verification."""

from enum import StrEnum
from typing import Any, Final, Self

from pydantic import Field, ValidationError, model_validator

from vigil.domain.callback_event import CallbackEvent
from vigil.domain.callback_history import CallbackHistory
from vigil.domain.evidence import EvidenceRow, Ledger, RowView
from vigil.domain.log import AttentionNote, Log
from vigil.domain.models import StoredModel, StrictModel
from vigil.domain.notification import MOST_OWED, NotificationRow
from vigil.domain.progress import Progress, merge_checks, merge_rooms, merge_session_kind
from vigil.domain.registration import Registration, Wanted
from vigil.domain.snapshot import (
    MOST_ALTERNATIVES,
    MOST_COORDINATES,
    MOST_FILES,
    Answer,
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
    Attention,
    Decision,
    EvidenceKind,
    Instant,
    Name,
    Outcome,
    ProviderName,
    SessionKind,
    Stage,
    Word,
)
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verdict import VerdictState
from vigil.domain.verification_key import VerificationKey

SCHEMA_VERSION: Final = 1


class RecordNotReadable(ValueError):
    """A stored record that this release cannot read: a later release wrote it, or it was damaged."""


class Replay(StrEnum):
    """What a provider is asked to call back once more for."""

    DETAILS = "details"
    LINKS = "links"


class Judgement(StrictModel):
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


class Subject(StoredModel):
    """Whom and what a verification is about: what a backend registered, and what provider and callbacks add."""

    sender: Name | None = None
    session_kind: SessionKind | None = None
    registration: Registration | None = None
    registered_at: Instant | None = None
    correlation: Word | None = None
    coordinates: Coordinates = Field(default_factory=dict, description="as callbacks told them")
    other_coordinates: tuple[Coordinates, ...] = Field(
        (), max_length=MOST_ALTERNATIVES, description="of callbacks that contradict the first ones"
    )

    def register(self, registration: Registration) -> Self:
        """Attach a registration."""
        return self._with(
            registration=registration,
            registered_at=registration.registered_at,
            sender=registration.sender or self.sender,
            session_kind=merge_session_kind(self.session_kind, registration.session_kind),
        )

    def learn_from_read(self, snapshot: Snapshot) -> Self:
        """Take the sender and the kind of session that the provider's answer names."""
        return self._with(
            sender=snapshot.sender or self.sender,
            session_kind=merge_session_kind(self.session_kind, snapshot.session_kind),
        )

    def learn_from_callback(self, event: CallbackEvent) -> Self:
        """Take what a callback names. Coordinates that contradict each other stay apart."""
        named = self.named_coordinates
        if event.proof.may_start and event.coordinates:
            named = _add_coordinates(named, event.coordinates)
        return self._with(
            sender=self.sender or event.sender,
            session_kind=merge_session_kind(self.session_kind, event.session_kind),
            coordinates=named[0],
            other_coordinates=named[1:],
            correlation=self.correlation or event.correlation,
        )

    @property
    def named_coordinates(self) -> tuple[Coordinates, ...]:
        """What callbacks named, the coordinates to ask with first before those that contradict them."""
        return (self.coordinates, *self.other_coordinates)

    def keep_coordinates(self, answered: Coordinates) -> Self:
        """Keep the coordinates for which the provider answered, and forget all others."""
        return self._with(coordinates=answered, other_coordinates=())


def are_compatible(one: Coordinates, other: Coordinates) -> bool:
    """Whether no coordinate has two values."""
    return all(other.get(name, value) == value for name, value in one.items())


def _add_coordinates(named: tuple[Coordinates, ...], fresh: Coordinates) -> tuple[Coordinates, ...]:
    """Add coordinates to the first that they do not contradict, or keep them apart."""
    place = next((place for place, known in enumerate(named) if are_compatible(known, fresh)), len(named))
    if place > MOST_ALTERNATIVES:
        return named
    merged = {**(named[place] if place < len(named) else {}), **fresh}
    return (*named[:place], dict(sorted(merged.items())[:MOST_COORDINATES]), *named[place + 1 :])


class ReadHistory(StoredModel):
    """What the provider answered: the last answer, the last snapshot, and what it was asked to call back for."""

    count: int = 0
    last: ReadResult | None = Field(None, description="without its snapshot, which stands beside it")
    snapshot: Snapshot | None = None
    replayed: tuple[Replay, ...] = Field((), max_length=len(Replay))
    replayed_at: Instant | None = Field(None, description="when the newest replay was asked for")
    replay_until: Instant | None = Field(None, description="until when a callback counts as the answer to it")
    not_found_since: Instant | None = Field(None, description="since when the provider, which never knew it, denies it")

    def add(self, result: ReadResult) -> Self:
        """Count a read and keep its answer."""
        answers = {Answer.ANSWERED, Answer.NOT_READY, Answer.GONE}
        denied_since = None if result.answer in answers else self.not_found_since
        return self._with(last=result.with_snapshot(None), count=self.count + 1, not_found_since=denied_since)

    def note_denial(self, *, at: Instant) -> Self:
        """Note since when the provider answers that it does not know a verification which it never knew."""
        return self._with(not_found_since=self.not_found_since or at) if self.snapshot is None else self

    def show(self, snapshot: Snapshot) -> Self:
        """Keep the provider's newest answer."""
        return self._with(snapshot=snapshot)

    def add_replay(self, what: Replay, *, at: Instant, until: Instant | None) -> Self:
        """Note what the provider was asked to call back for, and until when it may answer."""
        replayed = tuple(dict.fromkeys((*self.replayed, what)))
        return self._with(replayed=replayed, replayed_at=at, replay_until=until)

    def forget_replays(self) -> Self:
        """Allow each replay again: another verdict has other details."""
        return self._with(replayed=())


def _complete(registered: Coordinates, named: Coordinates) -> Coordinates:
    """Return the registered coordinates, and those that only a callback named."""
    added = sorted((name, value) for name, value in named.items() if name not in registered)
    return {**dict(added[: MOST_COORDINATES - len(registered)]), **registered}


class Record(StoredModel):
    """All that we know of a verification. Written at the end of every run, and the run's result."""

    schema_version: int = Field(
        SCHEMA_VERSION, description="raised by a release whose records earlier ones must not read"
    )
    key: VerificationKey
    provider: ProviderName
    environment: Name
    opened_at: Instant
    run: Word | None = Field(None, description="Temporal's id of the run that wrote it")
    sequence: int = 1
    subject: Subject = Subject()
    verdict: VerdictState
    callbacks: CallbackHistory = CallbackHistory()
    reads: ReadHistory = ReadHistory()
    attention: tuple[AttentionNote, ...] = Field((), max_length=len(Attention))
    evidence: tuple[EvidenceRow, ...] = Field((), max_length=MOST_FILES)
    owed: tuple[NotificationRow, ...] = Field(
        (), max_length=MOST_OWED, description="notifications that were reported as not delivered"
    )
    log: Log = Log()

    @model_validator(mode="before")
    @classmethod
    def _refuse_later_schema(cls, given: Any) -> Any:
        version = given.get("schema_version") if isinstance(given, dict) else None
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise ValueError(
                f"the record has schema {version}; this release reads up to {SCHEMA_VERSION}: roll it forward"
            )
        return given

    def with_subject(self, subject: Subject) -> Self:
        """Return the record with another subject."""
        return self._with(subject=subject)

    def with_verdict(self, verdict: VerdictState) -> Self:
        """Return the record with another verdict, stage or deadline."""
        return self._with(verdict=verdict)

    def with_callbacks(self, callbacks: CallbackHistory) -> Self:
        """Return the record with other callbacks."""
        return self._with(callbacks=callbacks)

    def with_reads(self, reads: ReadHistory) -> Self:
        """Return the record with other reads."""
        return self._with(reads=reads)

    def with_attention(self, notes: tuple[AttentionNote, ...]) -> Self:
        """Return the record with other reasons why a person should look."""
        return self._with(attention=notes)

    def with_evidence(self, ledger: Ledger) -> Self:
        """Return the record with another ledger of files."""
        return self._with(evidence=ledger)

    def with_owed(self, owed: tuple[NotificationRow, ...]) -> Self:
        """Return the record with other notifications that are owed."""
        return self._with(owed=owed)

    def with_log(self, log: Log) -> Self:
        """Return the record with another timeline."""
        return self._with(log=log)

    def with_sequence(self, sequence: int) -> Self:
        """Return the record as the given publication."""
        return self._with(sequence=sequence)

    def written_by(self, run: str) -> Self:
        """Return the record as the given Temporal run writes it."""
        return self._with(run=run)

    @property
    def is_registered(self) -> bool:
        """Whether a backend has told us of it."""
        return self.subject.registration is not None

    @property
    def is_concluded(self) -> bool:
        """Whether our tracking has an outcome, for now."""
        return self.verdict.outcome is not None

    @property
    def wanted(self) -> Wanted:
        """Which kinds of files are downloaded: all of them until a backend says otherwise."""
        return self.subject.registration.evidence if self.subject.registration else "all"

    @property
    def expects(self) -> tuple[EvidenceKind, ...]:
        """Which kinds of files the backend waits for, even if nobody lists one."""
        return self.subject.registration.expects if self.subject.registration else ()

    @property
    def known(self) -> ReadResult | None:
        """What the last question brought, with the snapshot that it told of."""
        if self.reads.last is None or self.reads.last.snapshot is not None:
            return self.reads.last
        told = self.reads.snapshot if self.reads.last.answer == "answered" else None
        return self.reads.last.with_snapshot(told)

    def question(self, plan: TrackingPlan) -> ReadRequest:
        """What the provider must be told to be asked again."""
        registration = self.subject.registration
        registered = registration.coordinates if registration else {}
        first, *others = (_complete(registered, named) for named in self.subject.named_coordinates)
        return ReadRequest(
            key=self.key,
            coordinates=first,
            alternatives=tuple(other for other in others if other != first),
            sender=self.subject.sender,
            correlation=registration.correlation if registration else self.subject.correlation,
            receipts=self.callbacks.confirmed_receipts if plan.details_in_callbacks else (),
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was looked at."""
        return merge_checks(self._heard_progress.checks, self.reads.snapshot.checks if self.reads.snapshot else ())

    @property
    def steps(self) -> tuple[int, int]:
        """Steps done and in all: the most that the provider's answer or a callback counts, so that none shrinks."""
        return self._count_steps(self.callbacks.progress)

    def _count_steps(self, heard: Progress) -> tuple[int, int]:
        told = self.reads.snapshot
        done, total = (told.steps_done, told.steps_total) if told else (None, None)
        return max(done or 0, heard.done), max(total or 0, heard.total)

    @property
    def rooms(self) -> tuple[Room, ...]:
        """The video rooms that the provider's answer or a callback names."""
        return self._merge_rooms(self.callbacks.progress)

    def _merge_rooms(self, heard: Progress) -> tuple[Room, ...]:
        return merge_rooms(heard.rooms, self.reads.snapshot.rooms if self.reads.snapshot else ())

    @property
    def _heard_progress(self) -> Progress:
        """What callbacks add to the snapshot: nothing to a concluded one, or a lost callback would show for ever."""
        is_whole = self.reads.snapshot is not None and self.reads.snapshot.stage is Stage.CONCLUDED
        return Progress() if is_whole else self.callbacks.progress

    def judgement(self) -> Judgement:
        """Return what must be equal for every order, loss and duplication of the same callbacks."""
        return Judgement(
            stage=self.verdict.stage,
            decision=self.verdict.decision,
            outcome=self.verdict.outcome,
            reasons=self.verdict.reasons,
            parts=self.reads.snapshot.parts if self.reads.snapshot else (),
            checks=self.checks,
            # Without what callbacks alone tell, since one of them may be lost.
            steps=self._count_steps(self._heard_progress),
            rooms=self._merge_rooms(self._heard_progress),
            artifacts=tuple(row.view() for row in self.evidence),
        )


def parse_record(content: bytes) -> Record:
    """Return a stored record. Raises `RecordNotReadable`."""
    try:
        return Record.model_validate_json(content)
    except ValidationError:
        raise RecordNotReadable from None
