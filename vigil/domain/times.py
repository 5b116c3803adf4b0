"""Until when a verification waits for something, and what it still wants: pure functions of record and plan."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from vigil.domain.callback_history import Announcement
from vigil.domain.evidence import UNLISTED
from vigil.domain.record import Record, Replay
from vigil.domain.snapshot import Answer
from vigil.domain.terms import ArtifactState, Attention, Basis, LossReason, Outcome, latest
from vigil.domain.tracking_plan import TrackingPlan


def poll_from(record: Record, plan: TrackingPlan) -> datetime:
    """Return when the callback is overdue, so that polls start."""
    since = record.subject.registered_at or record.callbacks.first_at or record.opened_at
    return since + plan.callback_expected_within


def registration_grace_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when a backend may register a verification before a person is asked; None once it is registered."""
    return None if record.is_registered else record.opened_at + plan.registration_grace


def is_denied(record: Record) -> bool:
    """Whether the provider answered that it knows no such verification, and never answered otherwise."""
    is_missing = record.reads.last is not None and record.reads.last.answer is Answer.NOT_FOUND
    return is_missing and record.reads.snapshot is None


def confirmation_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when polls go at short intervals, because no read has confirmed what callbacks announced."""
    if not record.callbacks.announcements or (record.is_concluded and not plan.finals_may_change):
        return None
    awaited = _unjudged_announcements(record) or record.callbacks.announcements
    return min(announcement.first_at for announcement in awaited) + plan.confirmation_window


def announcements_judged_at(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return when the announcements of callbacks are judged; None if there are none, or if that has been done."""
    return confirmation_until(record, plan) if _unjudged_announcements(record) else None


def _unjudged_announcements(record: Record) -> tuple[Announcement, ...]:
    """Return the announcements that no judgement has left as a contradiction: those since the newest one."""
    notes = (note.since for note in record.attention if note.reason is Attention.CONTRADICTION)
    since = None if record.is_concluded else next(notes, None)
    return tuple(each for each in record.callbacks.announcements if since is None or each.first_at >= since)


def unknown_from(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return when a verification that the provider denies counts as unknown to it; None while it does not count.

    Announcements of callbacks are judged first, so that an end that they announce is not lost.
    """
    may_count = is_denied(record) and not record.is_concluded and announcements_judged_at(record, plan) is None
    return registration_grace_until(record, plan) if may_count else None


def reference_doubted_at(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return when the backend of a verification that the provider never knew should look; None where it need not."""
    since, verdict = record.reads.not_found_since, record.verdict
    is_asked = any(note.reason is Attention.REFERENCE_NOT_FOUND for note in record.attention)
    if since is None or is_asked or record.is_concluded or not record.is_registered:
        return None
    polls = plan.poll_plan(verdict.stage)
    return polls.after(plan.not_found_polls, since=since, entered_at=verdict.stage_entered_at)


def review_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when a reviewer at the provider is waited for; None where nobody says what happens without one."""
    if record.is_concluded or record.reads.snapshot is None or record.reads.snapshot.review_expires_to is None:
        return None
    return record.verdict.review_deadline_at or record.verdict.stage_entered_at + plan.review_deadline


def last_read_has_status(record: Record) -> bool:
    """Whether the provider answered the last read with the verification's status."""
    return record.reads.last is not None and record.reads.last.answer is Answer.ANSWERED


def replay_wanted(record: Record, plan: TrackingPlan) -> Replay | None:
    """Return why the provider should call back again, each reason once; None where nothing is missing."""
    if not plan.details_in_callbacks or not record.is_concluded or record.reads.snapshot is None:
        return None
    return next((what for what in _missing_parts(record) if what not in record.reads.replayed), None)


def replay_answered_until(record: Record) -> datetime | None:
    """Return until when the answer to a replay is awaited; None if nothing is missing that it could bring."""
    is_awaited = record.is_concluded and any(what in record.reads.replayed for what in _missing_parts(record))
    return record.reads.replay_until if is_awaited else None


def _missing_parts(record: Record) -> Iterator[Replay]:
    """Yield what a callback could still bring. No further callback settles a dispute between two."""
    snapshot = record.reads.snapshot
    if snapshot is not None and snapshot.lacks_details and not record.callbacks.is_disputed(snapshot.word):
        yield Replay.DETAILS
    if any(row.loss is LossReason.LINK_EXPIRED for row in record.evidence):
        yield Replay.LINKS


def replay_from(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when a sender may repeat what we did not store; None if no replay waits for it."""
    unstored_at = record.callbacks.unstored_at
    return (
        None if unstored_at is None or replay_wanted(record, plan) is None else unstored_at + plan.confirmation_window
    )


def deletion_at(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return when a verification that the provider no longer knows counts as deleted; None if that changes nothing.

    Announcements of callbacks are judged first.
    """
    has_all = record.is_concluded and all(row.is_settled for row in record.evidence)
    answer = record.reads.last.answer if record.reads.last else None
    since = next((note.since for note in record.attention if note.reason is Attention.DISAPPEARED), None)
    must_last = timedelta(0) if answer is Answer.GONE else plan.not_found_is_deleted_after
    if has_all or since is None or must_last is None or answer not in {Answer.GONE, Answer.NOT_FOUND}:
        return None
    return latest(since + must_last, confirmation_until(record, plan))


def late_files_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when the files of a concluded verification are waited for; None if none is missing."""
    if not record.is_concluded or all(row.state is not ArtifactState.EXPECTED for row in record.evidence):
        return None
    return (record.verdict.decided_at or record.opened_at) + plan.late_files_within


def answer_awaited_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when the provider is asked about a late callback that it does not explain."""
    received_at, decided_at = record.callbacks.last_at, record.verdict.decided_at
    # No answer would change a person's decision.
    if not record.is_concluded or record.verdict.basis is Basis.PERSON or received_at is None or decided_at is None:
        return None
    is_silent = _is_troubled(record) or (record.reads.last is not None and record.reads.last.answer is Answer.NOT_READY)
    return received_at + plan.late_files_within if is_silent and received_at > decided_at else None


def is_settled(record: Record, plan: TrackingPlan, now: datetime) -> bool:
    """Whether it has an outcome, and nothing more is to be done about any file or late callback."""
    has_all = record.is_concluded and all(row.is_settled for row in record.evidence)
    # A confirmation window that has passed has still to be judged.
    waits = any(until is not None for until in (confirmation_until(record, plan), replay_from(record, plan)))
    answered_until = replay_answered_until(record)
    is_answer_awaited = answered_until is not None and now < answered_until
    return has_all and not (waits or is_answer_awaited or wants_poll(record, plan, now))


def rechecks_due(record: Record, plan: TrackingPlan, now: datetime) -> tuple[datetime, ...]:
    """Return when a verdict is read again; nothing for a verdict that is neither the provider's nor a person's."""
    return tuple(at for at in _recheck_times(record, plan) if at > now)


def is_recheck_overdue(record: Record, plan: TrackingPlan, now: datetime) -> bool:
    """Whether a verdict has passed an age at which it is read again, and was not read since."""
    passed = [at for at in _recheck_times(record, plan) if at <= now]
    return bool(passed) and (record.reads.last is None or record.reads.last.asked_at < max(passed))


def _recheck_times(record: Record, plan: TrackingPlan) -> Iterator[datetime]:
    is_ours_alone = record.verdict.outcome in {Outcome.TIMED_OUT, Outcome.UNKNOWN_TO_PROVIDER, Outcome.WITHDRAWN}
    if record.verdict.decided_at is not None and not is_ours_alone:
        yield from (record.verdict.decided_at + age for age in plan.reopens)


def wants_poll(record: Record, plan: TrackingPlan, now: datetime) -> bool:
    """Whether the provider should be polled, in addition to the reads that callbacks cause."""
    if record.is_concluded:
        awaited_until = answer_awaited_until(record, plan)
        is_awaited = any(
            until is not None and now < until for until in (awaited_until, confirmation_until(record, plan))
        )
        listed = (row for row in record.evidence if row.locator != UNLISTED)
        return is_awaited or any(row.state is ArtifactState.EXPECTED for row in listed)
    return _is_troubled(record) or now >= poll_from(record, plan) or confirmation_until(record, plan) is not None


def _is_troubled(record: Record) -> bool:
    troubles = {Answer.REFUSED, Answer.UNPROVEN, Answer.UNREACHABLE}
    return record.reads.last is not None and record.reads.last.answer in troubles
