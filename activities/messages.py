"""Sends messages to applicants, erases them, and reports the result to their verifications."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog
from pydantic import ValidationError
from temporalio import activity
from temporalio.service import RPCError

from activities.failures import try_again
from activities.message_admission import Admission
from activities.metrics import count
from vigil.domain.message import (
    ADDRESS_UNKNOWN,
    CHANNEL_NOT_CONFIGURED,
    Channel,
    MessageOutcome,
    MessageReceived,
    MessageRequest,
    MessageResult,
)
from vigil.domain.verification_key import VerificationKey
from vigil.messaging.contract import MessageSender, Outgoing, SendResult, refused, unknown
from vigil.observability import where
from vigil.providers.contract import DelegatedMessage, MessageReader
from vigil.storage.contract import NotStored, Storage, StorageError
from vigil.storage.inbox import Inbox
from vigil.storage.records import Records
from vigil.temporal import messages

ADMIT_WITHIN: Final = timedelta(seconds=5)
"""To read the callback, to learn that its verification exists, and to take the message from the budgets."""
HAND_OVER_WITHIN: Final = timedelta(seconds=10)

_log = structlog.get_logger("vigil.messages")


class Note(Protocol):
    """Reports the result of a message to its verification, as `VerificationClient` does."""

    def __call__(self, key: VerificationKey, noted: MessageOutcome, *, may_start: bool) -> Awaitable[bool]:
        """Report it. Returns False if no run is open and none may be started. Raises `RPCError`."""
        ...


class MessageActivities:
    """Activities of message delivery, for the accounts and channels of the settings."""

    def __init__(
        self,
        messengers: Mapping[str, MessageReader],
        message_senders: Mapping[Channel, MessageSender],
        admission: Admission,
        storage: Storage,
        note: Note,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._messengers = messengers
        self._message_senders = message_senders
        self._admission = admission
        self._inbox = Inbox(storage)
        self._records = Records(storage)
        self._note = note
        self._now = now

    @activity.defn(name=messages.SEND_MESSAGE)
    async def send_message(self, send: messages.SendMessage) -> messages.SendAttempt:
        """Try once to send a message. A failure is a result, since only the result says whether anything was sent."""
        order = send.received.order
        left = order.send_before - self._now()
        message_sender = self._message_senders.get(order.kind.channel)
        if left <= timedelta(0):
            return messages.SendAttempt(result=MessageResult.TOO_LATE)
        if send.is_uncertain and not (message_sender and message_sender.is_idempotent):
            return messages.SendAttempt(result=MessageResult.UNKNOWN, why="not_repeated")
        admitted = await self._admit(send, message_sender, within=min(left, ADMIT_WITHIN))
        if isinstance(admitted, SendResult):
            return _attempt(order, admitted)
        message, sender = admitted
        left = order.send_before - self._now()
        if left <= timedelta(0):
            return messages.SendAttempt(result=MessageResult.TOO_LATE, is_admitted=True)
        handed = await _hand_over(message, sender, within=min(left, HAND_OVER_WITHIN))
        is_harmless = handed.result is MessageResult.UNKNOWN and sender.is_idempotent
        return _attempt(order, handed, is_harmless=is_harmless, is_admitted=True)

    @activity.defn(name=messages.ERASE_MESSAGE)
    async def erase_message(self, forget: messages.EraseMessage) -> None:
        """Erase the callbacks that asked for a message; its text is stored nowhere else."""
        try:
            for receipt in forget.receipts:
                await self._inbox.forget(receipt)
        except StorageError:
            raise try_again("StorageUnavailable") from None

    @activity.defn(name=messages.REPORT_MESSAGE)
    async def report_message(self, note: messages.ReportMessage) -> None:
        """Report the result to the verification, if it is open or has a record; a message alone starts none."""
        order = note.order
        try:
            if await self._note(order.key, note.noted, may_start=False):
                return
            if await self._records.exists(order.path):
                await self._note(order.key, note.noted, may_start=True)
        except StorageError:
            raise try_again("StorageUnavailable") from None
        except RPCError:
            raise try_again("temporal_unavailable") from None

    async def _admit(
        self, send: messages.SendMessage, message_sender: MessageSender | None, *, within: timedelta
    ) -> tuple[Outgoing, MessageSender] | SendResult:
        """Return the message and who sends it, or why it may not be sent."""
        order = send.received.order
        message = await self._message(send.received)
        if isinstance(message, SendResult):
            return message
        if message.address is None:
            return refused(ADDRESS_UNKNOWN)
        if message_sender is None:
            return refused(CHANNEL_NOT_CONFIGURED)
        outgoing = Outgoing(send.message_id, message.address, message.content, message.subject)
        if send.is_admitted:
            return outgoing, message_sender
        try:
            async with asyncio.timeout(within.total_seconds()):
                refusal = await self._admission.refuse(order, message, message.address)
        except TimeoutError:
            return refused("admission_timeout", may_heal=True)
        return refusal or (outgoing, message_sender)

    async def _message(self, received: MessageReceived) -> DelegatedMessage | SendResult:
        messenger = self._messengers.get(received.order.key.account)
        if messenger is None:
            return refused("account_not_configured", may_heal=True)
        try:
            receipt = await self._inbox.read(received.receipt)
            if not receipt.body:  # the relay removes the text after `send_before`
                return SendResult(MessageResult.TOO_LATE)
            message = messenger.read_message(receipt.body)
        except NotStored:
            return refused("receipt_gone")
        except StorageError:
            return refused("storage_unavailable", may_heal=True)
        except ValidationError:
            return refused("receipt_not_readable")
        return message or refused("receipt_not_readable")


async def _hand_over(outgoing: Outgoing, sender: MessageSender, *, within: timedelta) -> SendResult:
    try:
        return await sender.send(outgoing, within=within)
    except Exception as error:  # noqa: BLE001 -- its text may hold the message, and it may have been sent
        _log.error("message.sender_failed", error=type(error).__name__, code=where(error))
        return unknown("sender_failed")


def _attempt(
    order: MessageRequest, result: SendResult, *, is_harmless: bool = False, is_admitted: bool = False
) -> messages.SendAttempt:
    """Log and count a result, and return it as an attempt."""
    account, reason = order.key.account, result.why or ""
    count("vigil_messages", "Attempts to send a message", account=account, result=result.result.value, reason=reason)
    _log.info("message.tried", account=order.key.account, kind=order.kind, answer=result.result, reason=result.why)
    again = result.may_heal or is_harmless
    return messages.SendAttempt(result=result.result, why=result.why, again=again, is_admitted=is_admitted)
