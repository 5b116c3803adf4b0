"""Where a kept callback goes once everything that it says has been told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from api.delivery import Delivered
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.verification_key import VerificationKey
from vigil.observability import Metrics
from vigil.storage.inbox import Inbox, KeptNotice, Receipt


@dataclass(frozen=True)
class Message:
    """A notice, the verification that it is for, and until when its sender may send it again."""

    key: VerificationKey
    path: str
    notice: CallbackEvent
    repeats_until: datetime

    def kept(self) -> KeptNotice:
        """Return what the receipt says of it."""
        return {
            "path": self.path,
            "reference": self.key.reference,
            "start": self.notice.proof.may_start,
            "notice": self.notice.model_dump(mode="json"),
            "repeats_until": self.repeats_until.isoformat(),
        }

    async def is_repetition(self, inbox: Inbox) -> bool:
        """Whether the verification was told of this event before, within the time in which its sender repeats it."""
        at = self.notice.received_at
        for mark in self._marks():
            if await inbox.was_seen(self.path, mark, at=at):
                return True
        return False

    async def mark_seen(self, inbox: Inbox) -> None:
        """Note that the verification was told of this event."""
        for mark in self._marks()[-1:]:
            await inbox.mark_seen(self.path, mark, until=self.repeats_until)

    def _marks(self) -> Sequence[str]:
        """Return the names under which this event may have been noted, its own last.

        What anybody may have sent is noted under another name, so that it never makes a repetition of what is proven.
        """
        identity = self.notice.identity
        if identity is None:
            return ()
        return (identity,) if self.notice.proof.may_start else (identity, f"{identity}-unproven")


def messages_of(receipt: Receipt) -> Sequence[Message]:
    """Return the messages that a receipt was kept with. Raises `ValidationError` for one that was tampered with."""
    return tuple(
        Message(
            key=VerificationKey(account=receipt.account, reference=kept["reference"]),
            path=kept["path"],
            notice=CallbackEvent.model_validate(kept["notice"]),
            repeats_until=datetime.fromisoformat(kept["repeats_until"]),
        )
        for kept in receipt.notices
        if kept["path"] is not None and "reference" in kept and "repeats_until" in kept
    )


class Filed(StrEnum):
    """Where a receipt rests now."""

    PENDING = "pending"
    UNDER_VERIFICATION = "under_verification"
    QUARANTINED = "quarantined"


class Filing:
    """Files receipts, for fresh callbacks and the relay alike, and counts what is quarantined."""

    def __init__(self, inbox: Inbox, metrics: Metrics) -> None:
        self._inbox = inbox
        self._metrics = metrics

    async def file(self, name: str, account: str, messages: Sequence[Message], delivered: Sequence[Delivered]) -> Filed:
        """File a receipt under the first verification it speaks of; with nobody to belong to it is quarantined.

        May be repeated and interrupted. Raises `StorageUnavailable`; what is pending then stays so.
        """
        if not all(one.is_settled for one in delivered):
            return Filed.PENDING
        if not any(one in {Delivered.TOLD, Delivered.REPEATED} for one in delivered):
            await self.quarantine(name, account)
            return Filed.QUARANTINED
        await self._inbox.file_under(name, messages[0].path)
        for message, one in zip(messages, delivered, strict=True):
            if one is Delivered.TOLD:
                await message.mark_seen(self._inbox)
        return Filed.UNDER_VERIFICATION

    async def quarantine(self, name: str, account: str) -> None:
        """File a receipt that belongs to no verification. Raises `StorageUnavailable`."""
        await self._inbox.file_under(name, None)
        self._metrics.quarantined.labels(account).inc()
