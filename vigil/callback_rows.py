"""The callbacks of one verification, for people: what its timeline has of each, and what the receipt adds."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
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
from vigil.storage.inbox import Inbox, filed_name

NEWEST: Final = 20


class Course(StrEnum):
    """How a callback came."""

    NEWS = "news"
    DUPLICATE = "duplicate"
    """Its event had arrived before."""
    LATE = "late"
    """After the verdict."""


class CallbackRow(StrictModel):
    """One callback in coded words. `proof` and `digest8` are None where no receipt can be read."""

    at: Instant
    words: tuple[Word, ...]
    course: Course
    proof: Proof | None = None
    receipt: str | None = None
    """The name of its receipt; None: none was stored."""
    digest8: str | None = None
    """The start of the body's keyed digest, as a refusal has it."""

    @classmethod
    def of(cls, entry: LogEntry, event: CallbackEvent | None, record: Record) -> Self:
        """Return the row of an entry of the timeline, with the event of its receipt."""
        return cls(
            at=entry.at,
            words=entry.words,
            course=_course(entry, event, record),
            proof=event.proof if event else None,
            receipt=entry.receipt.rpartition("/")[2] if entry.receipt else None,
            digest8=event.delivery[:8] if event else None,
        )


async def read_callback_rows(record: Record, path: str, inbox: Inbox) -> list[CallbackRow]:
    """Return the newest callbacks of a verification, the newest first. No body is read but to find its events."""
    entries = [each for each in record.log.entries if each.kind == EntryKind.CALLBACK][: -NEWEST - 1 : -1]
    events = await asyncio.gather(*(_read_event(each, path, inbox) for each in entries))
    return [CallbackRow.of(entry, event, record) for entry, event in zip(entries, events, strict=True)]


async def _read_event(entry: LogEntry, path: str, inbox: Inbox) -> CallbackEvent | None:
    """Return the event of a receipt, filed or still pending; None if there is none, or it cannot be read."""
    for name in (filed_name(entry.receipt, path), entry.receipt) if entry.receipt else ():
        with suppress(StorageError, SealingError, DataErased, ValidationError):
            receipt = await inbox.read(name)
            return next((each.event for each in receipt.events if each.path == path), None)
    return None


def _course(entry: LogEntry, event: CallbackEvent | None, record: Record) -> Course:
    first_at: Mapping[str, Instant] = {each.identity: each.first_at for each in record.callbacks.identities}
    if event is not None and event.identity is not None and first_at.get(event.identity, entry.at) < entry.at:
        return Course.DUPLICATE
    ended_at = next((each.at for each in record.verdict.revisions), None)
    return Course.LATE if ended_at is not None and ended_at < entry.at else Course.NEWS
