"""The questions that a verification has under way: at most one read for rings, and at most one sleeping poll."""

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError
from vigil.domain.record import Record
from vigil.domain.snapshot import Answer, ReadResult
from vigil.domain.terms import Name
from vigil.domain.tracking_plan import TrackingPlan, spoken
from vigil.domain.verdict import Cause
from vigil.temporal import messages

from workflows import options


class ProviderReads:
    """Starts, replaces and gathers the questions. `ring` is called when an answer is there."""

    def __init__(self, path: str, account: Name, notify: Callable[[], None]) -> None:
        self._place = path
        self._queue = messages.provider_queue(account)
        self._notify = notify
        self._read: workflow.ActivityHandle[ReadResult] | None = None
        self._poll: workflow.ActivityHandle[ReadResult] | None = None
        self._polled: messages.PollInput | None = None
        self._cause = Cause.CALLBACK
        self._replay: workflow.ActivityHandle[None] | None = None
        self.read_started_at: datetime | None = None

    @property
    def is_reading(self) -> bool:
        """Whether a read is under way."""
        return self._read is not None

    def read(self, record: Record, plan: TrackingPlan, *, cause: Cause) -> None:
        """Ask at once, beside the poll."""
        self._cause = cause
        self.read_started_at = workflow.now()
        self._read = workflow.start_activity(
            messages.READ,
            messages.ReadInput(path=self._place, question=record.question(plan)),
            task_queue=self._queue,
            result_type=ReadResult,
            start_to_close_timeout=options.READ_TIMEOUT,
            schedule_to_close_timeout=plan.unreachable_after + options.READ_TIMEOUT,
            retry_policy=options.asking_retry(plan),
            # Where thousands of verdicts come of age at once, somebody's callback does not wait behind them.
            priority=options.POLLS if cause in {Cause.RECHECK, Cause.DISCOVERY} else options.RINGS,
            summary=f"Read it at `{record.key.account}` now",
        )
        self._read.add_done_callback(lambda _: self._notify())

    @property
    def is_replaying(self) -> bool:
        """Whether the provider is being asked to call back once more."""
        return self._replay is not None and not self._replay.done()

    def replay(self, record: Record, plan: TrackingPlan) -> None:
        """Have the provider call back once more; whatever comes of it is no answer, but a callback."""
        self._replay = workflow.start_activity(
            messages.REPLAY,
            messages.ReadInput(path=self._place, question=record.question(plan)),
            task_queue=self._queue,
            start_to_close_timeout=options.READ_TIMEOUT,
            schedule_to_close_timeout=options.REPLAY_WITHIN,
            retry_policy=options.asking_retry(plan),
            priority=options.RINGS,
            summary=f"Have `{record.key.account}` call back once more",
        )
        self._replay.add_done_callback(lambda _: self._notify())

    def poll(self, order: messages.PollInput, plan: TrackingPlan, until: datetime) -> None:
        """Have a poll ask until the answer changes; one that asks for something else is replaced."""
        if self._polled is not None and order.asks_the_same_as(self._polled):
            return
        self.stop_polling()
        self._polled = order
        self._poll = workflow.start_activity(
            messages.POLL,
            order,
            task_queue=self._queue,
            result_type=ReadResult,
            start_to_close_timeout=options.READ_TIMEOUT,
            heartbeat_timeout=options.READ_TIMEOUT,
            retry_policy=options.polling_retry(plan),
            priority=options.POLLS,
            summary=_poll_summary(order, plan, until),
        )
        self._poll.add_done_callback(lambda _: self._notify())

    def stop_polling(self) -> None:
        """Take the poll back."""
        if self._poll is not None:
            self._poll.cancel()
        self._poll = self._polled = None

    def answers(self) -> list[tuple[ReadResult, Cause]]:
        """Return the answers that are there, each once."""
        answers: list[tuple[ReadResult, Cause]] = []
        if self._read is not None and self._read.done():
            answers.append((_answer_of(self._read), self._cause))
            self._read = None
        if self._poll is not None and self._poll.done():
            answers.append((_answer_of(self._poll), Cause.POLL))
            self._poll = self._polled = None
        return answers


def _answer_of(handle: workflow.ActivityHandle[ReadResult]) -> ReadResult:
    failure = handle.exception()
    if failure is None:
        return handle.result()
    if not isinstance(failure, ActivityError):
        raise failure
    return ReadResult(asked_at=workflow.now(), answer=Answer.UNREACHABLE, word="no_answer_in_time")


def _poll_summary(order: messages.PollInput, plan: TrackingPlan, until: datetime) -> str:
    often = plan.poll_plan(order.stage).words()
    if order.confirmation_until is not None:
        often = f"every {spoken(plan.confirmation_every)} for {spoken(plan.confirmation_window)}, then {often}"
    return f"Poll `{order.question.key.account}` until the answer changes, {often}, until {until:%d %b %H:%M}"
