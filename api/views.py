"""What callers see of a verification: our words, without the names under which things are stored."""

from collections.abc import Mapping
from typing import Final

from pydantic import ConfigDict, Field, JsonValue

from vigil.domain.log import EntryKind, LogEntry
from vigil.domain.record import Record
from vigil.domain.snapshot import Check, Reason
from vigil.domain.summary import Summary
from vigil.domain.terms import (
    ACTS_ON,
    Actor,
    Advice,
    ArtifactState,
    Attention,
    Basis,
    Decision,
    EvidenceKind,
    Frozen,
    Instant,
    LossReason,
    Name,
    Outcome,
    SessionKind,
    Stage,
    Word,
)
from vigil.domain.verdict import Revision

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
    "steps_in_all": 5,
    "evidence": {"available": 2, "stored": 1},
    "deadline_at": "2025-12-17T12:15:00Z",
}


class AttentionView(Frozen):
    """A reason why a person should look, and who acts."""

    reason: Attention
    actor: Actor


class StateView(Frozen):
    """Where it stands. `sequence` grows with every published change, `revision` with every verdict."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    provider: str
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
    attention: tuple[AttentionView, ...]
    steps_done: int
    steps_in_all: int
    evidence: Mapping[str, int] = Field(description="how many files are in each state")
    opened_at: Instant
    stage_entered_at: Instant
    deadline_at: Instant
    last_heard_at: Instant | None

    @classmethod
    def of(cls, summary: Summary) -> "StateView":
        """Show a published state."""
        shown = summary.model_dump(include=set(cls.model_fields) - {"attention"})
        done, in_all = summary.steps
        attention = tuple(AttentionView(reason=reason, actor=ACTS_ON[reason]) for reason in summary.attention)
        return cls(**shown, attention=attention, steps_done=done, steps_in_all=in_all)


class RevisionView(Frozen):
    """One verdict; without an outcome it says that an earlier one was reopened."""

    number: int
    at: Instant
    decision: Decision | None
    outcome: Outcome | None
    basis: Basis
    word: Word | None = Field(description="the provider's own word")
    reasons: tuple[Reason, ...]
    author: Name | None

    @classmethod
    def of(cls, revision: Revision) -> "RevisionView":
        """Show a revision."""
        return cls(**revision.model_dump(include=set(cls.model_fields)))


class EvidenceView(Frozen):
    """One file. `size` is in bytes."""

    name: Word
    kind: EvidenceKind
    state: ArtifactState
    loss: LossReason | None
    size: int | None
    media_type: str | None
    at: Instant


class RecordView(Frozen):
    """The last record that was written, at the end of a run."""

    session_kind: SessionKind | None = Field(description="whom it is about; null: nothing has said it")
    advice: Advice
    reasons: tuple[Reason, ...]
    checks: tuple[Check, ...]
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
        """Show a record."""
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
            revisions=tuple(RevisionView.of(revision) for revision in record.verdict.revisions),
            evidence=evidence_of(record),
        )


class VerificationView(Frozen):
    """One verification. `state` is what was published last; `record` what the last finished run wrote, if one has."""

    account: Name
    reference: str
    is_open: bool
    state: StateView | None = Field(description="null for a moment: it is accepted, and no worker has looked at it")
    record: RecordView | None
    partner_metadata: Mapping[str, JsonValue] | None = Field(
        None, description="the metadata that you gave to the provider, if its result returns it"
    )


class EntryView(Frozen):
    """One line of the timeline."""

    at: Instant
    kind: EntryKind
    words: tuple[Word, ...]
    actor: Name | None


class TimelineView(Frozen):
    """What was heard, asked and decided, in order; `folded` lines of a long one are only counted."""

    entries: tuple[EntryView, ...]
    folded: int


def evidence_of(record: Record) -> tuple[EvidenceView, ...]:
    """Show the ledger."""
    fields = set(EvidenceView.model_fields)
    return tuple(EvidenceView(**row.model_dump(include=fields)) for row in record.evidence)


def timeline_of(record: Record) -> TimelineView:
    """Show the timeline."""
    fields = set(EntryView.model_fields)
    entries: list[LogEntry] = sorted(record.log.entries, key=lambda entry: entry.at)
    return TimelineView(
        entries=tuple(EntryView(**entry.model_dump(include=fields)) for entry in entries),
        folded=record.log.folded,
    )
