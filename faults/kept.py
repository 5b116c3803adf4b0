"""Whether an accepted callback is anywhere: among the stored receipts, or among the signals in Temporal's histories."""

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from faults.ledger import Attempt
from faults.mix import Case
from vigil.domain.digest import Digester
from vigil.storage.contract import NotStored, Storage, names_under
from vigil.storage.receipt_names import PENDING, QUARANTINED

CLOCKS_DIFFER: Final = timedelta(milliseconds=100)
_TOLD: Final = "callback_received"


class Kept:
    """All receipts of the storage, by the digest of their callback's body and the time at which it came."""

    def __init__(self, storage: Storage, digester: Digester, client: Client) -> None:
        """Take the open parts of the installation. `read` comes first."""
        self.pending: list[str] = []
        """The receipts that no verification is told of yet."""
        self._storage = storage
        self._digester = digester
        self._client = client
        self._received: defaultdict[str, list[datetime]] = defaultdict(list)
        self._told: dict[str, list[tuple[str, datetime]]] = {}

    async def read(self) -> None:
        """Read all receipts: the pending ones first, since each may be filed while we read."""
        self.pending = await pending(self._storage)
        await self._note_all(self.pending)
        await self._note_all([name async for name in names_under(self._storage, QUARANTINED)])
        await self._note_all(
            [name async for name in names_under(self._storage, "verifications/") if "/receipts/" in name]
        )

    async def _note_all(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(NotStored):  # it is filed by now, and is read there
                self._note(json.loads(await self._storage.read(name)))

    def _note(self, receipt: dict[str, object]) -> None:
        at = datetime.fromisoformat(str(receipt["received_at"]))
        events = receipt.get("events") or []
        assert isinstance(events, list)  # noqa: S101 -- the form of a receipt
        for addressed in events:
            self._received[addressed["event"]["delivery"]].append(at)
        if not events:  # it names no verification
            self._received[_mark(str(receipt["account"]))].append(at)

    def has(self, attempt: Attempt) -> bool:
        """Return whether there is a receipt of a callback."""
        marks = (self._digester.digest("delivery", attempt.body), _mark(attempt.account))
        return any(_fits(attempt, at) for mark in marks for at in self._received[mark])

    async def was_told(self, attempt: Attempt, cases: Sequence[Case]) -> bool:
        """Return whether a run of the verification received a callback as a signal."""
        mark = self._digester.digest("delivery", attempt.body)
        owners = [case for case in cases if case.account == attempt.account and is_about(case, attempt.body)]
        for case in owners:
            if any(told == mark and _fits(attempt, at) for told, at in await self._signals(case)):
                return True
        return False

    async def _signals(self, case: Case) -> list[tuple[str, datetime]]:
        workflow_id = f"verification/{case.account}/{case.shown_as.removeprefix(case.account + '/')}"
        if workflow_id not in self._told:
            self._told[workflow_id] = [
                signal
                async for run in self._client.list_workflows(f"WorkflowId = '{workflow_id}'")
                async for signal in _signals_of(self._client, workflow_id, run.run_id)
            ]
        return self._told[workflow_id]


async def _signals_of(client: Client, workflow_id: str, run_id: str) -> AsyncIterator[tuple[str, datetime]]:
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    async for event in handle.fetch_history_events():
        if event.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            continue
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name == _TOLD:
            (told,) = await client.data_converter.decode(signal.input.payloads)
            yield told["delivery"], datetime.fromisoformat(told["received_at"])


async def pending(storage: Storage) -> list[str]:
    """Return the names of the pending receipts."""
    return [name async for name in names_under(storage, PENDING)]


def is_about(case: Case, body: bytes) -> bool:
    """Return whether a callback names a verification."""
    return bool(case.reference) and all(part.encode() in body for part in case.reference.split(":"))


def _fits(attempt: Attempt, at: datetime) -> bool:
    return attempt.sent_at - CLOCKS_DIFFER <= at <= attempt.answered_at + CLOCKS_DIFFER


def _mark(account: str) -> str:
    return hashlib.sha256(account.encode()).hexdigest()
