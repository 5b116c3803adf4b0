"""The interface of a message sender: one message in, its result out."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from vigil.domain.message import MessageResult


@dataclass(frozen=True)
class Outgoing:
    """One message. `message_id` is the same in each attempt."""

    message_id: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SendResult:
    """The result of one attempt. `why` is a coded word; `may_heal`: nothing was sent, and a later attempt may succeed.

    A result is unknown if the message sender may have the message and its answer was lost.
    """

    result: MessageResult
    why: str | None = None
    may_heal: bool = False


SENT = SendResult(MessageResult.SENT)


def refused(why: str, *, may_heal: bool = False) -> SendResult:
    """Return that nothing was sent."""
    return SendResult(MessageResult.REFUSED, why, may_heal)


def unknown(why: str) -> SendResult:
    """Return that the message may have been sent."""
    return SendResult(MessageResult.UNKNOWN, why)


class MessageSender(Protocol):
    """Sends messages of one channel."""

    is_idempotent: bool
    """Whether a message that is sent twice under one id reaches the applicant once."""

    async def send(self, outgoing: Outgoing, *, within: timedelta) -> SendResult:
        """Send a message `within` this time. Network and server failures are results, not exceptions."""
        ...
