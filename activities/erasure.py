"""The steps that erase the data of one verification. Each may be repeated after a worker was killed in it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import try_again
from activities.metrics import count
from vigil.domain.callbacks import open_record
from vigil.domain.digest import Digester
from vigil.domain.explanation import RECORD_NOT_READABLE
from vigil.domain.record import Record, RecordNotReadable, parse_record
from vigil.domain.tombstone import Tombstone, bury, bury_unrecorded
from vigil.errors import CommandRefused, NoWorkerInTime
from vigil.registration import digest_correlation
from vigil.sealing.errors import ContentUnreadable, NotSealed, UnknownKey
from vigil.sealing.storage import find_sealed, forget_key
from vigil.storage.contract import Storage, under
from vigil.storage.correlations import Correlations
from vigil.storage.erasure import ObjectEraser, Target
from vigil.storage.folder import remove_folders
from vigil.storage.records import Records
from vigil.storage.tombstones import Holds, Tombstones
from vigil.temporal import messages
from vigil.temporal.client import VerificationClient
from vigil.temporal.erasure import delete_run, is_settling, list_runs, terminate_run

WITHDRAWN_WITHIN: Final = timedelta(seconds=10)
LOOKS_EVERY: Final = timedelta(milliseconds=200)
_UNREADABLE: Final = (ContentUnreadable, NotSealed, UnknownKey)
"""Errors of one content, which nobody can read. They must not keep an erasure from its end."""


class ErasureActivities:
    """Erases for all accounts."""

    def __init__(
        self,
        storage: Storage,
        tracker: VerificationClient,
        digester: Digester,
        *,
        key_backups: timedelta = timedelta(days=30),
        settles_within: timedelta = timedelta(seconds=30),
    ) -> None:
        """Take also how long backups of data keys are kept, and how long runs may take that end by themselves."""
        self._storage = storage
        self._tracker = tracker
        self._digester = digester
        self._key_backups = key_backups
        self._settles_within = settles_within
        self._tombstones = Tombstones(storage)

    @property
    def all(self) -> Sequence[Callable[..., object]]:
        """All of them, for a worker."""
        steps = (self.end_runs, self.write_tombstone, self.forget_key, self.erase_objects)
        return (*steps, self.delete_runs, self.list_left, self.finish_erasure)

    @activity.defn(name=messages.END_RUNS)
    async def end_runs(self, order: messages.EraseData) -> messages.Erased:
        """Withdraw the verification if it is open, let its runs end, and terminate those that do not."""
        await self._refuse_held(order)
        if not await self._tombstones.exists(order.path):
            await self._withdraw(order)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settles_within.total_seconds()):
                    while await is_settling(self._tracker.client, order.path):
                        activity.heartbeat()
                        await asyncio.sleep(LOOKS_EVERY.total_seconds())
        async for run in list_runs(self._tracker.client, order.path):
            await terminate_run(self._tracker.client, run)
            activity.heartbeat()
        return messages.Erased()

    async def _withdraw(self, order: messages.EraseData) -> None:
        seen = await self._tracker.describe(order.key)
        if seen is None or not seen.is_open or (seen.summary is not None and seen.summary.outcome is not None):
            return
        command, run = messages.Withdraw(author=order.asked_by), activity.info().workflow_run_id
        try:
            await self._tracker.command(
                order.key, "withdraw", command, command_id=f"erasure-{run}", within=WITHDRAWN_WITHIN
            )
        except (CommandRefused, NoWorkerInTime):
            return  # it has an outcome by now, or it is terminated

    @activity.defn(name=messages.WRITE_TOMBSTONE)
    async def write_tombstone(self, order: messages.EraseData) -> messages.Erased:
        """Store what stays of the verification. From then on nothing else is stored of it.

        A hold is looked for before and after: of a hold at the same time, this step or who places it sees the other.
        """
        stands = await self._tombstones.read(order.path)
        if stands is None:
            await self._refuse_held(order)
            stands = await self._tombstones.put_new(order.path, await self._bury(order))
        if stands.erased_at == order.at and stands.finished_at is None:  # of this order, which has erased nothing yet
            try:
                await self._refuse_held(order)
            except ApplicationError:
                await self._tombstones.erase(order.path)
                raise
        return messages.Erased()

    async def _bury(self, order: messages.EraseData) -> Tombstone:
        written = await Records(self._storage).latest(order.path)
        if written is None:
            return await self._bury_unrecorded(order)
        try:
            record = parse_record(written[1])
        except RecordNotReadable:
            raise try_again(RECORD_NOT_READABLE) from None
        words = {record.subject.correlation, *_registered_correlation(record)} - {None}
        marks = {self._mark(order.key.account, word) for word in words if word is not None}
        # A registration that conflicted has stored its mark too.
        marks.update(await self._marks_of(order))
        return bury(record, at=order.at, by=order.asked_by, cause=order.cause, correlations=tuple(sorted(marks)))

    async def _bury_unrecorded(self, order: messages.EraseData) -> Tombstone:
        seen = await self._tracker.describe(order.key)
        marks = await self._marks_of(order)
        if seen is not None and seen.summary is not None:
            tombstone = bury_unrecorded(order.key, seen.summary, at=order.at, by=order.asked_by, cause=order.cause)
            return tombstone.with_correlations(marks)
        if not await self._storage.list(under(order.path), limit=1):
            raise ApplicationError("nothing is known of it", type=messages.REFUSED_INPUT, non_retryable=True)
        # Its run has stored something, and was lost before it stored a record.
        account = self._tracker.account(order.key.account)
        record = open_record(
            order.key,
            provider=account.provider_name,
            environment=account.environment,
            at=order.at,
            plan=account.plan_for(None),
        )
        return bury(record, at=order.at, by=order.asked_by, cause=order.cause, correlations=tuple(marks))

    async def _marks_of(self, order: messages.EraseData) -> list[str]:
        reference = self._tracker.open_key(order.key).reference
        correlations, found = Correlations(self._storage), []
        async for mark in correlations.marks(order.key.account):
            activity.heartbeat()
            with suppress(*_UNREADABLE):
                if await correlations.reference(order.key.account, mark) == reference:
                    found.append(mark)
        return found

    @activity.defn(name=messages.FORGET_KEY)
    async def forget_key(self, order: messages.EraseData) -> messages.Erased:
        """Make what is sealed unreadable, in every copy and backup."""
        await forget_key(self._storage, order.path)
        # Not whether this attempt found one: an attempt before it may have forgotten the key.
        return messages.Erased(counts={"keys": int(find_sealed(self._storage) is not None)})

    @activity.defn(name=messages.ERASE_OBJECTS)
    async def erase_objects(self, order: messages.EraseData) -> messages.Erased:
        """Erase what is stored of the verification: its folder, receipts that name it, and its correlations."""
        erased: Counter[str] = Counter()
        eraser = await self._eraser(order)
        found = await eraser.find()
        await self._note_found(order, Counter(kind for _, kind in found))
        async for kind in eraser.erase(found):
            erased[kind] += 1
            activity.heartbeat()
        # A write at the moment of the tombstone may have made a new key. It is of no content, and goes too.
        await forget_key(self._storage, order.path)
        return messages.Erased(counts=erased)

    async def _note_found(self, order: messages.EraseData, found: Counter[str]) -> None:
        """Note how much there was before anything is erased: an attempt that is killed cannot say what it erased."""
        tombstone = await self._tombstones.read(order.path)
        if tombstone is not None and tombstone.found is None and tombstone.finished_at is None:
            runs = [run async for run in list_runs(self._tracker.client, order.path)]
            counts = found + Counter(runs=len(runs))
            await self._tombstones.put(order.path, tombstone.with_found(counts))

    @activity.defn(name=messages.DELETE_RUNS)
    async def delete_runs(self, order: messages.EraseData) -> messages.Erased:
        """Delete every run with its history. One that a late callback has started is ended first."""
        deleted: list[str] = []
        async for run in list_runs(self._tracker.client, order.path):
            await terminate_run(self._tracker.client, run)
            await delete_run(self._tracker.client, run)
            deleted.append(run.run_id)
            activity.heartbeat()
        return messages.Erased(runs=tuple(deleted))

    @activity.defn(name=messages.LIST_LEFT)
    async def list_left(self, order: messages.EraseData) -> messages.Erased:
        """Return what a second look finds, or nothing."""
        left: Counter[str] = Counter(kind for _, kind in await (await self._eraser(order)).find())
        async for _ in list_runs(self._tracker.client, order.path):
            left["runs"] += 1
        return messages.Erased(counts=left)

    @activity.defn(name=messages.FINISH_ERASURE)
    async def finish_erasure(self, finish: messages.FinishErasure) -> Tombstone:
        """Store the receipt in the tombstone, and return it. The first receipt stands."""
        order = finish.order
        tombstone = await self._tombstones.read(order.path)
        if tombstone is None:
            raise ApplicationError("its tombstone is gone", type=messages.REFUSED_INPUT, non_retryable=True)
        # Also of a finished one: an older release may have stored something since, which this order has erased.
        await remove_folders(self._storage, under(order.path))
        if tombstone.finished_at is None:
            tombstone = tombstone.finished(
                at=datetime.now(UTC),
                erased=finish.counts,
                key_forgotten=finish.key_forgotten,
                backups=self._key_backups,
            )
            await self._tombstones.put(order.path, tombstone)
            # One whose time is over, or that came too late.
            await Holds(self._storage).erase(order.path)
            name, about = "vigil_erasures_total", "Verifications whose data was erased, by cause"
            count(name, about, account=order.key.account, cause=str(order.cause))
        return tombstone

    async def _refuse_held(self, order: messages.EraseData) -> None:
        if await Holds(self._storage).in_force(order.path, datetime.now(UTC)) is not None:
            raise ApplicationError("its data is on hold", type=messages.ON_HOLD, non_retryable=True)

    async def _eraser(self, order: messages.EraseData) -> ObjectEraser:
        tombstone = await self._tombstones.read(order.path)
        target = Target(
            account=order.key.account,
            path=order.path,
            reference=self._tracker.open_key(order.key).reference,
            correlations=tombstone.correlations if tombstone else (),
        )
        return ObjectEraser(self._storage, target, self._mark, self._read_receipt)

    async def _read_receipt(self, name: str) -> bytes | None:
        """Return a receipt; None: nobody can read it. Raises `NotStored`."""
        activity.heartbeat()
        try:
            return await self._storage.read(name)
        except _UNREADABLE:
            return None

    def _mark(self, account: str, correlation: str) -> str:
        return digest_correlation(self._digester, account, correlation)


def _registered_correlation(record: Record) -> set[str | None]:
    return {record.subject.registration.correlation} if record.subject.registration else set()
