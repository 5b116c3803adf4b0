"""Have the data of a verification erased, and keep erased what is erased. Holds forbid it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from vigil.domain.hold import Hold, HoldReason
from vigil.domain.retention import KeepRules, ended_at
from vigil.domain.situation import Situation
from vigil.domain.terms import Name
from vigil.domain.tombstone import ErasureCause, Tombstone
from vigil.domain.verification_key import VerificationKey
from vigil.errors import DataErased, DataOnHold, NotErased, NotHeld, UnknownVerification
from vigil.lookup import KnownVerification, VerificationLookup
from vigil.storage.contract import Storage, under
from vigil.storage.tombstones import Holds, Tombstones
from vigil.temporal import messages
from vigil.temporal.client import DESCRIBE_TIMEOUT, VerificationClient


@dataclass(frozen=True)
class Erasures:
    """Erasures and holds of all verifications. Safe to share."""

    storage: Storage
    tracker: VerificationClient
    lookup: VerificationLookup
    rules: Mapping[str, KeepRules] = field(default_factory=dict)
    """How long the data of each account is kept: the law may forbid to erase it earlier."""

    async def erase(
        self, key: VerificationKey, *, by: Name, within: timedelta, cause: ErasureCause = ErasureCause.REQUEST
    ) -> Tombstone | None:
        """Erase the data of a verification, and return its receipt; None: it was begun, and goes on after `within`.

        Repeating it is harmless: there is one erasure of a verification.

        Raises:
            UnknownAccount, UnknownVerification: there is no such verification.
            DataOnHold: a hold forbids it.
            RPCError, StorageUnavailable: Temporal or the storage gave no usable answer.

        """
        path = self.tracker.path(key)
        known = await self._find(key)
        if known.tombstone is not None and known.tombstone.finished_at is not None:
            return known.tombstone
        await self._refuse_held(path)
        self._refuse_too_early(known)
        order = messages.EraseData(
            key=self.tracker.seal_capability(key), path=path, asked_by=by, cause=cause, at=datetime.now(UTC)
        )
        handle = await self.tracker.client.start_workflow(
            messages.ERASURE_WORKFLOW,
            order,
            id=messages.erasure_id(path),
            task_queue=messages.VERIFICATIONS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"Erase the data of a verification at `{key.account}`",
            result_type=Tombstone,
            rpc_timeout=DESCRIBE_TIMEOUT,
        )
        try:
            async with asyncio.timeout(within.total_seconds()):
                done: Tombstone = await handle.result()
        except TimeoutError:
            return None
        except WorkflowFailureError as error:
            await self._refuse_held(path)
            raise NotErased from error
        return done

    async def _find(self, key: VerificationKey) -> KnownVerification:
        """Return all that is known. What a run has stored counts, also where Temporal and the records know nothing."""
        try:
            return await self.lookup.get(key)
        except UnknownVerification:
            if not await self.storage.list(under(self.tracker.path(key)), limit=1):
                raise
            return KnownVerification(key=key, situation=Situation(summary=None, is_open=False), record=None)

    async def read(self, key: VerificationKey) -> Tombstone:
        """Return the receipt of an erasure, also of one that is not finished. Raises `NotErased`."""
        tombstone = await self.lookup.read_tombstone(key)
        if tombstone is None:
            raise NotErased
        return tombstone

    async def hold(self, key: VerificationKey, hold: Hold) -> Hold:
        """Place a hold, or replace the one that stands.

        Raises:
            UnknownAccount, UnknownVerification: there is no such verification.
            DataErased: its data was erased already.
            RPCError, StorageUnavailable: Temporal or the storage gave no usable answer.

        """
        known = await self.lookup.get(key)
        if known.tombstone is not None:
            raise DataErased
        path = self.tracker.path(key)
        await Holds(self.storage).put(path, hold)
        # An erasure stores its tombstone before it looks for a hold, so one of the two sees what the other did. If both
        # do, the hold stays, and the erasure ends: rather a hold that was called too late than data that is lost.
        if await Tombstones(self.storage).exists(path):
            raise DataErased
        return hold

    async def read_hold(self, key: VerificationKey) -> Hold:
        """Return the hold that is in force. Raises `NotHeld`."""
        hold = await Holds(self.storage).in_force(self.tracker.path(key), datetime.now(UTC))
        if hold is None:
            raise NotHeld
        return hold

    async def release(self, key: VerificationKey) -> None:
        """Release the hold. If there is none, that is success."""
        await Holds(self.storage).erase(self.tracker.path(key))

    async def start_discovered(self, key: VerificationKey) -> bool:
        """Track a verification that the provider lists; False: it is known, or its data was erased."""
        return not await self._is_erased(key) and await self.tracker.start_discovered(key)

    async def start_recheck(self, key: VerificationKey, revision: int) -> bool:
        """Have a finished verification read again; False: it has another verdict by now, or its data was erased."""
        return not await self._is_erased(key) and await self.tracker.start_recheck(key, revision)

    async def _is_erased(self, key: VerificationKey) -> bool:
        return await Tombstones(self.storage).exists(self.tracker.path(key))

    def _refuse_too_early(self, known: KnownVerification) -> None:
        """Raise `DataOnHold` before the legal minimum. A verification without an end would end by its erasure."""
        rules, now = self.rules.get(known.key.account), datetime.now(UTC)
        end = ended_at(known.record) if known.record is not None else None
        until = rules.kept_until(end or now) if rules is not None and known.tombstone is None else None
        if until is not None and now < until:
            raise DataOnHold(HoldReason.LEGAL_MINIMUM, "the settings", until)

    async def _refuse_held(self, path: str) -> None:
        hold = await Holds(self.storage).in_force(path, datetime.now(UTC))
        if hold is not None:
            raise DataOnHold(str(hold.reason), hold.author, hold.until)
