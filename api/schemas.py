"""The JSON of verifications. It has no names under which things are stored."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ConfigDict, Field, JsonValue

from vigil.domain.log import EntryKind
from vigil.domain.models import StrictModel
from vigil.domain.notification import NotificationRow, timeline
from vigil.domain.record import Record
from vigil.domain.snapshot import Check, Reason
from vigil.domain.summary import Summary
from vigil.domain.terms import (
    Actor,
    Advice,
    ArtifactState,
    Attention,
    Basis,
    Decision,
    EvidenceKind,
    Instant,
    LossReason,
    Name,
    Outcome,
    SessionKind,
    Shown,
    Stage,
    Word,
    who_acts,
)
from vigil.domain.verdict import Revision
from vigil.listing import ListedRun
from vigil.lookup import KnownVerification
from vigil.temporal.client import RegistrationResult

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "stage": "awaiting_applicant",
    "decision": None,
    "outcome": None,
    "basis": None,
    "revision": 0,
    "sequence": 3,
    "registered": True,
    "attention": [],
    "steps_done": 2,
    "steps_total": 5,
    "evidence": {"available": 2, "stored": 1},
    "deadline_at": "2025-12-17T12:15:00Z",
}


_INTERRUPTED: Final = (
    "whether an operator ended its workflow in Temporal before it was complete; "
    "the next callback, command or registration continues it"
)


class AttentionView(StrictModel):
    """A reason why a person should look, and who acts."""

    reason: Shown[Attention]
    actor: Shown[Actor]


class StateView(StrictModel):
    """The present state. `sequence` grows with every published change, `revision` with every verdict."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    provider: str
    environment: Name
    applicant: Word | None
    sender: Name | None
    stage: Shown[Stage]
    decision: Shown[Decision] | None
    outcome: Shown[Outcome] | None
    basis: Shown[Basis] | None
    revision: int
    sequence: int
    registered: bool
    attention: tuple[AttentionView, ...]
    steps_done: int
    steps_total: int
    evidence: Mapping[str, int] = Field(description="how many files are in each state")
    opened_at: Instant
    stage_entered_at: Instant
    deadline_at: Instant
    last_callback_at: Instant | None
    erased_at: Instant | None = Field(description="since when its data is erased, and only the verdict is left")

    @classmethod
    def of(cls, summary: Summary) -> "StateView":
        """Return the view of a published state."""
        shown = summary.model_dump(include=set(cls.model_fields))
        done, total = summary.steps
        attention = tuple(AttentionView(reason=reason, actor=who_acts(reason)) for reason in summary.attention)
        computed = {"attention": attention, "steps_done": done, "steps_total": total}
        return cls(**{**shown, **computed})


class RevisionView(StrictModel):
    """One verdict. Without an outcome it says that an earlier verdict was reopened."""

    number: int
    at: Instant
    decision: Shown[Decision] | None
    outcome: Shown[Outcome] | None
    basis: Shown[Basis]
    provider_status: Word | None = Field(description="the status as the provider names it")
    reasons: tuple[Reason, ...]
    author: Name | None

    @classmethod
    def of(cls, revision: Revision) -> "RevisionView":
        """Return the view of a revision."""
        return cls(**revision.model_dump(include=set(cls.model_fields)), provider_status=revision.word)


class EvidenceView(StrictModel):
    """One file. `size` is in bytes."""

    name: Word
    kind: Shown[EvidenceKind]
    state: ArtifactState
    loss: Shown[LossReason] | None
    size: int | None
    media_type: str | None
    at: Instant


class RoomView(StrictModel):
    """One video call, or one file of it. A value that is null is not known."""

    room: Word
    status: str
    composition_ready: bool | None
    file_ready: bool | None
    file_id: Word | None


class RecordView(StrictModel):
    """The last stored record. A run stores one at its end."""

    session_kind: SessionKind | None = Field(description="the kind of person; null: not known")
    advice: Shown[Advice]
    reasons: tuple[Reason, ...]
    checks: tuple[Check, ...]
    rooms: tuple[RoomView, ...] = Field((), description="the video calls")
    revisions: tuple[RevisionView, ...]
    evidence: tuple[EvidenceView, ...]
    decided_at: Instant | None
    completed_at: Instant | None
    received: int = Field(description="callbacks in all; `late` came after the verdict, `missed` never came in time")
    duplicates: int
    late: int
    missed: int
    reads: int
    unknown_fields: Mapping[str, int] = Field(
        description="fields of callbacks that we do not know: in how many callbacks each was, for the first 20 names"
    )

    @classmethod
    def of(cls, record: Record) -> "RecordView":
        """Return the view of a record."""
        verdict, callbacks = record.verdict, record.callbacks
        return cls(
            session_kind=record.subject.session_kind,
            advice=verdict.advice,
            reasons=verdict.reasons,
            decided_at=verdict.decided_at,
            completed_at=verdict.completed_at,
            received=callbacks.received,
            duplicates=callbacks.duplicates,
            late=callbacks.late,
            missed=callbacks.missed,
            reads=record.reads.count,
            unknown_fields=callbacks.unknown_fields,
            checks=record.checks,
            rooms=tuple(RoomView(**room.model_dump(include=set(RoomView.model_fields))) for room in record.rooms),
            revisions=tuple(RevisionView.of(revision) for revision in record.verdict.revisions),
            evidence=_evidence_of(record),
        )


class VerificationView(StrictModel):
    """One verification. `state` is the last published state, `record` the last stored record."""

    account: Name
    reference: str
    is_open: bool
    interrupted: bool = Field(description=_INTERRUPTED)
    state: StateView | None = Field(description="null until a worker has processed it for the first time")
    record: RecordView | None
    partner_metadata: Mapping[str, JsonValue] | None = Field(
        None, description="the metadata that you gave to the provider, if its result returns it"
    )
    reason_text: str | None = Field(
        None, description="the provider's own text about its verdict, if its result or a callback has one"
    )

    @classmethod
    def of(
        cls,
        known: KnownVerification,
        *,
        partner_metadata: Mapping[str, JsonValue] | None = None,
        reason_text: str | None = None,
    ) -> "VerificationView":
        """Return the view of a verification."""
        summary = known.situation.summary
        return cls(
            account=known.key.account,
            reference=known.key.reference,
            is_open=known.situation.is_open,
            interrupted=known.situation.is_interrupted,
            state=StateView.of(summary) if summary else None,
            record=RecordView.of(known.record) if known.record else None,
            partner_metadata=partner_metadata,
            reason_text=reason_text,
        )


class RegisteredView(StrictModel):
    """The result of a registration: `started`, or `known` if it was known before."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"account": "sandbox", "reference": "4711", "registered": "started"}]}
    )

    account: Name
    reference: str
    registered: RegistrationResult


class ListedView(StrictModel):
    """One run of a verification.

    `reference` is a digest if the provider's reference must not be shown. Requests accept the digest too.
    """

    account: Name
    reference: str
    is_open: bool
    interrupted: bool = Field(description=_INTERRUPTED)
    stuck: bool = Field(description="whether it is interrupted, or its workflow task fails again and again")
    started_at: Instant
    state: StateView | None

    @classmethod
    def of(cls, run: ListedRun) -> "ListedView":
        """Return the view of a run."""
        state = StateView.of(run.summary) if run.summary else None
        return cls(
            account=run.account,
            reference=run.encoded_reference,
            is_open=run.is_open,
            interrupted=run.is_interrupted,
            stuck=run.is_stuck,
            started_at=run.started_at,
            state=state,
        )


class PageView(StrictModel):
    """Some verifications, the newest first. `next_page` is null on the last page."""

    verifications: tuple[ListedView, ...]
    next_page: str | None


class EntryView(StrictModel):
    """One entry of the timeline, in coded words."""

    at: Instant
    kind: Shown[EntryKind]
    details: tuple[Word, ...]
    actor: Name | None


class TimelineView(StrictModel):
    """What was received, read and decided, in order. `omitted` counts the entries that a long timeline has dropped."""

    entries: tuple[EntryView, ...]
    omitted: int

    @classmethod
    def of(cls, record: Record, notifications: Sequence[NotificationRow]) -> "TimelineView":
        """Return the timeline of a record, with its notifications."""
        entries = timeline(record.log, notifications)
        views = (EntryView(at=entry.at, kind=entry.kind, details=entry.words, actor=entry.actor) for entry in entries)
        return cls(entries=tuple(views), omitted=record.log.folded)


class EvidenceListView(StrictModel):
    """The files of a verification and their states."""

    evidence: tuple[EvidenceView, ...]

    @classmethod
    def of(cls, record: Record) -> "EvidenceListView":
        """Return the files of a record."""
        return cls(evidence=_evidence_of(record))


def _evidence_of(record: Record) -> tuple[EvidenceView, ...]:
    fields = set(EvidenceView.model_fields)
    return tuple(EvidenceView(**row.model_dump(include=fields)) for row in record.evidence)
