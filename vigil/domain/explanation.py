"""Explains why a verification is pending, what happens next and when, and who must act."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from vigil.domain.attention import what_attention_means
from vigil.domain.models import StrictModel
from vigil.domain.notification import NotificationRow, NotificationState
from vigil.domain.situation import PendingStep, Queue, Situation
from vigil.domain.summary import Summary
from vigil.domain.terms import Actor, ArtifactState, Attention, Instant, Stage, who_acts
from vigil.domain.timers import SENTENCES, TimerName
from vigil.domain.tracking_plan import TrackingPlan, spoken
from vigil.domain.waiting_causes import find_cause

SILENT_WORKER: Final = timedelta(seconds=75)
"""A waiting worker asks the server at least once a minute. After a longer silence there is no worker."""
STORAGE_AWAY: Final = "StorageUnavailable"
"""The error type of an activity that could not use storage."""
RECORD_NOT_READABLE: Final = "record_not_readable"
"""The error type of an activity that met a record which this release cannot read."""
STUCK_TASK: Final = timedelta(seconds=10)


class Explanation(StrictModel):
    """What an operator reads about a verification."""

    sentence: str
    next_event: str | None
    next_at: Instant | None
    actor: Actor | None
    cause: Literal["ours", "theirs", "nobody"]
    notes: tuple[str, ...] = ()


def explain(situation: Situation, *, plan: TrackingPlan, now: datetime) -> Explanation:
    """Explain where a verification stands. Our own faults come first: while one lasts, nothing else can happen.

    `next_at` is never before `now`; it is `now` while something runs or is about to.
    """
    notes = _notes(situation)
    if not situation.is_open and (situation.is_interrupted or situation.summary is not None):
        return _ended(situation, notes)
    ours = _our_fault(situation, now)
    if ours is not None:
        return Explanation(
            sentence=ours,
            next_event="storage answers again" if _storage_is_away(situation) else "a worker takes it up",
            next_at=None,
            actor=Actor.OPERATOR,
            cause="ours",
            notes=notes,
        )
    if situation.is_unreadable:
        return _unreadable(notes)
    summary = situation.summary
    if summary is None:
        return Explanation(
            sentence="it has been accepted and no worker has looked at it yet",
            next_event="a worker takes it up",
            next_at=now,
            actor=None,
            cause="nobody",
            notes=notes,
        )
    if summary.outcome is not None:
        return _concluded(situation, summary, plan=plan, now=now, notes=notes)
    return _open(situation, summary, plan=plan, now=now, notes=notes)


def _erased(summary: Summary) -> Explanation:
    at = f" at {_clock(summary.erased_at)}" if summary.erased_at else ""
    return Explanation(
        sentence=f"its data was erased{at}; its verdict is left: {_verdict(summary)}",
        next_event=None,
        next_at=None,
        actor=None,
        cause="nobody",
    )


def _our_fault(situation: Situation, now: datetime) -> str | None:
    task = situation.task
    if task is not None and task.attempt > 1:
        since = f"{task.attempt - 1} times since {_clock(task.since)}"
        return f"its workflow task has failed {since}: look at the worker's log"
    if _storage_is_away(situation):
        return "storage gives no usable answer: fix it, or look at [storage] url"
    if any(step.last_answer == RECORD_NOT_READABLE for step in situation.steps):
        return "a later release wrote its record, and the workers cannot read it: roll the workers forward"
    waiting = task is not None and not task.is_running and now - task.since > STUCK_TASK
    needed = {step.queue for step in situation.steps if not step.is_running and (step.next_at or now) <= now}
    for queue in situation.queues:
        holds_work = queue.name in needed or (waiting and queue is situation.queues[0])
        silence = _silence(queue, now) if holds_work and waiting else find_silence(queue, now)
        if silence is not None:
            return silence
    return None


def _unreadable(notes: tuple[str, ...]) -> Explanation:
    return Explanation(
        sentence="a later release published its state, and this one cannot read it: roll this process forward",
        next_event=None,
        next_at=None,
        actor=Actor.OPERATOR,
        cause="ours",
        notes=notes,
    )


def _storage_is_away(situation: Situation) -> bool:
    return any(step.last_answer == STORAGE_AWAY for step in situation.steps)


def find_silence(queue: Queue, now: datetime) -> str | None:
    """Say why no worker takes work from a queue, and how to repair it; None: a worker takes it."""
    if queue.last_asked_at is not None and now - queue.last_asked_at <= SILENT_WORKER:
        return None
    if not queue.idle_builds:
        return _silence(queue, now)
    builds, repair = " and ".join(queue.idle_builds), f"run `vigil deploy current {queue.idle_builds[-1]}`"
    if queue.current_build is None:
        return f"no build is current, so the workers of {builds} get no work from `{queue.name}`: {repair}"
    current = (
        f"no worker of the current build {queue.current_build} polls `{queue.name}`, and those of {builds} get no work"
    )
    return f"{current}: start its workers, or {repair}"


def _silence(queue: Queue, now: datetime) -> str:
    if queue.last_asked_at is None:
        return f"no worker polls `{queue.name}`: start a worker"
    return f"no worker has polled `{queue.name}` for {spoken(now - queue.last_asked_at)}: start a worker"


def _ended(situation: Situation, notes: tuple[str, ...]) -> Explanation:
    if situation.summary is not None and situation.summary.erased_at is not None:
        return _erased(situation.summary)
    verdict = _verdict(situation.summary) if situation.summary else ""
    how = situation.interruption.status if situation.interruption else ""
    is_interrupted = situation.is_interrupted
    if not is_interrupted and situation.owed:
        return _owing(situation.owed, f"it is complete: {verdict}", notes)
    return Explanation(
        sentence=f"its workflow was ended in Temporal ({how}), and nothing follows it: command a `poll`"
        if is_interrupted
        else f"it is complete: {verdict}",
        next_event="the next callback, command or registration continues it" if is_interrupted else None,
        next_at=None,
        actor=Actor.OPERATOR if is_interrupted else None,
        cause="ours" if is_interrupted else "nobody",
        notes=notes,
    )


def _owing(owed: Sequence[NotificationRow], state: str, notes: tuple[str, ...]) -> Explanation:
    """Explain a verification that has its verdict, while an endpoint does not have it yet."""
    coming = sorted(row.next_at for row in owed if row.state == NotificationState.PENDING and row.next_at)
    is_pending = any(row.state == NotificationState.PENDING for row in owed)
    return Explanation(
        sentence=f"{state}; {_name_owed(owed)}",
        next_event="the notification is tried again" if is_pending else None,
        next_at=coming[0] if coming else None,
        actor=Actor.BACKEND,
        cause="theirs",
        notes=notes,
    )


def _name_owed(owed: Sequence[NotificationRow]) -> str:
    """Say which endpoints do not have the verdict; nothing if all have it."""
    is_pending = any(row.state == NotificationState.PENDING for row in owed)
    names = ", ".join(dict.fromkeys(f"`{row.endpoint}`" for row in owed))
    return f"{names} {'has not been' if is_pending else 'will not be'} notified" if names else ""


def _describe_owed(row: NotificationRow) -> str:
    about = f"notification of {row.subject} to `{row.endpoint}`: {str(row.state).replace('_', ' ')}"
    attempts = f"{row.attempts} attempts" if row.attempts else ""
    answer = f"last answer {row.answer}" if row.answer else ""
    next_try = f"next at {_clock(row.next_at)}" if row.next_at else ""
    return ", ".join(part for part in (about, attempts, answer, next_try) if part)


def _concluded(
    situation: Situation, summary: Summary, *, plan: TrackingPlan, now: datetime, notes: tuple[str, ...]
) -> Explanation:
    waiting = sum(summary.evidence.get(state, 0) for state in (ArtifactState.AVAILABLE, ArtifactState.EXPECTED))
    to_come = {0: "no file is still to come", 1: "1 file is still to come"}
    parts = (
        f"it is concluded ({_verdict(summary)})",
        to_come.get(waiting, f"{waiting} files are still to come"),
        _late_polls(summary, plan, now),
        _name_owed(situation.owed),
    )
    if Attention.UNREADABLE_SIGNAL in summary.attention:
        return Explanation(
            sentence="; ".join((parts[0], what_attention_means(Attention.UNREADABLE_SIGNAL))),
            next_event="a worker of a later release reads it",
            next_at=None,
            actor=Actor.OPERATOR,
            cause="ours",
            notes=notes,
        )
    last = (now, "the files are downloaded" if waiting else "it completes")
    next_at, next_event = min(_events(situation, summary, now), default=last)
    return Explanation(
        sentence="; ".join(part for part in parts if part),
        next_event=next_event,
        next_at=next_at,
        actor=Actor.BACKEND if situation.owed else None,
        cause="theirs" if situation.owed else "nobody",
        notes=notes,
    )


def _verdict(summary: Summary) -> str:
    return " ".join(str(word) for word in (summary.outcome, summary.decision) if word) or "without a verdict"


def _open(
    situation: Situation, summary: Summary, *, plan: TrackingPlan, now: datetime, notes: tuple[str, ...]
) -> Explanation:
    cause, waits = find_cause(situation, summary, now=now)
    last = (max(summary.deadline_at, now), SENTENCES[TimerName.DEADLINE])
    next_at, next_event = min((*_events(situation, summary, now), last))
    return Explanation(
        sentence=f"{waits}; {_polls(summary, plan, now)}",
        next_event=next_event,
        next_at=next_at,
        actor=cause.actor,
        cause="ours" if cause.is_ours else "theirs",
        notes=notes,
    )


def _known_stage(summary: Summary) -> Stage:
    """Return the stage; `unrecognised` for a stage that a later release has added."""
    return summary.stage if isinstance(summary.stage, Stage) else Stage.UNRECOGNISED


def _polls(summary: Summary, plan: TrackingPlan, now: datetime) -> str:
    start, window = (_timer(summary, name) for name in (TimerName.POLL_START, TimerName.CONFIRMATION_WINDOW))
    if window is not None and now < window:
        return _confirming_polls(plan, window)
    if start is not None and now < start:
        return f"a callback is awaited until {_clock(start)}, then we ask"
    return _poll_words(summary, plan)


def _timer(summary: Summary, name: TimerName) -> datetime | None:
    return (summary.timers or {}).get(name)


def _poll_words(summary: Summary, plan: TrackingPlan) -> str:
    return f"polls go {plan.poll_plan(_known_stage(summary)).words()}"


def _confirming_polls(plan: TrackingPlan, window: datetime) -> str:
    return f"polls go every {spoken(plan.confirmation_every)} until {_clock(window)}"


def _late_polls(summary: Summary, plan: TrackingPlan, now: datetime) -> str:
    """Say how we ask about what late callbacks reported and the provider does not show; nothing where they agree."""
    window, answer = (_timer(summary, name) for name in (TimerName.CONFIRMATION_WINDOW, TimerName.ANSWER))
    if window is not None and window > now:
        return f"an end is announced, so {_confirming_polls(plan, window)}"
    if answer is not None and answer > now:
        return f"the provider does not explain a late callback, so {_poll_words(summary, plan)} until {_clock(answer)}"
    return ""


def _events(situation: Situation, summary: Summary, now: datetime) -> Sequence[tuple[datetime, str]]:
    steps = [(_time_of(step, now), _step_words(step)) for step in situation.steps]
    # A newer version may publish a timer that this one does not know.
    coming = [(at, SENTENCES[name]) for name, at in (summary.timers or {}).items() if at > now and name in SENTENCES]
    return (*steps, *coming)


def _step_words(step: PendingStep) -> str:
    if step.step in {"read", "poll"}:
        return "we are asking the provider now" if step.is_running else "we ask the provider"
    return f"{step.step}, attempt {step.attempt + (not step.is_running)}"


def _time_of(step: PendingStep, now: datetime) -> datetime:
    return now if step.is_running or step.next_at is None else max(step.next_at, now)


def _notes(situation: Situation) -> tuple[str, ...]:
    summary = situation.summary
    reasons = [
        f"{reason}: {what_attention_means(reason)} ({who_acts(reason)} acts)"
        for reason in (summary.attention if summary else ())
    ]
    steps = [
        f"{step.step}: attempt {step.attempt}"
        + (", running" if step.is_running else f", next at {_clock(step.next_at)}" if step.next_at else ", waiting")
        + (f", last answer {step.last_answer}" if step.last_answer else "")
        for step in situation.steps
    ]
    return (*reasons, *steps, *map(_describe_owed, situation.owed))


def _clock(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
