"""The callbacks of one verification, for people: what its timeline has of each, and what the receipt adds."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from pydantic import ValidationError

from vigil.domain.callback_event import CallbackEvent
from vigil.domain.log import EntryKind, LogEntry
from vigil.domain.models import StrictModel
from vigil.domain.record import Record
from vigil.domain.terms import Instant, Proof, Word
from vigil.errors import DataErased
from vigil.sealing.errors import SealingError
from vigil.storage.contract import StorageError
from vigil.storage.inbox import Inbox
from vigil.storage.receipt_names import filed_name

NEWEST: Final = 20
REMEMBERED: Final = 5_000
"""Receipts of which a process remembers the few words below."""
_READ_AT_ONCE: Final = 4
"""A receipt may have megabytes."""


class Course(StrEnum):
    """How a callback came."""

    NEWS = "news"
    DUPLICATE = "duplicate"
    """Its event had arrived before."""
    LATE = "late"
    """After the verdict."""


@dataclass(frozen=True)
class _Told:
    """What a receipt adds to a row."""

    proof: Proof
    delivery8: str
    identity: str | None


class CallbackRow(StrictModel):
    """One callback in coded words. `proof` and `digest8` are None where no receipt can be read."""

    at: Instant
    words: tuple[Word, ...]
    course: Course | None
    """None where it is not known whether it came before."""
    proof: Proof | None = None
    receipt: str | None = None
    """The name of its receipt; None: none was stored."""
    digest8: str | None = None
    """The start of the body's keyed digest, as a refusal has it."""

    @classmethod
    def of(cls, entry: LogEntry, told: _Told | None, record: Record) -> Self:
        """Return the row of an entry of the timeline, with what its receipt adds."""
        return cls(
            at=entry.at,
            words=entry.words,
            course=_course(entry, told, record),
            proof=told.proof if told else None,
            receipt=entry.receipt.rpartition("/")[2] if entry.receipt else None,
            digest8=told.delivery8 if told else None,
        )


class CallbackRows:
    """Reads the rows of verifications. It remembers what each receipt added: what a receipt says never changes.

    An open page asks every few seconds, and a receipt is read and opened whole.
    """

    def __init__(self, inbox: Inbox, *, remembered: int = REMEMBERED) -> None:
        """Take the inbox, and of how many receipts the words are remembered."""
        self._inbox = inbox
        self._most = remembered
        self._told: OrderedDict[tuple[str, str], _Told] = OrderedDict()
        self._slots = asyncio.Semaphore(_READ_AT_ONCE)

    async def read(self, record: Record, path: str) -> list[CallbackRow]:
        """Return the newest callbacks of a verification, the newest first."""
        entries = [each for each in record.log.entries if each.kind == EntryKind.CALLBACK][: -NEWEST - 1 : -1]
        told = await asyncio.gather(*(self._find(each.receipt, path) for each in entries))
        return [CallbackRow.of(entry, each, record) for entry, each in zip(entries, told, strict=True)]

    async def _find(self, receipt: str | None, path: str) -> _Told | None:
        if receipt is None:
            return None
        told = self._told.get((path, receipt))
        if told is None:
            async with self._slots:
                event = await _read_event(receipt, path, self._inbox)
            if event is None:
                return None
            told = _Told(event.proof, event.delivery[:8], event.identity)
        self._told[path, receipt] = told
        self._told.move_to_end((path, receipt))
        while len(self._told) > self._most:
            self._told.popitem(last=False)
        return told


async def _read_event(receipt: str, path: str, inbox: Inbox) -> CallbackEvent | None:
    """Return the event of a receipt, filed or still pending; None if there is none, or it cannot be read."""
    for name in (filed_name(receipt, path), receipt):
        with suppress(StorageError, SealingError, DataErased, ValidationError):
            found = await inbox.read(name)
            return next((each.event for each in found.events if each.path == path), None)
    return None


def _course(entry: LogEntry, told: _Told | None, record: Record) -> Course | None:
    first_at: Mapping[str, Instant] = {each.identity: each.first_at for each in record.callbacks.identities}
    if told is not None and told.identity is not None and first_at.get(told.identity, entry.at) < entry.at:
        return Course.DUPLICATE
    ended_at = next((each.at for each in record.verdict.revisions), None)
    if ended_at is not None and ended_at < entry.at:
        return Course.LATE
    return Course.NEWS if told is not None else None
