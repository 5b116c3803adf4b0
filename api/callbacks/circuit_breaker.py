"""A circuit breaker: an outage of a dependency must not cost every caller its time."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, TypeVar

from vigil.storage.contract import StorageError

FAILURES_TO_OPEN: Final = 5
OPEN_FOR: Final = timedelta(seconds=5)

T = TypeVar("T")


class CircuitBreaker:
    """Opens after several failures in a row. After a pause it allows one attempt, which closes it or opens it again."""

    def __init__(
        self,
        *,
        failures: int = FAILURES_TO_OPEN,
        open_for: timedelta = OPEN_FOR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._open_for = open_for.total_seconds()
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._turn = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether no call is allowed now."""
        return self._opened_at is not None and self._clock() - self._opened_at < self._open_for

    def allow(self) -> bool:
        """Return whether the caller may call. After the pause one caller may, and the others wait for its result."""
        if self.is_open:
            return False
        if self._opened_at is not None:
            self._opened_at = self._clock()
        return True

    @asynccontextmanager
    async def admit(self, *, insist: bool) -> AsyncIterator[bool]:
        """Enter with whether the caller may call. With `insist` it always may.

        While the breaker allows no call, callers that insist call one after the other: a dependency that stalls then
        holds one call of theirs, and the first success lets all others pass.
        """
        if self.allow():
            yield True
        elif insist:
            async with self._turn:
                yield True
        else:
            yield False

    async def ask_storage(self, question: Callable[[], Awaitable[T]], *, within: float) -> T | None:
        """Return the storage's answer; None while the breaker is open, or if there is no answer in so many seconds."""
        if not self.allow():
            return None
        try:
            async with asyncio.timeout(within):
                answer = await question()
        except (StorageError, OSError):
            self.record_failure()
            return None
        # Without this, the one attempt after a pause would be spent here, and no receipt be stored any more.
        self.record_success()
        return answer

    def record_success(self) -> None:
        """Close the breaker: the dependency gave a usable answer."""
        self._failures = 0
        self._opened_at = None

    def record_failure(self) -> None:
        """Count a call without a usable answer, and open the breaker at the limit."""
        self._failures += 1
        if self._failures >= self._limit:
            self._opened_at = self._clock()
