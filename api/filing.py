"""Where a kept callback goes once everything that it says has been told."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.delivery import Delivered
from domain.identity import VerificationKey
from domain.notice import Notice
from storage.inbox import Inbox, KeptNotice, Receipt


@dataclass(frozen=True)
class Message:
    """A notice, and the verification that it is for."""

    key: VerificationKey
    place: str
    notice: Notice

    def kept(self) -> KeptNotice:
        """Return what the receipt says of it."""
        return {
            "place": self.place,
            "reference": self.key.reference,
            "start": self.notice.proof.may_start,
            "notice": self.notice.model_dump(mode="json"),
        }


def messages_of(receipt: Receipt) -> Sequence[Message]:
    """Return the messages that a receipt was kept with. Raises `ValidationError` for one that was tampered with."""
    return tuple(
        Message(
            key=VerificationKey(account=receipt.account, reference=kept["reference"]),
            place=kept["place"],
            notice=Notice.model_validate(kept["notice"]),
        )
        for kept in receipt.notices
        if kept["place"] is not None and "reference" in kept
    )


class Filed(StrEnum):
    """Where a receipt rests now."""

    PENDING = "pending"
    UNDER_VERIFICATION = "under_verification"
    QUARANTINED = "quarantined"


async def file_receipt(inbox: Inbox, name: str, messages: Sequence[Message], delivered: Sequence[Delivered]) -> Filed:
    """File a receipt under the first verification that it speaks of; with nobody to belong to it is quarantined.

    May be repeated and interrupted. Raises `StorageUnavailable`; what is pending then stays so.
    """
    if not all(one.is_settled for one in delivered):
        return Filed.PENDING
    belongs = any(one in {Delivered.TOLD, Delivered.REPEATED} for one in delivered)
    await inbox.file_under(name, messages[0].place if belongs else None)
    for message, one in zip(messages, delivered, strict=True):
        if one is Delivered.TOLD and message.notice.identity is not None:
            await inbox.mark_seen(message.place, message.notice.identity)
    return Filed.UNDER_VERIFICATION if belongs else Filed.QUARANTINED
