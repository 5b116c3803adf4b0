"""When we ask: the poll plan and the other times of a watch, as pure functions of data."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from vigil.domain.models import StoredModel
from vigil.domain.terms import Stage

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


class PollStep(StoredModel):
    """Ask `every` so often while the stage is younger than `until` (None: for ever)."""

    until: timedelta | None
    every: timedelta


class PollPlan(StoredModel):
    """How often to ask in one stage: steps that widen with the age of the stage."""

    steps: tuple[PollStep, ...]

    @classmethod
    def of(cls, *steps: tuple[timedelta | None, timedelta]) -> "PollPlan":
        """Return the plan with these steps, each given as `until` and `every`."""
        return cls(steps=tuple(PollStep(until=until, every=every) for until, every in steps))

    def every(self, age: timedelta) -> timedelta:
        """Return the interval for a stage of this age."""
        for step in self.steps:
            if step.until is None or age < step.until:
                return step.every
        return self.steps[-1].every

    def after(self, polls: int, *, since: datetime, entered_at: datetime) -> datetime:
        """Return when so many polls have followed a read made at `since`, for a stage entered at `entered_at`."""
        at = since
        for _ in range(polls):
            at += self.every(at - entered_at)
        return at

    def words(self) -> str:
        """Say the plan in a few words, such as `every 5 min, then 1 h`."""
        return "every " + ", then ".join(spoken(step.every) for step in self.steps)


class TrackingPlan(StoredModel):
    """The times of one verification's watch. All have defaults; accounts and verifications may override them."""

    callback_expected_within: timedelta = 15 * MINUTE
    min_read_interval: timedelta = timedelta(seconds=5)
    confirmation_window: timedelta = 30 * MINUTE
    confirmation_every: timedelta = MINUTE
    registration_grace: timedelta = 15 * MINUTE
    unreachable_after: timedelta = 15 * MINUTE
    longest_retry_after: timedelta = HOUR
    deadline: timedelta = 14 * DAY
    deadline_lag: timedelta = timedelta(0)
    late_files_within: timedelta = 2 * DAY
    download_within: timedelta = 3 * DAY
    files_may_lag: timedelta = 30 * MINUTE
    finals_may_change: bool = False
    review_deadline: timedelta = 7 * DAY
    details_in_callbacks: bool = False
    replay_answered_within: timedelta | None = None
    """How long a callback that was asked for again is awaited, and counts as the answer; None: it is not awaited."""
    reopens: tuple[timedelta, ...] = ()
    """Ages of a verdict at which it is read again, since the callback of a reopening may be lost."""
    not_found_is_deleted_after: timedelta | None = None
    """How long one that was read before must not be found to count as deleted; None: it never does."""
    not_found_polls: int = Field(
        10, ge=1, description="after how many polls that do not find a registered reference its backend should look"
    )
    polls: Mapping[Stage, PollPlan]

    def poll_plan(self, stage: Stage) -> PollPlan:
        """Return the plan for a stage; a stage without its own is asked about like one in processing."""
        return self.polls.get(stage) or self.polls[Stage.PROCESSING]

    def found_within(self) -> timedelta:
        """How long after the event a poll finds it when its only callback was lost, at first."""
        return self.callback_expected_within + max(plan.steps[0].every for plan in self.polls.values()) * (1 + JITTER)


def plan_for(sender: str | None, plans: Mapping[str, TrackingPlan], default_sender: str) -> TrackingPlan:
    """Return the plan for a sender; the default one's where the sender is not known."""
    return plans.get(sender or default_sender, plans[default_sender])


JITTER: Final = 0.1


def wait_before_poll(plan: PollPlan, *, entered_at: datetime, now: datetime, seed: str) -> timedelta:
    """Return how long to wait after a read made at `now`.

    A pure function: the jitter (up to a tenth, so that many verifications do not ask in step) comes from a digest
    of `seed` and the time, never from a random source.
    """
    spread = hashlib.sha256(f"{seed}|{now.isoformat()}".encode()).digest()[0] / 255
    return plan.every(now - entered_at) * (1 + JITTER * spread)


def spoken(duration: timedelta) -> str:
    """Say a duration in its largest fitting unit, such as `5 min`, `1 h` or `0.2 s`."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (timedelta(seconds=1), "s")):
        if duration >= unit:
            return f"{duration / unit:.3g} {name}"
    return f"{duration.total_seconds():.2g} s"
