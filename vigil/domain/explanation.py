"""Explains why a verification is pending, what happens next and when, and who must act."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from vigil.domain.models import StrictModel
from vigil.domain.summary import Summary
from vigil.domain.terms import Actor, ArtifactState, Attention, Instant, Stage, Word, who_acts
from vigil.domain.timers import SENTENCES, TimerName
from vigil.domain.tracking_plan import TrackingPlan, spoken

SILENT_WORKER: Final = timedelta(seconds=75)
"""A waiting worker asks the server at least once a minute. After a longer silence there is no worker."""
STORAGE_AWAY: Final = "StorageUnavailable"
"""The error type of an activity that could not use storage."""
RECORD_NOT_READABLE: Final = "record_not_readable"
"""The error type of an activity that met a record which this release cannot read."""
STUCK_TASK: Final = timedelta(seconds=10)


class PendingStep(StrictModel):
    """One activity that the server holds for us."""

    step: str
    queue: str
    attempt: int
    is_running: bool
    scheduled_at: Instant | None = None
    next_at: Instant | None = None
    last_answer: str | None = None
    """The coded reason why its last attempt failed."""


class PendingTask(StrictModel):
    """The workflow task that the server holds for us."""

    attempt: int
    is_running: bool
    since: Instant


class Queue(StrictModel):
    """A task queue, and when a worker last asked it for work (None: not within the server's memory, some minutes)."""

    name: str
    last_asked_at: Instant | None


class Interruption(StrictModel):
    """The end of a run in Temporal before the verification was complete: `terminated`, `canceled`, `failed` ..."""

    run: Word
    status: Word


class Situation(StrictModel):
    """Everything that the Temporal server shows of a verification."""

    summary: Summary | None
    is_open: bool
    is_unreadable: bool = False
    """Whether there is a summary that this release cannot read, since a later one published it."""
    steps: tuple[PendingStep, ...] = ()
    task: PendingTask | None = None
    queues: tuple[Queue, ...] = ()
    interruption: Interruption | None = None
    """How the newest run ended, if it was ended in Temporal."""

    @property
    def is_interrupted(self) -> bool:
        """Whether the verification is not complete, and no run follows it."""
        return self.interruption is not None and (self.summary is None or self.summary.stage != Stage.COMPLETE)


class Explanation(StrictModel):
    """What an operator reads about a verification."""

    sentence: str
    next_event: str | None
    next_at: Instant | None
    actor: Actor | None
    cause: Literal["ours", "theirs", "nobody"]
    notes: tuple[str, ...] = ()


_WAITS_FOR: Final = {
    Stage.AWAITING_APPLICANT: (Actor.APPLICANT, "the applicant has not finished"),
    Stage.PROCESSING: (Actor.PROVIDER, "the provider is working"),
    Stage.IN_REVIEW: (Actor.REVIEWER, "a reviewer at the provider is looking at it"),
    Stage.UNRECOGNISED: (Actor.OPERATOR, "the provider's status is not in our tables"),
}

_ADVICE: Final = {
    Attention.UNRECOGNISED_WORD: "the provider's status is not in our tables",
    Attention.CONTRADICTION: "callbacks announced an end that the provider's answers do not show",
    Attention.UNCONFIRMED_END: "the end was taken from a callback; no read could confirm it",
    Attention.SECOND_FINAL: "the provider gave two different final answers",
    Attention.NEVER_REGISTERED: "no backend has registered it",
    Attention.CORRELATION_MISMATCH: "a callback came with another correlation than the registered one",
    Attention.COORDINATE_MISMATCH: "a callback named other coordinates than the registration or another callback",
    Attention.QUARANTINED: "a callback is authentic, and we cannot read it",
    Attention.UNPROVEN_CALLBACKS: "callbacks arrive without proof that the provider sent them",
    Attention.PROVIDER_REFUSES_US: "the provider refuses our credentials: fix the account's settings",
    Attention.PROVIDER_UNREACHABLE: "the provider has given no usable answer for a while",
    Attention.REPLY_UNPROVEN: "the provider's answer does not carry a valid signature",
    Attention.OVERDUE_APPLICANT: "the applicant did not finish in time",
    Attention.OVERDUE_REVIEW: "the review did not end in time",
    Attention.SILENCE: "the provider never reported an end",
    Attention.EVIDENCE_LOST: "a file that was wanted will not come",
    Attention.DETAILS_MISSING: "the callback that explains the verdict was requested again and did not arrive",
    Attention.RECORDING_UNADDRESSED: "the provider announces a recording and no name under which it can be downloaded",
    Attention.MESSAGE_NOT_SENT: (
        "a message that the provider asked us to send was not sent, or may not have been: the timeline says why,"
        " and [messages] sms and email in the settings say through whom"
    ),
    Attention.MESSAGE_FIELDS_UNKNOWN: "a message that the provider asked us to send has fields that we do not know",
    Attention.DISAGREES_WITH_PERSON: "the provider's verdict differs from the person's decision",
    Attention.CONFLICTING_REGISTRATION: "it was registered twice, with different values",
    Attention.DISAPPEARED: "the provider no longer knows it",
    Attention.UNREADABLE_SIGNAL: "a registration or report came that this release of the worker cannot read",
}


def what_attention_means(reason: Attention | Word) -> str:
    """Say in a clause why a person should look."""
    if isinstance(reason, Attention):
        return _ADVICE[reason]
    return "a reason of a later release, which this release does not know"


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
        is_silent = queue.last_asked_at is None or now - queue.last_asked_at > SILENT_WORKER
        holds_work = queue.name in needed or (waiting and queue is situation.queues[0])
        if is_silent or (holds_work and waiting):
            return _silence(queue, now)
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


def _silence(queue: Queue, now: datetime) -> str:
    if queue.last_asked_at is None:
        return f"no worker polls `{queue.name}`: start a worker"
    return f"no worker has polled `{queue.name}` for {spoken(now - queue.last_asked_at)}: start a worker"


def _ended(situation: Situation, notes: tuple[str, ...]) -> Explanation:
    verdict = _verdict(situation.summary) if situation.summary else ""
    how = situation.interruption.status if situation.interruption else ""
    is_interrupted = situation.is_interrupted
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


def _concluded(
    situation: Situation, summary: Summary, *, plan: TrackingPlan, now: datetime, notes: tuple[str, ...]
) -> Explanation:
    waiting = sum(summary.evidence.get(state, 0) for state in (ArtifactState.AVAILABLE, ArtifactState.EXPECTED))
    to_come = {0: "no file is still to come", 1: "1 file is still to come"}
    parts = (
        f"it is concluded ({_verdict(summary)})",
        to_come.get(waiting, f"{waiting} files are still to come"),
        _late_polls(summary, plan, now),
    )
    last = (now, "the files are downloaded" if waiting else "it completes")
    next_at, next_event = min(_events(situation, summary, now), default=last)
    return Explanation(
        sentence="; ".join(part for part in parts if part),
        next_event=next_event,
        next_at=next_at,
        actor=None,
        cause="nobody",
        notes=notes,
    )


def _verdict(summary: Summary) -> str:
    return " ".join(str(word) for word in (summary.outcome, summary.decision) if word) or "without a verdict"


def _open(
    situation: Situation, summary: Summary, *, plan: TrackingPlan, now: datetime, notes: tuple[str, ...]
) -> Explanation:
    actor, waits = _WAITS_FOR.get(_known_stage(summary), (Actor.PROVIDER, "it is open"))
    troubled = next((reason for reason in summary.attention if reason in _TROUBLES), None)
    if troubled is not None:
        actor, waits = who_acts(troubled), what_attention_means(troubled)
    last = (max(summary.deadline_at, now), SENTENCES[TimerName.DEADLINE])
    next_at, next_event = min((*_events(situation, summary, now), last))
    return Explanation(
        sentence=f"{waits}; {_polls(summary, plan, now)}",
        next_event=next_event,
        next_at=next_at,
        actor=actor,
        cause="ours" if troubled is Attention.PROVIDER_REFUSES_US else "theirs",
        notes=notes,
    )


_TROUBLES: Final = (Attention.PROVIDER_REFUSES_US, Attention.PROVIDER_UNREACHABLE, Attention.CONTRADICTION)


def _known_stage(summary: Summary) -> Stage:
    """Return the stage; `unrecognised` for a stage that a later release has added."""
    return summary.stage if isinstance(summary.stage, Stage) else Stage.UNRECOGNISED


def _polls(summary: Summary, plan: TrackingPlan, now: datetime) -> str:
    start = (summary.timers or {}).get(TimerName.POLL_START)
    usual = _poll_words(summary, plan)
    if start is not None and now < start:
        usual = f"a callback is awaited until {_clock(start)}, then we ask"
    return _late_polls(summary, plan, now) or usual


def _poll_words(summary: Summary, plan: TrackingPlan) -> str:
    return f"polls go {plan.poll_plan(_known_stage(summary)).words()}"


def _late_polls(summary: Summary, plan: TrackingPlan, now: datetime) -> str:
    """Say how we ask about what callbacks reported and the provider does not confirm; nothing where they agree."""
    window, answer = ((summary.timers or {}).get(name) for name in (TimerName.CONFIRMATION_WINDOW, TimerName.ANSWER))
    if window is not None and window > now:
        return f"an end is announced, so polls go every {spoken(plan.confirmation_every)} until {_clock(window)}"
    if answer is not None and answer > now:
        polls = _poll_words(summary, plan)
        return f"the provider does not explain a late callback, so {polls} until {_clock(answer)}"
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
    return (*reasons, *steps)


def _clock(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
