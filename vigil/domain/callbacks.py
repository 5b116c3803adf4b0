"""What registrations, callbacks and messages change in a record.

Every function takes a record and returns the next one. Callbacks are merged by unions and maxima, so that no order,
loss or repetition matters; none of them decides.
"""

from datetime import datetime

from vigil.domain import evidence
from vigil.domain.callback_event import CallbackEvent, RoomChanged, StatusSeen, StepFinished, Unreadable
from vigil.domain.callback_history import Explanation
from vigil.domain.log import EntryKind
from vigil.domain.message import ADDRESS_UNKNOWN, MessageOutcome, MessageResult
from vigil.domain.record import Record, Replay, are_compatible
from vigil.domain.record_edits import (
    add_attention,
    add_log_entry,
    apply_ledger,
    clear_attention,
    dispute_details,
    list_recordings,
)
from vigil.domain.registration import Registration
from vigil.domain.terms import Attention, Covers, Name, Proof, ProviderName, SessionKind
from vigil.domain.times import replay_answered_until
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verdict import VerdictState
from vigil.domain.verification_key import VerificationKey


def open_record(
    key: VerificationKey, *, provider: ProviderName, environment: Name, at: datetime, plan: TrackingPlan
) -> Record:
    """Return the record of a verification of which nothing is known yet."""
    verdict = VerdictState(stage_entered_at=at, deadline_at=at + plan.deadline + plan.deadline_lag)
    record = Record(key=key, provider=provider, environment=environment, opened_at=at, verdict=verdict)
    return add_log_entry(record, EntryKind.OPENED, at=at)


def mark_discovered(record: Record, *, at: datetime) -> Record:
    """Ask the backend to look: the provider lists a verification that nobody registered."""
    return add_attention(record, Attention.NEVER_REGISTERED, at=at)


def apply_registration(record: Record, registration: Registration, *, plan: TrackingPlan) -> Record:
    """Attach a registration. The first one stays; another one that differs is an attention."""
    at = registration.registered_at
    known = record.subject.registration
    if known is not None:
        differing = registration.differs_from(known.fingerprint)
        return add_attention(record, Attention.CONFLICTING_REGISTRATION, at=at) if differing else record
    deadline_at = (registration.deadline_at or at + plan.deadline) + plan.deadline_lag
    record = record.with_subject(record.subject.register(registration))
    record = record.with_verdict(record.verdict.move_deadlines(deadline_at, registration.review_deadline_at))
    record = apply_ledger(record, evidence.limit_to_wanted(record.evidence, registration.evidence, at=at), at=at)
    record = add_log_entry(record, EntryKind.REGISTERED, at=at, actor=registration.registered_by)
    record = clear_attention(record, Attention.NEVER_REGISTERED)
    if not all(are_compatible(registration.coordinates, named) for named in record.subject.named_coordinates):
        record = add_attention(record, Attention.COORDINATE_MISMATCH, at=at)
    return _compare_correlation(record, record.subject.correlation, at=at)


def note_replay(record: Record, what: Replay, *, at: datetime, until: datetime | None = None) -> Record:
    """Note that the provider is asked to call back once more, for what, and until when its answer is awaited."""
    record = record.with_reads(record.reads.add_replay(what, at=at, until=until))
    return add_log_entry(record, EntryKind.COMMANDED, at=at, words=("replay", what.value))


def causes_read(record: Record, event: CallbackEvent) -> bool:
    """Whether a callback is a reason to read the provider.

    With a weak proof it is one only while the verification is open, and within a budget: anybody may have sent it.
    """
    if event.intermediate or event.proof.may_start:
        return not event.intermediate
    return not record.is_concluded and record.callbacks.may_hint(event.received_at)


def is_one_too_many(record: Record, event: CallbackEvent) -> bool:
    """Whether a proven callback of a concluded verification causes no read, since others have caused enough today.

    Whoever has seen a callback whose secret never changes can repeat it. One that we asked for is read in any case.
    """
    is_late = record.is_concluded and event.proof.may_start and not event.intermediate
    may_read = record.callbacks.may_read_late(event.received_at) or _answers_a_replay(record, event)
    return is_late and not may_read


def apply_callback(record: Record, event: CallbackEvent, *, finals_may_change: bool = False) -> Record:
    """Merge one callback. It may add progress, name a recording and announce an end; it never decides."""
    at = event.received_at
    if causes_read(record, event) and not event.proof.may_start:
        record = record.with_callbacks(record.callbacks.add_hint(at))
    elif causes_read(record, event) and record.is_concluded and record.callbacks.may_read_late(at):
        record = record.with_callbacks(record.callbacks.add_late_read(at))
    is_answer = _answers_a_replay(record, event)
    record = record.with_callbacks(record.callbacks.count(event, is_late=record.is_concluded and not is_answer))
    record = dispute_details(_explain(record, event, is_answer=is_answer), at=at)
    record = _compare_coordinates(record, event, at=at)
    record = record.with_subject(record.subject.learn_from_callback(event))
    record = _compare_correlation(record, event.correlation, at=at)
    if event.session_kind is SessionKind.UNRECOGNISED:
        record = add_attention(record, Attention.UNRECOGNISED_WORD, at=at)
    if event.proof is Proof.NONE:
        record = add_attention(record, Attention.UNPROVEN_CALLBACKS, at=at)
    words, record = _apply_observation(record, event, finals_may_change=finals_may_change)
    return add_log_entry(record, EntryKind.CALLBACK, at=at, words=words, receipt=event.receipt)


def await_repetition(record: Record, event: CallbackEvent) -> Record:
    """Have the sender repeat a callback that was not stored. A replay that ended in it counts as not requested."""
    record = record.with_callbacks(record.callbacks.note_unstored(event.received_at))
    return record.with_reads(record.reads.forget_replays())


def _answers_a_replay(record: Record, event: CallbackEvent) -> bool:
    """Whether a callback is new and says what the last read said, while one that we asked for is awaited."""
    asked_at, until, seen = record.reads.replayed_at, replay_answered_until(record), event.observation
    if asked_at is None or until is None or not asked_at < event.received_at <= until:
        return False
    is_new = event.proof.may_start and not record.callbacks.has_received(event)
    snapshot = record.reads.snapshot
    return is_new and isinstance(seen, StatusSeen) and snapshot is not None and seen.word == snapshot.word


def _explain(record: Record, event: CallbackEvent, *, is_answer: bool) -> Record:
    """Keep what a callback says beside an end, to be read once it is confirmed."""
    seen = event.observation
    if not isinstance(seen, StatusSeen) or seen.looks != "final" or seen.word is None:
        return record
    if event.details is None or not event.proof.may_start:
        return record
    explanation = Explanation(
        word=seen.word,
        topic=event.topic,
        details=event.details,
        receipt=event.receipt,
        is_confirmed=is_answer or event.proof.covers is Covers.BODY,
    )
    return record.with_callbacks(record.callbacks.add_explanation(explanation))


def apply_message_outcome(record: Record, outcome: MessageOutcome) -> Record:
    """Note what became of a message that the provider asked us to send; reported twice it is noted once."""
    words = tuple(word for word in (outcome.kind.value, outcome.result.value, outcome.why) if word)
    mark = (EntryKind.MESSAGE, outcome.at, words)
    if any((entry.kind, entry.at, entry.words) == mark for entry in record.log.entries):
        return record
    record = add_log_entry(record, EntryKind.MESSAGE, at=outcome.at, words=words)
    if outcome.why == ADDRESS_UNKNOWN:
        record = add_attention(record, Attention.MESSAGE_FIELDS_UNKNOWN, at=outcome.at)
    if outcome.result is not MessageResult.SENT:
        record = add_attention(record, Attention.MESSAGE_NOT_SENT, at=outcome.at)
    return record


def _compare_coordinates(record: Record, event: CallbackEvent, *, at: datetime) -> Record:
    registered = record.subject.registration.coordinates if record.subject.registration else {}
    known = (registered, *record.subject.named_coordinates)
    is_other = event.proof.may_start and not all(are_compatible(each, event.coordinates) for each in known)
    return add_attention(record, Attention.COORDINATE_MISMATCH, at=at) if is_other else record


def _compare_correlation(record: Record, correlation: str | None, *, at: datetime) -> Record:
    registered_as = record.subject.registration.correlation if record.subject.registration else None
    if None not in (correlation, registered_as) and registered_as != correlation:
        return add_attention(record, Attention.CORRELATION_MISMATCH, at=at)
    return record


def _apply_observation(
    record: Record, event: CallbackEvent, *, finals_may_change: bool
) -> tuple[tuple[str | None, ...], Record]:
    at = event.received_at
    match event.observation:
        case StepFinished() | RoomChanged() as seen:
            if event.proof.may_add_progress:
                record = list_recordings(record.with_callbacks(record.callbacks.add_progress(seen)), at=at)
            is_odd = seen.is_unnamed if isinstance(seen, StepFinished) else seen.room_status == "unrecognised"
            if is_odd:
                record = add_attention(record, Attention.UNRECOGNISED_WORD, at=at)
            name = seen.check_name if isinstance(seen, StepFinished) else seen.room_status
            return (seen.kind, name), record
        case StatusSeen() as seen:
            if event.proof.may_add_progress:
                record = record.with_callbacks(record.callbacks.add_progress(seen))
            if seen.looks == "unrecognised":
                record = add_attention(record, Attention.UNRECOGNISED_WORD, at=at)
            is_news = event.proof.may_start and _announces_an_end(record, seen, finals_may_change=finals_may_change)
            if is_news:
                record = record.with_callbacks(record.callbacks.announce(seen, proof=event.proof, at=at))
            return (seen.kind, seen.word, seen.code), record
        case Unreadable() as seen:
            return (seen.kind, seen.why, seen.encoding), add_attention(record, Attention.QUARANTINED, at=at)


def _announces_an_end(record: Record, seen: StatusSeen, *, finals_may_change: bool) -> bool:
    """Whether a read must confirm a callback: an end or, where verdicts may change, another status than the last."""
    if not record.is_concluded:
        return seen.looks == "final"
    last = record.reads.snapshot.word if record.reads.snapshot else None
    is_another = (seen.word or "").casefold() != (last or "").casefold()
    return finals_may_change and is_another and seen.looks != "unrecognised"
