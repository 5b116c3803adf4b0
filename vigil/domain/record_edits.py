"""The edits that every decision uses: attention, the timeline, the stage and the ledger."""

from datetime import datetime

from vigil.domain import evidence
from vigil.domain.log import AttentionNote, EntryKind, LogEntry
from vigil.domain.notification import NotificationRow, add_row, log_entry
from vigil.domain.progress import merge_rooms
from vigil.domain.record import Record
from vigil.domain.terms import ACTS_ON, ArtifactState, Attention, Basis, LossReason, Name, Stage


def add_attention(record: Record, reason: Attention, *, at: datetime) -> Record:
    """Ask a person to look; a reason that is there already keeps its time."""
    if any(note.reason is reason for note in record.attention):
        return record
    note = AttentionNote(reason=reason, since=at, actor=ACTS_ON[reason])
    record = record.with_attention(tuple(sorted((*record.attention, note), key=lambda note: note.reason)))
    return add_log_entry(record, EntryKind.ATTENTION, at=at, words=(reason.value,))


def clear_attention(record: Record, *reasons: Attention) -> Record:
    """Remove reasons that no longer hold."""
    kept = tuple(note for note in record.attention if note.reason not in reasons)
    return record if len(kept) == len(record.attention) else record.with_attention(kept)


def add_log_entry(
    record: Record,
    kind: EntryKind,
    *,
    at: datetime,
    words: tuple[str | None, ...] = (),
    actor: Name | None = None,
    receipt: str | None = None,
) -> Record:
    """Add an entry to the timeline; words that are None are left out."""
    entry = LogEntry(at=at, kind=kind, words=tuple(w for w in words if w), actor=actor, receipt=receipt)
    return record.with_log(record.log.add(entry))


def dispute_details(record: Record, *, at: datetime) -> Record:
    """Ask a person if callbacks contradict each other about what is behind the provider's verdict."""
    word = record.reads.snapshot.word if record.reads.snapshot else None
    is_providers = record.is_concluded and record.verdict.basis is not Basis.PERSON
    is_disputed = is_providers and record.callbacks.is_disputed(word)
    return add_attention(record, Attention.CONTRADICTION, at=at) if is_disputed else record


def enter_stage(record: Record, stage: Stage, *, at: datetime) -> Record:
    """Enter a stage; entering the current one again keeps its time."""
    return record.with_verdict(record.verdict.enter(stage, at=at))


def continue_interrupted(record: Record, *, revision: int, sequence: int, at: datetime, actor: Name) -> Record:
    """Count on from what a run published that was ended in Temporal and stored no record."""
    record = record.with_verdict(record.verdict.skip_to(revision)).with_sequence(max(sequence, record.sequence))
    return add_log_entry(record, EntryKind.COMMANDED, at=at, words=("terminate",), actor=actor)


def complete(record: Record, *, at: datetime) -> Record:
    """Complete a verification: nothing more is to be done. One that was complete before keeps its time."""
    if record.verdict.stage is Stage.COMPLETE:
        return record
    record = add_log_entry(record, EntryKind.COMPLETED, at=at)
    return record.with_verdict(record.verdict.complete(at=at))


def apply_notification(record: Record, row: NotificationRow) -> Record:
    """Note how a notification stands. A person is asked to look for as long as one is owed to a backend."""
    owed = add_row(record.owed, row)
    if owed == record.owed:
        return record
    record = record.with_owed(owed)
    record = record.with_log(record.log.add(log_entry(row)))
    if owed:
        return add_attention(record, Attention.NOT_NOTIFIED, at=row.at)
    return clear_attention(record, Attention.NOT_NOTIFIED)


def apply_ledger(record: Record, ledger: evidence.Ledger, *, at: datetime) -> Record:
    """Return the record with another ledger; a loss asks a person to look for as long as it lasts."""
    ledger = evidence.expect_kinds(ledger, record.expects, wanted=record.wanted, at=at)
    record = record.with_evidence(ledger)
    if evidence.has_losses(ledger, record.expects):
        return add_attention(record, Attention.EVIDENCE_LOST, at=at)
    return clear_attention(record, Attention.EVIDENCE_LOST)


def list_recordings(record: Record, *, at: datetime) -> Record:
    """Add a row to the ledger for every recording that callbacks or reads name."""
    snapshot_rooms = record.reads.snapshot.rooms if record.reads.snapshot else ()
    rooms = merge_rooms(record.callbacks.progress.rooms, snapshot_rooms)
    return apply_ledger(record, evidence.list_recordings(record.evidence, rooms, wanted=record.wanted, at=at), at=at)


def give_up_files(record: Record, why: LossReason, *, at: datetime, only: ArtifactState | None = None) -> Record:
    """Mark every file that is not settled as lost, or those in one state."""
    return apply_ledger(record, evidence.mark_unsettled_lost(record.evidence, why, at=at, only=only), at=at)
