"""Sends messages to applicants, erases them, and reports the result to their verifications."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog
from pydantic import ValidationError
from temporalio import activity
from temporalio.service import RPCError

from activities.failures import try_again
from vigil.domain.message import (
    ADDRESS_UNKNOWN,
    CHANNEL_NOT_CONFIGURED,
    Channel,
    MessageOutcome,
    MessageReceived,
    MessageResult,
)
from vigil.domain.verification_key import VerificationKey
from vigil.messaging.contract import MessageSender, Outgoing, SendResult, refused, unknown
from vigil.observability import where
from vigil.providers.contract import DelegatedMessage, MessageReader
from vigil.storage.contract import NotStored, StorageError
from vigil.storage.inbox import Inbox
from vigil.storage.records import Records
from vigil.temporal import messages

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
        carriers: Mapping[Channel, MessageSender],
        inbox: Inbox,
        records: Records,
        note: Note,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._messengers = messengers
        self._carriers = carriers
        self._inbox = inbox
        self._records = records
        self._note = note
        self._now = now

    @activity.defn(name=messages.SEND_MESSAGE)
    async def send_message(self, send: messages.SendMessage) -> messages.SendAttempt:
        """Try once to send a message. A failure is a result, since only the result says whether anything was sent."""
        order = send.received.order
        left = order.send_before - self._now()
        carrier = self._carriers.get(order.kind.channel)
        if left <= timedelta(0):
            return messages.SendAttempt(result=MessageResult.TOO_LATE)
        if send.is_uncertain and not (carrier and carrier.is_idempotent):
            return messages.SendAttempt(result=MessageResult.UNKNOWN, why="not_repeated")
        handed = await self._handed(send, carrier, within=min(left, HAND_OVER_WITHIN))
        _log.info("message.tried", account=order.key.account, kind=order.kind, answer=handed.result, reason=handed.why)
        is_harmless = handed.result is MessageResult.UNKNOWN and carrier is not None and carrier.is_idempotent
        return messages.SendAttempt(result=handed.result, why=handed.why, again=handed.may_heal or is_harmless)

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
            if await self._records.latest(order.path) is not None:
                await self._note(order.key, note.noted, may_start=True)
        except StorageError:
            raise try_again("StorageUnavailable") from None
        except RPCError:
            raise try_again("temporal_unavailable") from None

    async def _handed(
        self, send: messages.SendMessage, carrier: MessageSender | None, *, within: timedelta
    ) -> SendResult:
        message = await self._message(send.received)
        if isinstance(message, SendResult):
            return message
        if message.address is None:
            return refused(ADDRESS_UNKNOWN)
        if carrier is None:
            return refused(CHANNEL_NOT_CONFIGURED)
        outgoing = Outgoing(send.message_id, message.address, message.content, message.subject)
        try:
            return await carrier.send(outgoing, within=within)
        except Exception as error:  # noqa: BLE001 -- its text may hold the message, and it may have been sent
            _log.error("message.carrier_failed", error=type(error).__name__, code=where(error))
            return unknown("carrier_failed")

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
