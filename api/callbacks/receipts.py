"""Store the receipt of a callback, and file it once its events are dispatched."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from api.callbacks.circuit_breaker import CircuitBreaker
from api.callbacks.dispatch import DispatchResult
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits
from api.callbacks.receipt_budget import ReceiptBudget
from vigil.domain.digest import Digester
from vigil.observability import Metrics
from vigil.storage.contract import StorageError
from vigil.storage.inbox import AddressedEvent, Inbox, Receipt

_log = structlog.get_logger("vigil.callbacks")


@dataclass(frozen=True)
class StoredReceipt:
    """A receipt as it was stored, and its name; None if the storage did not take it."""

    name: str | None = None
    receipt: Receipt | None = None
    is_attempted: bool = True
    """Whether the storage was called. It is not while its circuit breaker is open."""


class FiledAs(StrEnum):
    """The place of a receipt after filing."""

    PENDING = "pending"
    UNDER_VERIFICATION = "under_verification"
    QUARANTINED = "quarantined"
    ERASED = "erased"


class ReceiptArchive:
    """Stores and files receipts, for fresh callbacks and for the relay."""

    def __init__(
        self,
        inbox: Inbox,
        breaker: CircuitBreaker,
        digester: Digester,
        metrics: Metrics,
        limits: CallbackLimits = DEFAULT_LIMITS,
    ) -> None:
        self._inbox = inbox
        self._breaker = breaker
        self._metrics = metrics
        self._timeout = limits.store_timeout.total_seconds()
        self._budget = ReceiptBudget(digester, metrics, limits)

    async def store(self, receipt: Receipt, *, insist: bool = False, needs_body: bool = False) -> StoredReceipt:
        """Store a pending receipt.

        Never raises for an outage. Then no name is returned; so for a receipt that is over its budget. `insist`: the
        storage is called although its circuit breaker is open. `needs_body`: the body says more than the events.
        """
        affordable = self._budget.fit(receipt, needs_body=needs_body)
        if affordable is None:
            return StoredReceipt()
        receipt = affordable
        try:
            async with asyncio.timeout(self._timeout), self._breaker.admit(insist=insist) as may_call:
                if not may_call:
                    return StoredReceipt(is_attempted=False)
                with self._metrics.storage_seconds.time():
                    name = await self._inbox.keep(receipt)
        except (StorageError, OSError) as error:
            _log.error("callback.not_stored", account=receipt.account, error=type(error).__name__)
            self._breaker.record_failure()
            return StoredReceipt()
        finally:
            self._metrics.breaker_open.labels("storage").set(self._breaker.is_open)
        self._breaker.record_success()
        self._metrics.receipt_bytes.labels(receipt.account, receipt.proof).inc(len(receipt.body))
        return StoredReceipt(name, receipt)

    async def is_repeated(self, event: AddressedEvent) -> bool:
        """Return whether the event was dispatched before, within the time in which its sender may repeat it.

        Raises `StorageUnavailable`.
        """
        if event.mark is None:
            return False
        at = event.event.received_at
        return await self._inbox.was_seen(event.path, event.mark, at=at, within=event.repeats_until - at)

    async def file(
        self,
        name: str,
        account: str,
        events: Sequence[AddressedEvent],
        results: Sequence[DispatchResult],
        *,
        receipt: Receipt | None = None,
    ) -> FiledAs:
        """File a receipt under the verification of its first event, or quarantine it if no verification has it.

        May be repeated and interrupted. A receipt with an event that is not settled stays pending, for the relay.
        `receipt`: what is stored under the name, from who has just stored it. Raises `StorageUnavailable`; the receipt
        then stays pending too.
        """
        if len(results) != len(events) or not all(result.is_settled for result in results):
            return FiledAs.PENDING
        if not any(result.is_delivered for result in results):
            await self.quarantine(name, account)
            return FiledAs.QUARANTINED
        kept = [event for event, result in zip(events, results, strict=True) if result is not DispatchResult.ERASED]
        if not kept:
            await self._inbox.forget(name)
            return FiledAs.ERASED
        filed = await self._inbox.file_under(name, kept[0].path, receipt)
        for event, result in zip(events, results, strict=True):
            if result is DispatchResult.SIGNALED and event.mark is not None:
                await self._inbox.mark_seen(event.path, event.mark, filed=filed, until=event.repeats_until)
        return FiledAs.UNDER_VERIFICATION

    async def quarantine(self, name: str, account: str) -> None:
        """File a receipt that belongs to no verification. Raises `StorageUnavailable`."""
        await self._inbox.file_under(name, None)
        self._metrics.quarantined.labels(account).inc()
