"""How many callbacks of one verification a process signals in a minute. The others are stored, and signal nothing."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from vigil.domain.callback_event import CallbackEvent


class SignalCap:
    """Counts signals by verification, those of proven callbacks apart: strangers must not use up their number.

    One receipt over the number stays pending. So the verification is signalled again after the last callback, when the
    minute is over, and the provider is read. The minutes of all processes are the same, and of two receipts that two
    processes left pending the older one stays.
    """

    def __init__(self, per_minute: int, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._per_minute = per_minute
        self._now = now
        self._minute = self._this_minute()
        self._counts: Counter[tuple[str, bool]] = Counter()
        self._pending: dict[tuple[str, bool], str] = {}

    def count(self, path: str, event: CallbackEvent) -> None:
        """Count a signal that the verification took. There are as many keys as verifications in a minute."""
        self._counts[path, event.proof.may_start] += 1

    def is_reached(self, path: str, event: CallbackEvent) -> bool:
        """Whether an event must not be signalled now. A proven one that nothing else keeps always is."""
        if self._minute != self._this_minute():
            self._minute = self._this_minute()
            self._counts.clear()
            self._pending.clear()
        is_kept = event.receipt is not None or not event.proof.may_start
        return is_kept and self._counts[path, event.proof.may_start] >= self._per_minute

    def stays_pending(self, path: str, event: CallbackEvent) -> bool:
        """Whether the receipt of an event over the number is the one that stays pending."""
        if event.receipt is None:
            return False
        return event.receipt <= self._pending.setdefault((path, event.proof.may_start), event.receipt)

    def _this_minute(self) -> datetime:
        return self._now().replace(second=0, microsecond=0)
