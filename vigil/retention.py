"""Retention: what has been kept long enough, and erasing it. A dry run takes the same way and erases nothing."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from vigil.domain.record import Record, RecordNotReadable, parse_record
from vigil.domain.retention import KeepRules, Kept, ended_at
from vigil.domain.tombstone import ErasureCause, Tombstone
from vigil.domain.verification_key import VerificationKey
from vigil.sealing.errors import ContentUnreadable, DataKeyForgotten, DataKeyUnreadable, NotSealed, UnknownKey
from vigil.storage.contract import AlreadyStored, NotStored, Storage, names_under, under
from vigil.storage.correlations import FOLDER as CORRELATIONS
from vigil.storage.records import aged_name
from vigil.storage.tombstones import FOLDER as TOMBSTONES
from vigil.storage.tombstones import Holds, Tombstones
from vigil.temporal import messages
from vigil.temporal.client import DESCRIBE_TIMEOUT, VerificationClient

VERIFICATIONS: Final = "verifications"
AUTHOR: Final = "retention"
UNREADABLE: Final = (ContentUnreadable, DataKeyForgotten, DataKeyUnreadable, NotSealed, UnknownKey, ValidationError)
"""Errors of one verification. They must not keep all others from being looked at."""
LEFT_BEHIND: Final = "left_behind"
"""Of an erased verification, by a process that did not know of the erasure."""
_DEPTH: Final = 3
"""Segments of the folder of a verification."""
_LAST: Final = "~"
"""Sorts after every character that a segment may begin with."""
_FOLDERS: Final[Mapping[Kept, tuple[str, ...]]] = {
    Kept.RECEIPTS: ("receipts",),
    Kept.RESULTS: ("results",),
    Kept.ARTIFACTS: ("artifacts", "parts"),
}


@dataclass(frozen=True)
class Due:
    """What is erased of one verification. `kind`: what its settings call it, or `LEFT_BEHIND`."""

    key: VerificationKey
    path: str
    kind: str
    objects: int


@dataclass(frozen=True)
class Retention:
    """Finds what is due, and erases it. `rules` are by account; what has no rules is kept."""

    storage: Storage
    tracker: VerificationClient
    rules: Mapping[str, KeepRules]

    async def _folders(self, folder: str, after: str | None) -> AsyncIterator[str]:
        last = after
        while page := await self.storage.list(folder, after=f"{last}/{_LAST}" if last else None):
            for name in page:
                found = "/".join(name.split("/")[:_DEPTH])
                if found != last and not found.startswith(f"{VERIFICATIONS}/{CORRELATIONS}/"):
                    yield found
                last = found

    async def folders(self, *, after: str | None = None) -> AsyncIterator[str]:
        """Yield the folder of each verification, then each tombstone, those after `after`."""
        if after is None or after.startswith(VERIFICATIONS):
            async for found in self._folders(VERIFICATIONS, after):
                yield found
            after = None
        async for found in self._folders(TOMBSTONES, after):
            yield found

    async def due(self, found: str, now: datetime) -> list[Due]:
        """Return what is to be erased of one verification, by its folder. What cannot be read is kept.

        Raises `RPCError`, `StorageUnavailable`.
        """
        try:
            return await self._due(found, now)
        except UNREADABLE:
            return []

    async def _due(self, found: str, now: datetime) -> list[Due]:
        rules = self.rules.get(found.split("/")[1])
        if rules is None:
            return []
        if found.startswith(TOMBSTONES):
            return await self._due_tombstone(found, rules, now)
        if (tombstone := await self._read_tombstone(found.replace(VERIFICATIONS, TOMBSTONES, 1))) is not None:
            return await self._left_behind(found, tombstone)
        record = await self._read_record(found)
        return await self._due_data(record, rules, now) if record is not None else []

    async def _due_tombstone(self, found: str, rules: KeepRules, now: datetime) -> list[Due]:
        tombstone = await self._read_tombstone(found)
        if tombstone is None or tombstone.finished_at is None or tombstone.finished_at + rules.tombstones > now:
            return []
        return [Due(tombstone.key, self.tracker.path(tombstone.key), "tombstones", 1)]

    async def _left_behind(self, found: str, tombstone: Tombstone) -> list[Due]:
        """Return what a process of an older release stored of an erased verification."""
        left = len([name async for name in names_under(self.storage, found)])
        return [Due(tombstone.key, self.tracker.path(tombstone.key), LEFT_BEHIND, left)]

    async def _read_tombstone(self, name: str) -> Tombstone | None:
        with suppress(NotStored):
            return Tombstone.model_validate_json(await self.storage.read(name))
        return None

    async def _due_data(self, record: Record, rules: KeepRules, now: datetime) -> list[Due]:
        path, kinds = self.tracker.path(record.key), rules.due(ended_at(record), now)
        if not kinds or await Holds(self.storage).in_force(path, now) is not None:
            return []
        seen = await self.tracker.describe(record.key)
        if seen is not None and seen.is_open:
            return []
        if Kept.RECORDS in kinds:
            every = [name async for name in names_under(self.storage, under(path))]
            return [Due(record.key, path, Kept.RECORDS, len(every))]
        counts = [(kind, await self._names(path, kind)) for kind in kinds]
        return [Due(record.key, path, kind, len(names)) for kind, names in counts if names]

    async def erase(self, due: Due, now: datetime) -> None:
        """Erase what is due. May be repeated, and interrupted. Raises `RPCError`, `StorageUnavailable`."""
        if due.kind in {Kept.RECORDS, LEFT_BEHIND}:
            await self._erase_all(due, now)
        elif due.kind == "tombstones":
            await Tombstones(self.storage).erase(due.path)
        else:
            kind = Kept(due.kind)
            with suppress(AlreadyStored):
                await self.storage.put_new(aged_name(due.path, kind), b"")
            for name in await self._names(due.path, kind):
                await self.storage.erase(name)

    async def _erase_all(self, due: Due, now: datetime) -> None:
        order = messages.EraseData(key=due.key, path=due.path, asked_by=AUTHOR, cause=ErasureCause.RETENTION, at=now)
        await self.tracker.client.start_workflow(
            messages.ERASURE_WORKFLOW,
            order,
            id=messages.erasure_id(due.path),
            task_queue=messages.VERIFICATIONS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"Erase the data of a verification at `{due.key.account}`, whose time is over",
            rpc_timeout=DESCRIBE_TIMEOUT,
        )

    async def _names(self, path: str, kind: Kept) -> list[str]:
        return [name for folder in _FOLDERS[kind] async for name in names_under(self.storage, under(path, folder))]

    async def _read_record(self, found: str) -> Record | None:
        """Return the newest record; None: there is none, or this release cannot read it."""
        newest = None
        async for name in names_under(self.storage, f"{found}/records"):
            newest = name
        if newest is None:
            return None
        with suppress(NotStored, RecordNotReadable):
            return parse_record(await self.storage.read(newest))
        return None
