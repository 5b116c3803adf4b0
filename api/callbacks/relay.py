"""The outbox relay: a loop in every API process that dispatches callbacks which are stored and not dispatched yet."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from api.callbacks.dependencies import CallbackServices
from api.callbacks.dispatch import DispatchResult
from api.callbacks.receipts import FiledAs
from vigil.audit import erase_old_lines
from vigil.domain.message import MessageReceived, MessageRequest
from vigil.observability import where
from vigil.storage.budgets import erase_old_units
from vigil.storage.contract import NotStored
from vigil.storage.inbox import AddressedEvent, Retention
from vigil.storage.receipt_names import filed_name, is_late_message, received_at_of

OLDER_THAN: Final = timedelta(seconds=5)
"""Younger receipts are left to the process that stored them."""
WAITS_FOR_READER: Final = timedelta(days=1)
"""How long a receipt that this release cannot read waits for a process of the release that wrote it."""
REPEAT_MESSAGE_AFTER: Final = timedelta(minutes=1)
ERASE_EVERY: Final = timedelta(minutes=1)
AT_ONCE: Final = 4
"""Few, so that fresh callbacks find storage and Temporal free."""


@dataclass(frozen=True)
class RelayPace:
    """How fast the relay works.

    A round looks at one `page` of receipts, and the next round at the page after it. So receipts that cannot be
    settled, since the limit of starts is reached or their account is gone, do not hide the receipts behind them.
    """

    page: int = 1000
    per_round: int = 50
    round_every: timedelta = timedelta(seconds=1)


DEFAULT_PACE: Final = RelayPace()
DEFAULT_RETENTION: Final = Retention()

_log = structlog.get_logger("vigil.relay")


class Relay:
    """Settles pending receipts. Any number of relays may run at once, without leases.

    Each picks at random, so that two relays rarely pick the same receipt. If they do, no harm is done: an event may
    arrive twice, and filing may be repeated.
    """

    def __init__(
        self,
        services: CallbackServices,
        pace: RelayPace = DEFAULT_PACE,
        *,
        retention: Retention = DEFAULT_RETENTION,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._storage = services.storage
        self._inbox = services.inbox
        self._archive = services.archive
        self._dispatcher = services.dispatcher
        self._metrics = services.metrics
        self._pace = pace
        self._retention = retention
        self._now = now
        self._after: str | None = None
        self._counted = 0
        self._backlog = 0
        self._troubles: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._started_messages: dict[str, datetime] = {}
        self._without_text: set[str] = set()
        self._erase_at = now()

    async def run(self) -> None:
        """Run rounds until canceled. What fails in one round is tried again in the next."""
        while True:
            try:
                await self.run_round()
            except Exception as error:  # noqa: BLE001 -- the loop must survive any failure of one round
                _log.error("relay.failed", error=type(error).__name__, code=where(error))
            await asyncio.sleep(self._pace.round_every.total_seconds())

    async def run_round(self) -> int:
        """Settle pending receipts, at most `per_round`, and return how many were settled.

        Raises `StorageUnavailable`.
        """
        await self._file_dispatched()
        names = await self._next_page()
        await self._forget_late_texts(names)
        await self._erase_outdated()
        if self._dispatcher.breaker.is_open:
            return 0
        started = self._recently_started_messages()
        names = [name for name in names if name not in started]
        chosen = secrets.SystemRandom().sample(names, min(self._pace.per_round, len(names)))
        self._troubles.clear()
        settled = sum(await asyncio.gather(*(self._in_slot(self._settle, name) for name in chosen)))
        self._metrics.relayed.inc(settled)
        for error, count in self._troubles.items():
            _log.warning("relay.left_pending", error=error, count=count)
        return settled

    async def _next_page(self) -> list[str]:
        names = await self._inbox.pending(self._now() - OLDER_THAN, limit=self._pace.page, after=self._after)
        self._counted += len(names)
        if len(names) == self._pace.page:
            self._after = names[-1]
            self._metrics.relay_backlog.set(max(self._counted, self._backlog))
        else:
            self._metrics.relay_backlog.set(self._counted)
            self._after, self._backlog, self._counted = None, self._counted, 0
        return names

    async def _file_dispatched(self) -> None:
        """File what processes dispatched that cannot read it."""
        notes = await self._inbox.dispatched(self._pace.page)
        await asyncio.gather(*(self._in_slot(self._file, note) for note in notes))

    async def _file(self, note: str) -> bool:
        await self._inbox.file_dispatched(note)
        return True

    async def _in_slot(self, work: Callable[[str], Awaitable[bool]], name: str) -> bool:
        async with self._slots:
            try:
                return await work(name)
            except NotStored:
                return False  # another process was faster
            except Exception as error:  # noqa: BLE001 -- a receipt that cannot be settled must not stop the others
                self._troubles[f"{type(error).__name__} {where(error)}"] += 1
                return False

    async def _settle(self, name: str) -> bool:
        try:
            receipt = await self._inbox.read(name)
        except ValidationError:
            return await self._quarantine_if_old(name)
        if receipt.message is not None:
            return await self._start_message(name, receipt.message)
        results = [await self._dispatch(name, receipt.events[0].path, event) for event in receipt.events]
        return await self._archive.file(name, receipt.account, receipt.events, results) is not FiledAs.PENDING

    async def _quarantine_if_old(self, name: str) -> bool:
        """Quarantine an unreadable receipt. A younger one may be of a later release, whose relay reads it."""
        received_at = received_at_of(name)
        if received_at is not None and self._now() < received_at + WAITS_FOR_READER:
            self._troubles["receipt_not_readable"] += 1
            return False
        _log.error("relay.unreadable_receipt")
        await self._archive.quarantine(name, "unknown")
        return True

    async def _dispatch(self, name: str, first_path: str, addressed: AddressedEvent) -> DispatchResult:
        event = addressed.event.model_copy(update={"receipt": filed_name(name, first_path)})
        # Asked before the signal, not within its time as for a sender: nobody waits here, and an outage is raised.
        known = await self._archive.is_repeated(addressed)

        async def is_repeated() -> bool:
            return known

        return await self._dispatcher.dispatch(addressed.key, event, is_repeated=is_repeated)

    async def _start_message(self, name: str, request: MessageRequest) -> bool:
        """Start the workflow of a message. It sends nothing too late, reports the result, and erases the receipt."""
        result = await self._dispatcher.start_message(MessageReceived(order=request, receipt=name))
        if result.is_settled:
            self._started_messages[name] = self._now()
        return result.is_settled

    async def _forget_late_texts(self, names: list[str]) -> None:
        """Erase the texts that must not be sent any more. This needs no Temporal, which may be away for long."""
        late = {name for name in names if is_late_message(name, self._now())}
        for name in late - self._without_text:
            await self._inbox.forget_text(name)
        self._without_text = late

    async def _erase_outdated(self) -> None:
        if self._now() >= self._erase_at:
            self._erase_at = self._now() + ERASE_EVERY
            await self._inbox.erase_outdated(self._retention, self._now())
            await erase_old_units(self._storage, self._now())
            await erase_old_lines(self._storage, self._retention.audit, self._now())

    def _recently_started_messages(self) -> Collection[str]:
        # A receipt stays pending until the workflow has erased it. To start the workflow again at once is of no use.
        before = self._now() - REPEAT_MESSAGE_AFTER
        self._started_messages = {name: at for name, at in self._started_messages.items() if at > before}
        return self._started_messages
