"""The table of timers: what happens to a verification by time alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from vigil.domain import decisions, record_edits, times
from vigil.domain.record import Record
from vigil.domain.terms import ArtifactState, Attention, LossReason
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verdict import Cause

Effect: TypeAlias = Callable[[Record, datetime], Record]


class TimerName(StrEnum):
    """The names of the timers, as the published summary has them."""

    REGISTRATION_GRACE = "registration_grace"
    CONFIRMATION_WINDOW = "confirmation_window"
    UNKNOWN_TO_PROVIDER = "unknown_to_provider"
    REFERENCE_NOT_FOUND = "reference_not_found"
    REVIEW_DEADLINE = "review_deadline"
    DELETION = "deletion"
    DEADLINE = "deadline"
    LATE_FILES = "late_files"
    POLL_START = "poll_start"
    ANSWER = "answer"
    REPLAY = "replay"
    REPLAY_ANSWER = "replay_answer"


@dataclass(frozen=True)
class Timer:
    """One row: when it is due, what it does to the record, and what people read about it.

    `at` returns None while the timer is not set; a timer whose effect has taken place is not set again. A timer
    without an effect only wakes the workflow, which then starts or stops to poll. `needs_last_read`: the effect takes
    place only after a read that was made when the timer was due, so that the provider's answer can prevent it.
    """

    name: TimerName
    at: Callable[[Record, TrackingPlan], datetime | None]
    sentence: str
    needs_last_read: bool = False
    effect: Effect | None = None

    def is_due(self, record: Record, plan: TrackingPlan, now: datetime) -> bool:
        """Whether the timer is set and its time has come."""
        at = self.at(record, plan)
        return at is not None and at <= now

    def lacks_read(self, record: Record, plan: TrackingPlan, read_at: datetime | None) -> bool:
        """Whether a last read must be made before the effect; the newest answered read was made at `read_at`."""
        at = self.at(record, plan)
        return self.needs_last_read and at is not None and (read_at is None or read_at < at)


def _ask_for_registration_at(record: Record, plan: TrackingPlan) -> datetime | None:
    is_asked = any(note.reason is Attention.NEVER_REGISTERED for note in record.attention)
    return None if record.is_concluded or is_asked else times.registration_grace_until(record, plan)


def _ask_for_registration(record: Record, now: datetime) -> Record:
    return record_edits.add_attention(record, Attention.NEVER_REGISTERED, at=now)


def _close_confirmation_window(record: Record, now: datetime) -> Record:
    return decisions.close_confirmation_window(record, at=now)


def _mark_unknown(record: Record, now: datetime) -> Record:
    return decisions.mark_unknown_to_provider(record, at=now, cause=Cause.DEADLINE)


def _doubt_reference(record: Record, now: datetime) -> Record:
    return record_edits.add_attention(record, Attention.REFERENCE_NOT_FOUND, at=now)


def _expire_review(record: Record, now: datetime) -> Record:
    # While the provider does not answer, nobody knows whether a reviewer has decided. Then only the deadline ends it.
    return decisions.expire_review(record, at=now) if times.last_read_has_status(record) else record


def _mark_deleted(record: Record, now: datetime) -> Record:
    return decisions.mark_deleted(record, at=now, cause=Cause.DEADLINE)


def _deadline_at(record: Record, _: TrackingPlan) -> datetime | None:
    return None if record.is_concluded else record.verdict.deadline_at


def _time_out(record: Record, now: datetime) -> Record:
    return decisions.time_out(record, at=now)


def _give_up_late_files(record: Record, now: datetime) -> Record:
    return record_edits.give_up_files(record, LossReason.NOT_DELIVERED, at=now, only=ArtifactState.EXPECTED)


def _poll_start_at(record: Record, plan: TrackingPlan) -> datetime | None:
    return None if record.is_concluded else times.poll_from(record, plan)


def _miss_details(record: Record, now: datetime) -> Record:
    is_missing = record.reads.snapshot is not None and record.reads.snapshot.lacks_details
    return record_edits.add_attention(record, Attention.DETAILS_MISSING, at=now) if is_missing else record


TIMERS: Final = (
    Timer(
        TimerName.REGISTRATION_GRACE,
        at=_ask_for_registration_at,
        effect=_ask_for_registration,
        sentence="a person is asked to look, since no backend has registered it",
    ),
    Timer(
        TimerName.CONFIRMATION_WINDOW,
        at=times.announcements_judged_at,
        needs_last_read=True,
        effect=_close_confirmation_window,
        sentence="the window for confirming the announced end closes",
    ),
    Timer(
        TimerName.UNKNOWN_TO_PROVIDER,
        at=times.unknown_from,
        effect=_mark_unknown,
        sentence="it ends, since the provider does not know it",
    ),
    Timer(
        TimerName.REFERENCE_NOT_FOUND,
        at=times.reference_doubted_at,
        effect=_doubt_reference,
        sentence="the backend is asked to compare the reference, since the provider does not know it",
    ),
    Timer(
        TimerName.REVIEW_DEADLINE,
        at=times.review_until,
        needs_last_read=True,
        effect=_expire_review,
        sentence="the review deadline ends it",
    ),
    Timer(
        TimerName.DELETION,
        at=times.deletion_at,
        needs_last_read=True,
        effect=_mark_deleted,
        sentence="it counts as deleted, since the provider no longer knows it",
    ),
    Timer(
        TimerName.DEADLINE,
        at=_deadline_at,
        needs_last_read=True,
        effect=_time_out,
        sentence="our deadline ends it",
    ),
    Timer(
        TimerName.LATE_FILES,
        at=times.late_files_until,
        effect=_give_up_late_files,
        sentence="we stop waiting for late files",
    ),
    Timer(TimerName.POLL_START, at=_poll_start_at, sentence="we start to ask the provider"),
    Timer(
        TimerName.ANSWER,
        at=times.answer_awaited_until,
        sentence="we stop asking the provider about the late callback",
    ),
    Timer(TimerName.REPLAY, at=times.replay_from, sentence="the provider is asked to send its callback again"),
    Timer(
        TimerName.REPLAY_ANSWER,
        at=lambda record, _: times.replay_answered_until(record),
        effect=_miss_details,
        sentence="we stop waiting for the callback that we asked for again",
    ),
)
"""In the order in which timers that are due at the same time are applied.

An end that callbacks announced comes before what would end the verification without a verdict. The effect of one row
may take the next row's time away.
"""

SENTENCES: Final[Mapping[str, str]] = {timer.name: timer.sentence for timer in TIMERS}


def timers(record: Record, plan: TrackingPlan) -> Mapping[TimerName, datetime]:
    """Return the timers that are set, with their times. Some may have passed and still wait for a last read."""
    return {timer.name: at for timer in TIMERS if (at := timer.at(record, plan)) is not None}


def apply_timers(record: Record, plan: TrackingPlan, *, now: datetime, read_at: datetime | None) -> Record:
    """Return the record after every timer that is due at `now`.

    `read_at` is when the newest answered read was made; None if no read was answered, or while one is under way.
    """
    for timer in TIMERS:
        is_ready = timer.is_due(record, plan, now) and not timer.lacks_read(record, plan, read_at)
        if timer.effect is not None and is_ready:
            record = timer.effect(record, now)
    return record


def wants_last_read(record: Record, plan: TrackingPlan, *, now: datetime, read_at: datetime | None) -> bool:
    """Whether a timer is due whose effect waits for a read that has not been made."""
    return any(timer.is_due(record, plan, now) and timer.lacks_read(record, plan, read_at) for timer in TIMERS)
