"""Work whose result is good for everybody who asks within a short time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The newest result of some work. Whoever asks while it is made, or soon after, gets the same."""

    def __init__(self, max_age: timedelta, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take how long a result may be handed out after it was made."""
        self._max_age = max_age.total_seconds()
        self._clock = clock
        self._task: asyncio.Future[T] | None = None
        self._made_at = 0.0

    async def get(self, make: Callable[[], Awaitable[T]]) -> T:
        """Return the result, made anew if it is too old. Raises what the work raises."""
        if self._task is None or (self._task.done() and self._clock() - self._made_at > self._max_age):
            self._task = asyncio.ensure_future(self._make(make))
        # Who goes away does not end the work for the others.
        return await asyncio.shield(self._task)

    async def _make(self, make: Callable[[], Awaitable[T]]) -> T:
        try:
            return await make()
        finally:
            self._made_at = self._clock()
