"""The reads that a verification has under way: at most one that something caused, and at most one poll."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError
from vigil.domain.record import Record
from vigil.domain.snapshot import Answer, ReadResult
from vigil.domain.terms import Name
from vigil.domain.times import confirmation_until, wants_poll
from vigil.domain.tracking_plan import TrackingPlan, spoken
from vigil.domain.verdict import Cause
from vigil.temporal import messages

from workflows import options


class ProviderReads:
    """Starts reads, polls and replays, and gathers their answers. Calls `notify` whenever one of them has ended."""

    def __init__(self, path: str, account: Name, notify: Callable[[], None]) -> None:
        self._path = path
        self._queue = messages.provider_queue(account)
        self._notify = notify
        self._requested: Cause | None = None
        self._read: workflow.ActivityHandle[ReadResult] | None = None
        self._cause = Cause.CALLBACK
        self._traceparent: str | None = None
        self._started_at: datetime | None = None
        self._poll: workflow.ActivityHandle[ReadResult] | None = None
        self._polled: messages.PollInput | None = None
        self._replay: workflow.ActivityHandle[None] | None = None

    @property
    def is_reading(self) -> bool:
        """Whether a read is under way."""
        return self._read is not None

    @property
    def is_requested(self) -> bool:
        """Whether a read is requested that has not started."""
        return self._requested is not None

    @property
    def is_read_pending(self) -> bool:
        """Whether a read is requested or under way."""
        return self.is_requested or self.is_reading

    @property
    def pending_cause(self) -> Cause | None:
        """The cause of the read that is requested or under way; of both, the stronger one."""
        under_way = self._cause if self.is_reading else None
        return under_way.or_stronger(self._requested) if under_way else self._requested

    @property
    def is_replaying(self) -> bool:
        """Whether the provider is being asked to call back again."""
        return self._replay is not None and not self._replay.done()

    @property
    def answered_at(self) -> datetime | None:
        """When the newest answered read was started; None before the first, and while a read is under way."""
        return None if self.is_reading else self._started_at

    def next_at(self, plan: TrackingPlan) -> datetime | None:
        """Return when the requested read may start; None if no read is requested, or while one is under way."""
        if self._requested is None or self.is_reading:
            return None
        return workflow.now() if self._started_at is None else self._started_at + plan.min_read_interval

    def request(self, cause: Cause, traceparent: str | None = None) -> None:
        """Request a read. It starts when the minimal interval between reads has passed."""
        self._requested = cause.or_stronger(self._requested)
        self._traceparent = traceparent or self._traceparent

    def start(self, record: Record, plan: TrackingPlan) -> None:
        """Start the requested read if its time has come, and start, replace or stop the poll."""
        now, next_at = workflow.now(), self.next_at(plan)
        if self._requested is not None and next_at is not None and next_at <= now:
            self._start_read(record, plan, self._requested)
        if not wants_poll(record, plan, now):
            self.stop_polling()
        elif not self.is_read_pending:  # the answer to a read decides what is polled for
            self._start_poll(record, plan)

    def replay(self, record: Record, plan: TrackingPlan) -> None:
        """Ask the provider to call back again. What comes of it is a callback, and no answer."""
        self._replay = workflow.start_activity(
            messages.REPLAY,
            messages.ReadInput(path=self._path, question=record.question(plan)),
            task_queue=self._queue,
            start_to_close_timeout=options.READ_TIMEOUT,
            schedule_to_close_timeout=options.REPLAY_WITHIN,
            retry_policy=options.read_retry(plan),
            priority=options.URGENT,
            summary=f"Ask `{record.key.account}` to call back again",
        )
        self._replay.add_done_callback(self._end)

    def stop_polling(self) -> None:
        """Cancel the poll."""
        if self._poll is not None:
            self._poll.cancel()
        self._poll = self._polled = None

    def take_answers(self) -> list[tuple[ReadResult, Cause]]:
        """Return the answers that have arrived, each once, with the cause of each read."""
        answers: list[tuple[ReadResult, Cause]] = []
        if self._read is not None and self._read.done():
            answers.append((_answer_of(self._read), self._cause))
            self._read = None
        if self._poll is not None and self._poll.done():
            answers.append((_answer_of(self._poll), Cause.POLL))
            self._poll = self._polled = None
        return answers

    def _end(self, handle: workflow.ActivityHandle[Any]) -> None:
        """Look at the failure of what has ended. Nobody else does for a poll that was stopped, which is no error."""
        if not handle.cancelled():
            handle.exception()
        self._notify()

    def _start_read(self, record: Record, plan: TrackingPlan, cause: Cause) -> None:
        self._requested, self._cause, self._started_at = None, cause, workflow.now()
        traceparent, self._traceparent = self._traceparent, None
        self._read = workflow.start_activity(
            messages.READ,
            messages.ReadInput(path=self._path, question=record.question(plan), traceparent=traceparent),
            task_queue=self._queue,
            result_type=ReadResult,
            start_to_close_timeout=options.READ_TIMEOUT,
            schedule_to_close_timeout=plan.unreachable_after + options.READ_TIMEOUT,
            retry_policy=options.read_retry(plan),
            # Thousands of rechecks may be due at the same time. A callback must not wait behind them.
            priority=options.ROUTINE if cause in {Cause.RECHECK, Cause.DISCOVERY} else options.URGENT,
            summary=f"Read it at `{record.key.account}` now",
        )
        self._read.add_done_callback(self._end)

    def _start_poll(self, record: Record, plan: TrackingPlan) -> None:
        poll = messages.PollInput(
            path=self._path,
            question=record.question(plan),
            known=record.known,
            stage=record.verdict.stage,
            entered_at=record.verdict.stage_entered_at,
            confirmation_until=confirmation_until(record, plan),
        )
        if self._polled is not None and poll.asks_the_same_as(self._polled):
            return
        self.stop_polling()
        self._polled = poll
        self._poll = workflow.start_activity(
            messages.POLL,
            poll,
            task_queue=self._queue,
            result_type=ReadResult,
            start_to_close_timeout=options.READ_TIMEOUT,
            heartbeat_timeout=options.READ_TIMEOUT,
            retry_policy=options.poll_retry(plan),
            priority=options.ROUTINE,
            summary=_poll_summary(poll, plan, until=record.verdict.deadline_at),
        )
        self._poll.add_done_callback(self._end)


def _answer_of(handle: workflow.ActivityHandle[ReadResult]) -> ReadResult:
    failure = handle.exception()
    if failure is None:
        return handle.result()
    if not isinstance(failure, ActivityError):
        raise failure
    return ReadResult(asked_at=workflow.now(), answer=Answer.UNREACHABLE, word="no_answer_in_time")


def _poll_summary(poll: messages.PollInput, plan: TrackingPlan, until: datetime) -> str:
    often = plan.poll_plan(poll.stage).words()
    if poll.confirmation_until is not None:
        often = f"every {spoken(plan.confirmation_every)} for {spoken(plan.confirmation_window)}, then {often}"
    return f"Poll `{poll.question.key.account}` until the answer changes, {often}, until {until:%d %b %H:%M}"
