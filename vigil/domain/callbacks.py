"""The pure decisions: how a record changes by what is heard, read, commanded, or by time passing.

Every function takes a record and returns the next one. Notices are folded by unions and maxima; a decision comes
only from `answered` and from `resolved`.
"""

from collections.abc import Mapping
from datetime import datetime

from vigil.domain import evidence
from vigil.domain.callback_event import (
    MOST_UNKNOWN_FIELDS,
    CallbackEvent,
    RoomChanged,
    StatusSeen,
    StepFinished,
    Unreadable,
)
from vigil.domain.message import ADDRESS_UNKNOWN, MessageOutcome, MessageResult
from vigil.domain.progress import add_progress, merge_rooms, merge_session_kind
from vigil.domain.record import (
    MOST_ANNOUNCEMENTS,
    MOST_ENTRIES,
    MOST_IDENTITIES,
    Announcement,
    AttentionNote,
    Entry,
    EntryKind,
    HeardIdentity,
    Record,
    Replay,
)
from vigil.domain.registration import Registration
from vigil.domain.snapshot import MOST_COORDINATES, MOST_RECEIPTS
from vigil.domain.terms import ACTS_ON, Attention, Name, Proof, ProviderName, SessionKind, Stage, earliest, latest
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verification_key import VerificationKey


def open_record(
    key: VerificationKey, *, provider: ProviderName, environment: Name, at: datetime, plan: TrackingPlan
) -> Record:
    """Return the record of a verification of which nothing is known yet."""
    record = Record(
        key=key,
        provider=provider,
        environment=environment,
        opened_at=at,
        stage_entered_at=at,
        deadline_at=at + plan.deadline + plan.deadline_lag,
    )
    return add_log_entry(record, EntryKind.OPENED, at=at)


def mark_discovered(record: Record, *, at: datetime) -> Record:
    """Ask whoever should have registered it to look: the provider has listed it, and nobody told us of it."""
    return add_attention(record, Attention.NEVER_REGISTERED, at=at)


def apply_registration(record: Record, registration: Registration, *, plan: TrackingPlan) -> Record:
    """Attach a registration. The first one stays; another one that differs is an attention."""
    at = registration.registered_at
    if record.registration is not None:
        differing = registration.differs_from(record.registration.fingerprint)
        return add_attention(record, Attention.CONFLICTING_REGISTRATION, at=at) if differing else record
    deadline_at = (registration.deadline_at or at + plan.deadline) + plan.deadline_lag
    record = record.model_copy(
        update={
            "registration": registration,
            "registered_at": at,
            "sender": registration.sender or record.sender,
            "session_kind": merge_session_kind(record.session_kind, registration.session_kind),
            "deadline_at": deadline_at,
            "review_deadline_at": registration.review_deadline_at,
        }
    )
    record = apply_ledger(record, evidence.limit_to_wanted(record.evidence, registration.evidence, at=at), at=at)
    record = add_log_entry(record, EntryKind.REGISTERED, at=at, actor=registration.registered_by)
    record = clear_attention(record, Attention.NEVER_REGISTERED)
    return _correlated(record, record.correlation, at=at)


def note_replay(record: Record, what: Replay, *, at: datetime) -> Record:
    """Note that the provider is asked to call back once more, and for what."""
    record = record.model_copy(update={"replayed": tuple(dict.fromkeys((*record.replayed, what)))})
    return add_log_entry(record, EntryKind.COMMANDED, at=at, words=("replay", what.value))


def apply_callback(record: Record, notice: CallbackEvent, *, finals_may_change: bool = False) -> Record:
    """Fold one callback. It may add progress, tell of a recording and announce a word; it never decides."""
    at = notice.received_at
    record = _counted(record, notice)
    record = record.model_copy(
        update={
            "first_heard_at": earliest(record.first_heard_at, at),
            "last_heard_at": latest(record.last_heard_at, at),
            "sender": record.sender or notice.sender,
            "session_kind": merge_session_kind(record.session_kind, notice.session_kind),
            "coordinates": _united_coordinates(record, notice),
            "unknown_fields": _once_per_name(record, notice),
        }
    )
    record = _correlated(record, notice.correlation, at=at)
    if notice.session_kind is SessionKind.UNRECOGNISED:
        record = add_attention(record, Attention.UNRECOGNISED_WORD, at=at)
    if notice.proof is Proof.NONE:
        record = add_attention(record, Attention.UNPROVEN_CALLBACKS, at=at)
    words, record = _observed(record, notice, finals_may_change=finals_may_change)
    return add_log_entry(record, EntryKind.HEARD, at=at, words=words, receipt=notice.receipt)


def apply_message_outcome(record: Record, told: MessageOutcome) -> Record:
    """Note what became of a message that the provider asked us to send; told twice it is noted once."""
    words = tuple(word for word in (told.kind.value, told.result.value, told.why) if word)
    if any((entry.kind, entry.at, entry.words) == (EntryKind.MESSAGE, told.at, words) for entry in record.timeline):
        return record
    record = add_log_entry(record, EntryKind.MESSAGE, at=told.at, words=words)
    if told.why == ADDRESS_UNKNOWN:
        record = add_attention(record, Attention.MESSAGE_FIELDS_UNKNOWN, at=told.at)
    if told.result is not MessageResult.SENT:
        record = add_attention(record, Attention.MESSAGE_NOT_SENT, at=told.at)
    return record


def add_attention(record: Record, reason: Attention, *, at: datetime) -> Record:
    """Ask a person to look; a reason that is already raised keeps its time."""
    if any(note.reason is reason for note in record.attention):
        return record
    note = AttentionNote(reason=reason, since=at, actor=ACTS_ON[reason])
    notes = sorted((*record.attention, note), key=lambda note: note.reason)
    record = record.model_copy(update={"attention": tuple(notes)})
    return add_log_entry(record, EntryKind.ATTENTION, at=at, words=(reason.value,))


def clear_attention(record: Record, *reasons: Attention) -> Record:
    """Take back reasons that no longer hold."""
    kept = tuple(note for note in record.attention if note.reason not in reasons)
    return record if len(kept) == len(record.attention) else record.model_copy(update={"attention": kept})


def add_log_entry(
    record: Record,
    kind: EntryKind,
    *,
    at: datetime,
    words: tuple[str | None, ...] = (),
    actor: Name | None = None,
    receipt: str | None = None,
) -> Record:
    """Write a line into the timeline; the oldest half but the first lines is folded into a count when it is full."""
    entry = Entry(at=at, kind=kind, words=tuple(w for w in words if w), actor=actor, receipt=receipt)
    timeline = (*record.timeline, entry)
    if len(timeline) <= MOST_ENTRIES:
        return record.model_copy(update={"timeline": timeline})
    folded = MOST_ENTRIES // 2
    kept = (*timeline[:10], *timeline[10 + folded :])
    return record.model_copy(update={"timeline": kept, "timeline_folded": record.timeline_folded + folded})


def enter_stage(record: Record, stage: Stage, *, at: datetime) -> Record:
    """Enter a stage; staying in one keeps the time at which it was entered."""
    if stage is record.stage:
        return record
    return record.model_copy(update={"stage": stage, "stage_entered_at": at})


def complete(record: Record, *, at: datetime) -> Record:
    """Nothing more is to be done; one that was complete before keeps its time."""
    if record.stage is Stage.COMPLETE:
        return record
    record = add_log_entry(record, EntryKind.COMPLETED, at=at)
    return enter_stage(record.model_copy(update={"completed_at": at}), Stage.COMPLETE, at=at)


def _counted(record: Record, notice: CallbackEvent) -> Record:
    at = notice.received_at
    identity = notice.identity or notice.delivery
    known = {seen.identity: seen for seen in record.identities}
    before = known.get(identity)
    # Of a sender that names no events, equal callbacks are two events: a word may come again, and then it is news.
    is_again = before is not None and (notice.identity is not None or before.last_at == at)
    known[identity] = HeardIdentity(
        identity=identity,
        first_at=min(before.first_at, at) if before else at,
        last_at=max(before.last_at, at) if before else at,
        count=(before.count if before else 0) + 1,
    )
    newest = sorted(known.values(), key=lambda seen: seen.last_at)[-MOST_IDENTITIES:]
    return record.model_copy(
        update={
            "heard": record.heard + 1,
            "duplicates": record.duplicates + is_again,
            "late": record.late + record.is_concluded,
            "identities": tuple(newest),
        }
    )


def _once_per_name(record: Record, notice: CallbackEvent) -> dict[str, int]:
    """Count in how many callbacks each name was, for the first names; a name that a callback has twice counts once."""
    counts = dict(record.unknown_fields)
    for name in dict.fromkeys(notice.unknown_fields):
        if name in counts or len(counts) < MOST_UNKNOWN_FIELDS:
            counts[name] = counts.get(name, 0) + 1
    return counts


def _united_coordinates(record: Record, notice: CallbackEvent) -> Mapping[str, str]:
    """Return the coordinates that callbacks named: of two values the lesser, and the least names, in any order."""
    if not notice.proof.may_start:
        return record.coordinates
    told = (record.coordinates, notice.coordinates)
    names = sorted({*record.coordinates, *notice.coordinates})[:MOST_COORDINATES]
    return {name: min(each[name] for each in told if name in each) for name in names}


def _correlated(record: Record, correlation: str | None, *, at: datetime) -> Record:
    if correlation is None:
        return record
    record = record.model_copy(update={"correlation": record.correlation or correlation})
    registered_as = record.registration.correlation if record.registration else None
    if registered_as is not None and registered_as != correlation:
        return add_attention(record, Attention.CORRELATION_MISMATCH, at=at)
    return record


def _observed(
    record: Record, notice: CallbackEvent, *, finals_may_change: bool
) -> tuple[tuple[str | None, ...], Record]:
    at = notice.received_at
    match notice.observation:
        case StepFinished() | RoomChanged() as seen:
            if notice.proof.may_add_progress:
                record = list_recordings(
                    record.model_copy(update={"progress": add_progress(record.progress, seen)}), at=at
                )
            if isinstance(seen, RoomChanged) and seen.room_status == "unrecognised":
                record = add_attention(record, Attention.UNRECOGNISED_WORD, at=at)
            return (
                seen.kind,
                seen.check_name if isinstance(seen, StepFinished) else seen.room_status,
            ), record
        case StatusSeen() as seen:
            if seen.looks == "unrecognised":
                record = add_attention(record, Attention.UNRECOGNISED_WORD, at=at)
            if notice.proof.may_add_progress:
                record = _with_receipt(record, notice.receipt)
            if _announces(record, seen, finals_may_change=finals_may_change):
                record = _announced(record, seen, notice)
            return (seen.kind, seen.word, seen.code), record
        case Unreadable() as seen:
            return (seen.kind, seen.why), add_attention(record, Attention.QUARANTINED, at=at)


def _with_receipt(record: Record, receipt: str | None) -> Record:
    if receipt is None or receipt in record.receipts:
        return record
    # By name, which begins with the time of receipt: they may be told of in any order.
    newest = sorted((receipt, *record.receipts), key=lambda name: name.rpartition("/")[2], reverse=True)
    return record.model_copy(update={"receipts": tuple(newest[:MOST_RECEIPTS])})


def _announces(record: Record, seen: StatusSeen, *, finals_may_change: bool) -> bool:
    """Whether a read must confirm what was heard: an end, or of one that may reopen another word than the last told."""
    if not record.is_concluded:
        return seen.looks == "final"
    told = record.snapshot.word if record.snapshot else None
    is_another = (seen.word or "").casefold() != (told or "").casefold()
    return finals_may_change and is_another and seen.looks != "unrecognised"


def list_recordings(record: Record, *, at: datetime) -> Record:
    """Return the record with a row for every recording that callbacks or reads told of."""
    snapshot_rooms = record.snapshot.rooms if record.snapshot else ()
    rooms = merge_rooms(record.progress.rooms, snapshot_rooms)
    return apply_ledger(record, evidence.list_recordings(record.evidence, rooms, wanted=record.wanted, at=at), at=at)


def apply_ledger(record: Record, ledger: evidence.Ledger, *, at: datetime) -> Record:
    """Return the record with another ledger; a loss asks a person to look for as long as it lasts."""
    ledger = evidence.expect_kinds(ledger, record.expects, wanted=record.wanted, at=at)
    record = record.model_copy(update={"evidence": ledger})
    if evidence.has_losses(ledger, record.expects):
        return add_attention(record, Attention.EVIDENCE_LOST, at=at)
    return clear_attention(record, Attention.EVIDENCE_LOST)


def _announced(record: Record, seen: StatusSeen, notice: CallbackEvent) -> Record:
    fresh = Announcement(
        word=seen.word,
        ended=seen.ended,
        proof=notice.proof,
        first_at=notice.received_at,
        is_final=seen.looks == "final",
    )
    known = {(a.word, a.ended, a.proof): a for a in record.announcements}
    mark = (fresh.word, fresh.ended, fresh.proof)
    if mark in known:
        fresh = fresh.model_copy(update={"first_at": min(known[mark].first_at, fresh.first_at)})
    elif sum(each.proof.may_end is fresh.proof.may_end for each in known.values()) >= MOST_ANNOUNCEMENTS // 2:
        # Half of the room is for those with proof, so that nobody without one can fill it.
        return record
    known[mark] = fresh
    ordered = sorted(known.values(), key=lambda a: (a.word or "", a.ended or "", a.proof))
    return record.model_copy(update={"announcements": tuple(ordered)})
