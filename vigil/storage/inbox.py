"""Stored callbacks: pending, filed under their verification, quarantined or refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from pydantic import AwareDatetime, ConfigDict, ValidationError

from vigil.domain.callback_event import CallbackEvent
from vigil.domain.message import MessageRequest
from vigil.domain.models import MessageModel, StoredModel, StrictModel
from vigil.domain.terms import KeyedDigest, Word
from vigil.domain.verification_key import VerificationKey
from vigil.storage.contract import AlreadyStored, NotStored, Storage, names_under, under
from vigil.storage.receipt_names import (
    DISPATCHED,
    PENDING,
    QUARANTINED,
    REFUSED,
    filed_name,
    new_leaf,
    pending_name,
    receipts_of,
    received_at_of,
    says_dispatched,
    stamp,
)

SIGNATURES = "inbox/signatures/"
SIGNATURES_KEPT_FOR = timedelta(hours=1)
"""Longer than any signature proves anything."""
JSON = "application/json"
LONGEST_CUT = 4096
"""Bytes of a body that is cut."""
_LONGEST_CUT_HEADER = 200
_ERASED_AT_ONCE = 1000


class AddressedEvent(StoredModel):
    """An event of a callback, with its verification. Until `repeats_until` its sender may send the same event again."""

    key: VerificationKey
    path: str
    event: CallbackEvent
    repeats_until: AwareDatetime

    @property
    def mark(self) -> KeyedDigest | None:
        """The word by which it is known as dispatched.

        A callback that anybody could have sent has none: it must not make the proven event look repeated.
        """
        return self.event.identity if self.event.proof.may_start else None


class Receipt(StoredModel):
    """Our copy of a callback; headers and body without what proves the sender."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    received_at: AwareDatetime
    account: str
    correlation: str | None
    proof: str
    headers: dict[str, str]
    body: bytes
    events: tuple[AddressedEvent, ...] = ()
    message: MessageRequest | None = None
    """The message that it asks us to send; such a receipt is erased, never filed."""
    encoding: Word | None = None
    """The content coding or the charset that we cannot read. `body` is as it was received then."""
    cut_from: int | None = None
    """The size of the whole body in bytes, if `body` is only its start."""
    whole_digest: KeyedDigest | None = None
    """The keyed digest of the whole body, if `body` is only its start."""

    @property
    def paths(self) -> frozenset[str]:
        """The verifications that were read in it."""
        asked = {self.message.path} if self.message else set()
        return frozenset({event.path for event in self.events} | asked)

    def cut(self, digest: Callable[[bytes], KeyedDigest]) -> Self:
        """Return a receipt with the first `LONGEST_CUT` bytes of the body; one with a shorter body as it is."""
        if len(self.body) <= LONGEST_CUT:
            return self
        return self.model_copy(
            update={
                "body": self.body[:LONGEST_CUT],
                "headers": {name: value[:_LONGEST_CUT_HEADER] for name, value in self.headers.items()},
                "cut_from": len(self.body),
                "whole_digest": digest(self.body),
            }
        )


class ReceiptText(MessageModel):
    """The body of a receipt alone: it can be read even if a later release wrote other events."""

    model_config = ConfigDict(val_json_bytes="base64")

    account: str | None = None
    body: bytes
    cut_from: int | None = None


class _Text(StoredModel):
    """What is personal in a receipt; the rest is handed on, also where a later release wrote it."""

    headers: dict[str, str]
    body: str

    def erased(self) -> Self:
        """Return the receipt without its text."""
        return self._with(headers={}, body="")


class Refusal(MessageModel):
    """A callback that was refused; `digest8` is the start of its body's keyed digest.

    `encoding` is the content coding or the charset that we cannot read.
    """

    at: AwareDatetime
    account: str
    reason: str
    source: str | None
    digest8: str
    encoding: Word | None = None


class Quarantined(StrictModel):
    """A stored callback that belongs to no verification, without its body.

    `name` is its receipt's below `inbox/quarantined/`. Account and proof are None where the receipt cannot be read.
    """

    at: AwareDatetime
    account: str | None
    proof: str | None
    reason: Literal["names_no_verification", "verification_not_known", "receipt_not_readable", "encoding_not_readable"]
    encoding: Word | None = None
    name: str


@dataclass(frozen=True)
class QuarantinePage:
    """Some quarantined callbacks, the newest first. `next_page` is what the next page comes before; None: the end."""

    callbacks: tuple[Quarantined, ...]
    next_page: str | None


@dataclass(frozen=True)
class Retention:
    """How long callbacks that belong to no verification are kept, and the lines of the audit log."""

    quarantined: timedelta = timedelta(days=14)
    refused: timedelta = timedelta(days=14)
    audit: timedelta = timedelta(days=730)


class Inbox:
    """Receipts and refusals in a store; a `path` is a verification's `account/encoded_reference`."""

    def __init__(self, storage: Storage, *, opens_receipts: bool = True) -> None:
        """Take the store, and whether this process can read the receipts in it."""
        self._storage = storage
        self._opens_receipts = opens_receipts

    async def keep(self, receipt: Receipt) -> str:
        """Store the receipt durably as pending. Returns its name, which ends with the mark of its first event."""
        mark = receipt.events[0].mark if receipt.events else None
        name = pending_name(receipt.received_at, asks_for_message=receipt.message is not None, mark=mark)
        await self._storage.put_new(name, _written(receipt), media_type=JSON)
        return name

    async def pending(self, older_than: datetime, limit: int, *, after: str | None = None) -> list[str]:
        """Return at most `limit` names of receipts pending before the instant, oldest first, after `after`."""
        names = await self._storage.list(PENDING, after=after, limit=limit)
        return [name for name in names if name < PENDING + stamp(older_than)]

    async def read(self, name: str) -> Receipt:
        """Raises `NotStored`, also when another process has filed it meanwhile."""
        return Receipt.model_validate_json(await self._storage.read(name))

    async def body(self, filed: str) -> bytes | None:
        """Return a callback's body, by the name of its filed receipt; None if it is gone, cut or not readable."""
        for name in (filed, PENDING + filed.rpartition("/")[2], filed):  # it may be filed between two reads
            with suppress(NotStored, ValidationError):
                stored = ReceiptText.model_validate_json(await self._storage.read(name))
                return stored.body if stored.cut_from is None else None
        return None

    async def file_under(self, name: str, path: str | None, receipt: Receipt | None = None) -> str:
        """Move a pending receipt under its verification, or to quarantine; returns its new name.

        May be repeated, and done by two at once. Who has the receipt at hand gives it, and it is not read again. Who
        cannot read receipts leaves a note for `file_dispatched`.
        """
        filed = filed_name(name, path)
        if not self._opens_receipts:
            await self._storage.put(DISPATCHED + name.removeprefix(PENDING), (path or "").encode())
            return filed
        with suppress(NotStored):
            content = _written(receipt) if receipt else await self._storage.read(name)
            with suppress(AlreadyStored):
                await self._storage.put_new(filed, content, media_type=JSON)
            await self._storage.erase(name)
        return filed

    async def dispatched(self, limit: int) -> list[str]:
        """Return at most `limit` notes of receipts that can be filed, oldest first."""
        return await self._storage.list(DISPATCHED, limit=limit)

    async def file_dispatched(self, note: str) -> None:
        """File a receipt as its note says. May be repeated, and done by two at once. Raises `NotStored`."""
        path = (await self._storage.read(note)).decode()
        await self.file_under(PENDING + note.removeprefix(DISPATCHED), path or None)
        await self._storage.erase(note)

    async def release(self, leaf: str, receipt: Receipt) -> None:
        """Move a quarantined receipt, with its events, to the pending ones, or only out if it was filed meanwhile.

        May be repeated, and done by two at once: the receipt keeps its name.
        """
        pending, is_filed = PENDING + leaf, False
        with suppress(NotStored):
            is_filed = bool(await self._storage.size(filed_name(pending, receipt.events[0].path)))
        if not is_filed:
            with suppress(AlreadyStored):
                await self._storage.put_new(pending, _written(receipt), media_type=JSON)
        await self._storage.erase(QUARANTINED + leaf)

    async def forget(self, name: str) -> None:
        """Erase a receipt."""
        await self._storage.erase(name)

    async def forget_text(self, name: str) -> None:
        """Remove the body from a pending receipt; the rest still says which message was requested.

        What is no receipt of any release stays as it is: it must not keep the relay from the others.
        """
        with suppress(NotStored, ValidationError):
            bare = _Text.model_validate_json(await self._storage.read(name)).erased()
            await self._storage.put(name, bare.model_dump_json().encode())

    async def refuse(self, refusal: Refusal) -> None:
        """List a refusal. The caller limits how many an hour."""
        content = refusal.model_dump_json().encode()
        await self._storage.put_new(REFUSED + new_leaf(refusal.at), content, media_type=JSON)

    async def refusals(self, limit: int) -> list[Refusal]:
        """Return the newest refusals, newest first."""
        kept = []
        for name in await self._newest(REFUSED, limit):
            with suppress(NotStored):
                kept.append(Refusal.model_validate_json(await self._storage.read(name)))
        return kept

    async def quarantined(
        self, limit: int, *, before: str | None = None, may_see: Callable[[str | None], bool] = lambda _: True
    ) -> QuarantinePage:
        """Return the newest callbacks that belong to no verification, newest first. Objects of others are skipped.

        `before` is the name of a receipt: only those that were received before it. It need not be there any more.
        `may_see` is asked with the account of each, None if that is not known. No others are named.
        """
        kept: list[Quarantined] = []
        names = await self._newest(QUARANTINED, limit, before=before)
        while names:
            for name in names:
                seen = await self._quarantined(name)
                if seen is not None and may_see(seen.account):
                    kept.append(seen)
                if len(kept) == limit:
                    return QuarantinePage(tuple(kept), kept[-1].name)
            names = await self._newest(QUARANTINED, limit, before=names[-1].removeprefix(QUARANTINED))
        return QuarantinePage(tuple(kept), None)

    async def _quarantined(self, name: str) -> Quarantined | None:
        leaf = name.removeprefix(QUARANTINED)
        at = received_at_of(leaf)
        with suppress(NotStored):
            return _quarantined(leaf, at, await self._storage.read(name)) if at is not None else None
        return None

    async def quarantined_at_least(self, limit: int) -> int:
        """Return how many callbacks belong to no verification, counted up to `limit`."""
        return len(await self._storage.list(QUARANTINED, limit=limit))

    async def erase_outdated(self, retention: Retention, now: datetime) -> None:
        """Erase what was quarantined, refused or signed too long ago, the oldest first and at most 1000 of each."""
        folders = {QUARANTINED: retention.quarantined, REFUSED: retention.refused, SIGNATURES: SIGNATURES_KEPT_FOR}
        for folder, kept_for in folders.items():
            for name in await self._storage.list(folder, limit=_ERASED_AT_ONCE):
                if name >= folder + stamp(now - kept_for):
                    break
                await self._storage.erase(name)

    async def bind_signature(self, signed_at: datetime, signature: str, body: str) -> str:
        """Remember with which body a signature came, both as digests. Returns the body that it came with first."""
        name = f"{SIGNATURES}{stamp(signed_at)}-{signature}"
        try:
            await self._storage.put_new(name, body.encode())
        except AlreadyStored:
            return (await self._storage.read(name)).decode()
        return body

    async def mark_seen(self, path: str, mark: str, *, filed: str, until: datetime) -> None:
        """Remember that an event was dispatched, and until when it may come again as a repetition.

        Nothing is stored if the name of its filed receipt says so. Who cannot read receipts has not filed it yet.
        """
        if not (says_dispatched(filed, path, mark) and self._opens_receipts):
            with suppress(AlreadyStored):
                await self._storage.put_new(_seen(path, mark), until.isoformat().encode())

    async def was_seen(self, path: str, mark: str, *, at: datetime, within: timedelta) -> bool:
        """Whether an event `at` this time repeats one that was dispatched `within` so long before; else it is new."""
        until, first = await asyncio.gather(self._marked_until(path, mark), self._first_filed(path, mark))
        if until is not None:
            return at <= until
        return first is not None and at <= first + within

    async def _marked_until(self, path: str, mark: str) -> datetime | None:
        with suppress(NotStored):
            return datetime.fromisoformat((await self._storage.read(_seen(path, mark))).decode())
        return None

    async def _first_filed(self, path: str, mark: str) -> datetime | None:
        async for name in names_under(self._storage, receipts_of(path)):
            first = received_at_of(name) if says_dispatched(name, path, mark) else None
            if first is not None:
                return first
        return None

    async def _newest(self, folder: str, limit: int, *, before: str | None = None) -> list[str]:
        # A store lists forwards only, so the newest are searched in ever longer periods.
        names: list[str] = []
        until = (received_at_of(before) if before else None) or datetime.now(UTC)
        for span in (timedelta(hours=1), timedelta(days=1), timedelta(days=30), None):
            after = folder + stamp(until - span) if span else None
            names = [name async for name in _names_between(self._storage, folder, after, before)]
            if len(names) >= limit:
                break
        return names[::-1][:limit]


async def _names_between(storage: Storage, folder: str, after: str | None, before: str | None) -> AsyncIterator[str]:
    async for name in names_under(storage, folder, after=after):
        if before is not None and name >= folder + before:
            return
        yield name


def _quarantined(leaf: str, at: datetime, content: bytes) -> Quarantined:
    try:
        receipt = Receipt.model_validate_json(content)
    except ValidationError:
        return Quarantined(at=at, account=None, proof=None, reason="receipt_not_readable", name=leaf)
    return Quarantined(
        at=at,
        account=receipt.account,
        proof=receipt.proof,
        reason=_reason_of(receipt),
        encoding=receipt.encoding,
        name=leaf,
    )


def _reason_of(receipt: Receipt) -> Literal["names_no_verification", "verification_not_known", "encoding_not_readable"]:
    if receipt.events:
        return "verification_not_known"
    return "encoding_not_readable" if receipt.encoding else "names_no_verification"


def _written(receipt: Receipt) -> bytes:
    return receipt.model_dump_json().encode()


def _seen(path: str, mark: str) -> str:
    return under(path, "seen", mark)
