"""What a carrier is given, and what it says became of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from vigil.domain.message import MessageResult


@dataclass(frozen=True)
class Outgoing:
    """One message. `message_id` is the same whenever it is handed over again."""

    message_id: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SendResult:
    """What became of handing a message over. `why` is a coded word; `may_heal`: nothing went, and it may another time.

    A result is unknown where the carrier may have the message and could not say so.
    """

    result: MessageResult
    why: str | None = None
    may_heal: bool = False


SENT = SendResult(MessageResult.SENT)


def refused(why: str, *, may_heal: bool = False) -> SendResult:
    """Say that nothing was sent."""
    return SendResult(MessageResult.REFUSED, why, may_heal)


def unknown(why: str) -> SendResult:
    """Say that it may have been sent."""
    return SendResult(MessageResult.UNKNOWN, why)


class MessageSender(Protocol):
    """Takes messages by one channel."""

    is_idempotent: bool
    """Whether a message that is handed over twice under one id is sent once."""

    async def send(self, outgoing: Outgoing, *, within: timedelta) -> SendResult:
        """Hand a message over, `within` this time. Never raises for what may happen on the way."""
        ...
