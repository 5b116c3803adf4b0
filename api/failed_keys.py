"""Keys that nobody holds: they are counted, and a source that shows many is answered slowly."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

import structlog

from api.problems import Problem
from vigil.observability import Metrics

FREE_FAILURES: Final = 10
"""Failed keys of one source that are answered at once, in one window."""
FAILURE_WINDOW: Final = timedelta(minutes=1)
REFUSAL_DELAY: Final = timedelta(seconds=1)
MOST_SOURCES: Final = 1024
MOST_DELAYED: Final = 100

_log = structlog.get_logger("vigil.api")


class FailedKeys:
    """Counts failed keys, and delays the refusals of a source that fails often. A right key is never delayed."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._wait = wait
        self._failures: OrderedDict[object, tuple[float, int]] = OrderedDict()
        self._delayed = 0

    async def note(self, reason: str, source: IPv4Address | IPv6Address | None) -> None:
        """Count one failure and return when it may be answered. Raises `Problem` 429 if too many wait already."""
        self._metrics.failed_keys.labels(reason=reason).inc()
        count = self._count(_neighbourhood(source))
        if count <= FREE_FAILURES:
            _log.warning("key.refused", reason=reason, count=count)
            return
        if self._delayed >= MOST_DELAYED:
            raise Problem(
                429, "too_many_failures", "Too many requests without a valid key", headers={"Retry-After": "60"}
            )
        self._delayed += 1
        try:
            await self._wait(REFUSAL_DELAY.total_seconds())
        finally:
            self._delayed -= 1

    def _count(self, source: object) -> int:
        now = self._clock()
        began, count = self._failures.pop(source, (now, 0))
        if now - began > FAILURE_WINDOW.total_seconds():
            began, count = now, 0
        self._failures[source] = began, count + 1
        while len(self._failures) > MOST_SOURCES:
            self._failures.popitem(last=False)
        return count + 1


def _neighbourhood(source: IPv4Address | IPv6Address | None) -> object:
    """Return what counts as one source: of IPv6, the network that one customer is given."""
    return IPv6Network((source, 64), strict=False) if isinstance(source, IPv6Address) else source
