"""What is due next in a verification's watch, and what of it is published: pure functions of record and plan."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from vigil.domain.evidence import UNLISTED, count_states
from vigil.domain.record import Record, Replay
from vigil.domain.snapshot import Answer
from vigil.domain.summary import Summary
from vigil.domain.terms import ArtifactState, Attention, Basis, LossReason, Outcome, latest
from vigil.domain.tracking_plan import TrackingPlan


class TimerName(StrEnum):
    """Something that happens by time alone."""

    POLLING = "polling"
    """The callback is overdue: start to poll."""
    GRACE = "grace"
    """Nobody registered it in time."""
    WINDOW = "window"
    """No read confirmed in time what callbacks announced."""
    DELETED = "deleted"
    """What the provider told of before, it has not found for so long that it is deleted."""
    DEADLINE = "deadline"
    """Our own deadline."""
    REVIEW = "review"
    """What waits for somebody at the provider has waited long enough."""
    LATE_FILES = "late_files"
    """Files that have not come by now will not come."""
    ANSWER = "answer"
    """What a late callback was about is not asked any longer."""


def poll_from(record: Record, plan: TrackingPlan) -> datetime:
    """Return when the callback is overdue."""
    return (
        record.subject.registered_at or record.callbacks.first_at or record.opened_at
    ) + plan.callback_expected_within


def grace_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when a backend may still register it without anybody being asked to look."""
    return None if record.is_registered else record.opened_at + plan.registration_grace


def is_denied(record: Record) -> bool:
    """Whether the provider knows no such verification, and never told of one."""
    is_missing = record.reads.last is not None and record.reads.last.answer is Answer.NOT_FOUND
    return is_missing and record.reads.snapshot is None


def confirmation_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when it is read at short intervals, because callbacks announced what no read confirmed."""
    if not record.callbacks.announcements or (record.is_concluded and not plan.finals_may_change):
        return None
    return min(announcement.first_at for announcement in record.callbacks.announcements) + plan.confirmation_window


def window_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return when the announcements of callbacks are judged; None if there are none, or if that has been done."""
    is_judged = any(note.reason is Attention.CONTRADICTION for note in record.attention)
    return confirmation_until(record, plan) if record.is_concluded or not is_judged else None


def unknown_from(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return when a verification counts as unknown to the provider, which denies it; None while it does not count.

    Announcements of callbacks are judged first, so that an end that they announce is not lost.
    """
    may_count = is_denied(record) and not record.is_concluded and window_until(record, plan) is None
    return grace_until(record, plan) if may_count else None


def review_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when somebody at the provider is waited for, where it is told what becomes of it without them."""
    if record.is_concluded or record.reads.snapshot is None or record.reads.snapshot.review_expires_to is None:
        return None
    return record.verdict.review_deadline_at or record.verdict.stage_entered_at + plan.review_deadline


def has_been_told(record: Record) -> bool:
    """Whether the last question was answered with where it stands."""
    return record.reads.last is not None and record.reads.last.answer is Answer.TOLD


def replay_wanted(record: Record, plan: TrackingPlan) -> Replay | None:
    """Return what a callback must be asked for again for, each once; None where nothing is missing."""
    if not plan.details_in_callbacks or not record.is_concluded or record.reads.snapshot is None:
        return None
    has_expired = any(row.loss is LossReason.LINK_EXPIRED for row in record.evidence)
    missing = {Replay.DETAILS: record.reads.snapshot.lacks_details, Replay.LINKS: has_expired}
    return next(
        (what for what, is_missing in missing.items() if is_missing and what not in record.reads.replayed), None
    )


def deleted_at(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return when a verification that the provider no longer knows counts as deleted.

    Announcements of callbacks are judged first.
    """
    answer = record.reads.last.answer if record.reads.last else None
    since = next((note.since for note in record.attention if note.reason is Attention.DISAPPEARED), None)
    must_last = timedelta(0) if answer is Answer.GONE else plan.not_found_is_deleted_after
    if since is None or must_last is None or answer not in {Answer.GONE, Answer.NOT_FOUND}:
        return None
    return latest(since + must_last, confirmation_until(record, plan))


def answer_awaited_until(record: Record, plan: TrackingPlan) -> datetime | None:
    """Return until when we go on asking what a late callback was about, while the provider does not say."""
    heard_at, decided_at = record.callbacks.last_at, record.verdict.decided_at
    # What a person has decided no answer would change.
    if not record.is_concluded or record.verdict.basis is Basis.PERSON or heard_at is None or decided_at is None:
        return None
    is_silent = _is_troubled(record) or (record.reads.last is not None and record.reads.last.answer is Answer.NOT_READY)
    return heard_at + plan.late_files_within if is_silent and heard_at > decided_at else None


def is_settled(record: Record, plan: TrackingPlan, now: datetime) -> bool:
    """Whether it has an outcome, and nothing more is to be done about any file or late callback."""
    has_all = record.is_concluded and all(row.is_settled for row in record.evidence)
    # A window that is over has yet to be judged.
    return has_all and confirmation_until(record, plan) is None and not wants_poll(record, plan, now)


def rechecks_due(record: Record, plan: TrackingPlan, now: datetime) -> tuple[datetime, ...]:
    """Return when a verdict is to be read again; nothing for one that neither the provider nor a person told."""
    is_ours_alone = record.verdict.outcome in {Outcome.TIMED_OUT, Outcome.UNKNOWN_TO_PROVIDER, Outcome.WITHDRAWN}
    if record.verdict.decided_at is None or is_ours_alone:
        return ()
    return tuple(at for age in plan.reopens if (at := record.verdict.decided_at + age) > now)


def timers(record: Record, plan: TrackingPlan) -> Mapping[TimerName, datetime]:
    """Return what is due by time alone, with its time. What has been done about already is not due again."""
    if record.is_concluded:
        waiting = any(row.state is ArtifactState.EXPECTED for row in record.evidence)
        files_at = (record.verdict.decided_at or record.opened_at) + plan.late_files_within if waiting else None
        has_all = all(row.is_settled for row in record.evidence)
        by_then = {
            TimerName.LATE_FILES: files_at,
            TimerName.ANSWER: answer_awaited_until(record, plan),
            TimerName.WINDOW: confirmation_until(record, plan),
            TimerName.DELETED: None if has_all else deleted_at(record, plan),
        }
        return {due: at for due, at in by_then.items() if at is not None}
    raised = {note.reason for note in record.attention}
    due = {TimerName.POLLING: poll_from(record, plan), TimerName.DEADLINE: record.verdict.deadline_at}
    grace = grace_until(record, plan)
    # A person is asked to look at an adopted verification from the start. The end of its grace still counts where the
    # provider denies it.
    if grace is not None and (Attention.NEVER_REGISTERED not in raised or unknown_from(record, plan) is not None):
        due[TimerName.GRACE] = grace
    window = window_until(record, plan)
    if window is not None:
        due[TimerName.WINDOW] = window
    review = review_until(record, plan)
    if review is not None:
        due[TimerName.REVIEW] = review
    gone_at = deleted_at(record, plan)
    if gone_at is not None:
        due[TimerName.DELETED] = gone_at
    return due


def wants_poll(record: Record, plan: TrackingPlan, now: datetime) -> bool:
    """Whether a poll should be asking, beside whatever callbacks bring."""
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


def summary(record: Record, plan: TrackingPlan) -> Summary:
    """Return what of a record is published in the workflow's memo."""
    return Summary(
        account=record.key.account,
        provider=record.provider,
        environment=record.environment,
        applicant=record.subject.registration.applicant if record.subject.registration else None,
        sender=record.subject.sender,
        stage=record.verdict.stage,
        decision=record.verdict.decision,
        outcome=record.verdict.outcome,
        basis=record.verdict.basis,
        revision=record.verdict.revision,
        sequence=record.sequence,
        registered=record.is_registered,
        fingerprint=record.subject.registration.fingerprint if record.subject.registration else {},
        attention=tuple(note.reason for note in record.attention),
        steps=record.steps,
        evidence=count_states(record.evidence),
        opened_at=record.opened_at,
        stage_entered_at=record.verdict.stage_entered_at,
        poll_from=poll_from(record, plan),
        deadline_at=record.verdict.deadline_at,
        grace_until=grace_until(record, plan),
        confirmation_until=confirmation_until(record, plan),
        review_until=review_until(record, plan),
        heard=record.callbacks.received,
        last_heard_at=record.callbacks.last_at,
    )
