"""Tells verifications of callbacks that were kept and, for whatever reason, not told: a loop in every API process."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from api.delivery import Delivered, Delivery
from api.filing import Filed, Filing, Message, messages_of
from vigil.domain.message import MessageReceived, MessageRequest
from vigil.observability import Metrics, where
from vigil.storage.contract import NotStored
from vigil.storage.inbox import Inbox, filed_name, is_late_message

OLDER_THAN: Final = timedelta(seconds=5)
ROUND_EVERY: Final = timedelta(seconds=1)
RATE: Final = 50
HAND_OVER_EVERY: Final = timedelta(minutes=1)
AT_ONCE: Final = 4
"""Few, so that fresh callbacks find storage and Temporal free."""
PAGE: Final = 1000
"""So many are looked at in one round. The next round looks at those after them, so that what cannot be settled, as when
a cap holds it or its account is gone, does not stand before all that came later."""

_log = structlog.get_logger("vigil.relay")


class Relay:
    """Settles pending callbacks, at most `rate` a second. Any number may run beside each other, without leases.

    They pick at random, so that two of them seldom pick the same; where they do, a notice that comes twice is
    harmless, and so is filing twice.
    """

    def __init__(
        self,
        inbox: Inbox,
        delivery: Delivery,
        metrics: Metrics,
        *,
        rate: int = RATE,
        page: int = PAGE,
        every: timedelta = ROUND_EVERY,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._inbox = inbox
        self._delivery = delivery
        self._metrics = metrics
        self._filing = Filing(inbox, metrics)
        self._rate = rate
        self._page = page
        self._every = every
        self._after: str | None = None
        self._looked_at = 0
        self._backlog = 0
        self._now = now
        self._troubles: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._handed_over: dict[str, datetime] = {}
        self._without_text: set[str] = set()

    async def run(self) -> None:
        """Go round until canceled. What goes wrong in one round is tried again in the next."""
        while True:
            try:
                await self.go_round()
            except Exception as error:  # noqa: BLE001 -- the loop must outlive whatever one round meets
                _log.error("relay.failed", error=type(error).__name__, code=where(error))
            await asyncio.sleep(self._every.total_seconds())

    async def go_round(self) -> int:
        """Settle what is pending, as far as one second's rate goes; returns how many were settled.

        Raises `StorageUnavailable`.
        """
        names = await self._next_page()
        await self._forget_late_texts(names)
        waiting = self._recently_handed_over()
        names = [name for name in names if name not in waiting]
        if self._delivery.breaker.is_open:
            return 0
        chosen = secrets.SystemRandom().sample(names, min(self._rate, len(names)))
        self._troubles.clear()
        settled = sum(await asyncio.gather(*(self._settle_in_turn(name) for name in chosen)))
        self._metrics.relayed.inc(settled)
        for error, count in self._troubles.items():
            _log.warning("relay.left_pending", error=error, count=count)
        return settled

    async def _next_page(self) -> list[str]:
        names = await self._inbox.pending(self._now() - OLDER_THAN, limit=self._page, after=self._after)
        self._looked_at += len(names)
        if len(names) == self._page:
            self._after = names[-1]
            self._metrics.relay_backlog.set(max(self._looked_at, self._backlog))
        else:
            self._metrics.relay_backlog.set(self._looked_at)
            self._after, self._backlog, self._looked_at = None, self._looked_at, 0
        return names

    async def _settle_in_turn(self, name: str) -> bool:
        async with self._slots:
            try:
                return await self._settle(name)
            except NotStored:
                return False  # another process was faster
            except Exception as error:  # noqa: BLE001 -- one that cannot be settled must not hold up the others
                self._troubles[f"{type(error).__name__} {where(error)}"] += 1
                return False

    async def _settle(self, name: str) -> bool:
        try:
            receipt = await self._inbox.read(name)
            messages = messages_of(receipt)
        except ValidationError:
            _log.error("relay.unreadable_receipt")
            await self._filing.quarantine(name, "unknown")
            return True
        if receipt.message is not None:
            return await self._send(name, receipt.message)
        delivered = [await self._tell(name, messages[0].path, message) for message in messages]
        return await self._filing.file(name, receipt.account, messages, delivered) is not Filed.PENDING

    async def _send(self, name: str, order: MessageRequest) -> bool:
        """Hand a message over to its workflow, which erases the receipt, sends nothing past the fence, and notes it."""
        delivered = await self._delivery.send(MessageReceived(order=order, receipt=name))
        if delivered.is_settled:
            self._handed_over[name] = self._now()
        return delivered.is_settled

    async def _forget_late_texts(self, names: list[str]) -> None:
        """Take out what must not be sent any more. This waits for nobody: Temporal may be away for long."""
        late = {name for name in names if is_late_message(name, self._now())}
        for name in late - self._without_text:
            await self._inbox.forget_text(name)
        self._without_text = late

    def _recently_handed_over(self) -> Collection[str]:
        # Its receipt stays where it is until the workflow has erased it, and telling the workflow again is no help.
        before = self._now() - HAND_OVER_EVERY
        self._handed_over = {name: at for name, at in self._handed_over.items() if at > before}
        return self._handed_over

    async def _tell(self, name: str, first_place: str, message: Message) -> Delivered:
        notice = message.notice.model_copy(update={"receipt": filed_name(name, first_place)})
        return await self._delivery.tell(message.key, notice, seen=await message.is_repetition(self._inbox))
