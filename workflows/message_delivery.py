"""Message delivery: sends one message to an applicant, once, and never after `send_before`."""

from datetime import datetime
from itertools import chain, repeat

from temporalio import exceptions, workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from vigil.domain.message import MessageOutcome, MessageReceived, MessageRequest, MessageResult
    from vigil.domain.models import MessageModel
    from vigil.domain.terms import StorageName
    from vigil.temporal import messages

    from workflows import options
    from workflows.signals import NO_PAYLOAD, Signals

_NOT_SENT = messages.SendAttempt(result=MessageResult.TOO_LATE)
_CUT_OFF = messages.SendAttempt(result=MessageResult.UNKNOWN, why="worker_cut_off", again=True)
"""The next attempt knows whether the gateway is idempotent."""
_PERHAPS_SENT = frozenset({MessageResult.SENT, MessageResult.UNKNOWN})
"""After these results a repeated request within the next minutes must not send again."""


@workflow.defn(name=messages.MESSAGE_DELIVERY_WORKFLOW)
class MessageDeliveryWorkflow:
    """Sends the message, erases its text, notifies the verification, and stays open to absorb repetitions."""

    @workflow.init
    def __init__(self, received: MessageReceived) -> None:
        self._received = received
        self._signals = Signals()
        self._receipts: set[StorageName] = {received.receipt}
        self._repeated_until: datetime | None = None
        self._next: MessageReceived | None = None

    @workflow.run
    async def run(self, received: MessageReceived) -> MessageOutcome:
        """Deliver the message. A failure of the message sender is a result, not an exception."""
        tried = await self._send_in_time()
        order = received.order
        # If it was too late, the time is computed, so that a repeated report is recognised as the same.
        at = order.send_before if tried.result is MessageResult.TOO_LATE else workflow.now()
        noted = MessageOutcome(kind=order.kind, result=tried.result, why=tried.why, at=at)
        is_over = tried.result in _PERHAPS_SENT
        window = order.send_before - order.received_at
        self._repeated_until = at + window if is_over else None
        # A message that was not sent may be requested again, with its own time limit; the relay finds other receipts.
        await (self._forget() if is_over else _erase((received.receipt,)))
        await _step(messages.REPORT_MESSAGE, messages.ReportMessage(order=order, noted=noted), f"Note: {tried.result}")
        if is_over:
            # A repetition that is stored at the end of the window may be signaled a window later.
            await self._take_in_repetitions(at + 2 * window)
        return noted

    @workflow.signal
    def message_received(self, raw: RawValue = NO_PAYLOAD) -> None:
        """Receive one request for the message as a `MessageReceived`, the first included.

        One that cannot be read counts as a repetition of what this run sends. Its receipt stays in the inbox, from
        where the relay signals it again until its time is over; so does that of a second message of its own.
        """
        received = self._signals.read("message_received", raw)
        if not isinstance(received, MessageReceived):
            return
        if self._repeated_until is None or received.order.received_at <= self._repeated_until:
            self._receipts.add(received.receipt)
        else:
            self._next = self._next or received

    async def _send_in_time(self) -> messages.SendAttempt:
        order = self._received.order
        so_far = _NOT_SENT
        pauses = chain(options.MESSAGE_PAUSES, repeat(options.MESSAGE_PAUSES[-1]))
        is_admitted = False
        while workflow.now() < order.send_before:
            tried = await self._try(is_uncertain=so_far.result is MessageResult.UNKNOWN, is_admitted=is_admitted)
            is_admitted = is_admitted or tried.is_admitted
            so_far = tried.after(so_far)
            pause = next(pauses)
            if not tried.again or workflow.now() + pause >= order.send_before:
                break
            await workflow.sleep(pause, summary="Until the next attempt")
        return so_far

    async def _try(self, *, is_uncertain: bool, is_admitted: bool) -> messages.SendAttempt:
        order = self._received.order
        send = messages.SendMessage(
            received=self._received,
            message_id=_message_id(order),
            is_uncertain=is_uncertain,
            is_admitted=is_admitted,
        )
        try:
            tried: messages.SendAttempt = await workflow.execute_activity(
                messages.SEND_MESSAGE,
                send,
                task_queue=messages.MESSAGES_QUEUE,
                result_type=messages.SendAttempt,
                # A worker that starts after `send_before` must not receive it.
                schedule_to_start_timeout=order.send_before - workflow.now(),
                start_to_close_timeout=options.MESSAGE_TIMEOUT,
                retry_policy=options.ONCE,
                summary=f"Send: {order.kind}",
            )
        except exceptions.ActivityError as error:
            cause = error.cause
            waited = exceptions.TimeoutType.SCHEDULE_TO_START
            return _NOT_SENT if isinstance(cause, exceptions.TimeoutError) and cause.type is waited else _CUT_OFF
        return tried

    async def _take_in_repetitions(self, until: datetime) -> None:
        while True:
            try:
                await workflow.wait_condition(
                    lambda: bool(self._receipts or self._next),
                    timeout=until - workflow.now(),
                    timeout_summary="Until no repetition can come any more",
                )
            except TimeoutError:
                return
            await self._forget()
            if self._next is not None:
                workflow.continue_as_new(self._next)

    async def _forget(self) -> None:
        while self._receipts:
            receipts, self._receipts = tuple(sorted(self._receipts)), set()
            await _erase(receipts)


def _message_id(order: MessageRequest) -> str:
    """Return the idempotency key: the same in each attempt and for every repetition, another for a later message."""
    return f"{order.digest}-{order.received_at:%Y%m%d%H%M%S%f}"


async def _erase(receipts: tuple[StorageName, ...]) -> None:
    await _step(messages.ERASE_MESSAGE, messages.EraseMessage(receipts=receipts), "Erase its text")


async def _step(name: str, order: MessageModel, summary: str) -> None:
    await workflow.execute_activity(
        name,
        order,
        task_queue=messages.MESSAGES_QUEUE,
        start_to_close_timeout=options.STORAGE_TIMEOUT,
        retry_policy=options.STORAGE_RETRY,
        summary=summary,
    )
