"""The simulator's clock: contract time, which passes faster than real time by one factor."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

SHORTEST_PATIENCE: Final = timedelta(seconds=1)


def _monotonic() -> timedelta:
    return timedelta(seconds=time.monotonic())


async def _pause(duration: timedelta) -> None:
    await asyncio.sleep(duration.total_seconds())


@dataclass(frozen=True, slots=True)
class Clock:
    """Contract time passes `scale` times as fast as real time.

    `real_now` and `real_sleep` are real time; a test passes its own and moves them.
    """

    scale: float = 1.0
    real_now: Callable[[], timedelta] = _monotonic
    real_sleep: Callable[[timedelta], Awaitable[None]] = _pause

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise ValueError(f"time_scale must be above 0, not {self.scale}")

    def now(self) -> timedelta:
        """Return the contract time since an arbitrary moment."""
        return self.real_now() * self.scale

    async def sleep(self, duration: timedelta) -> None:
        """Sleep for a contract time; return at once if it is not above zero."""
        if duration > timedelta(0):
            await self.real_sleep(duration / self.scale)

    async def sleep_until(self, moment: timedelta) -> None:
        """Sleep until `now()` has reached a moment."""
        await self.sleep(moment - self.now())

    def patience(self, duration: timedelta) -> timedelta:
        """Return the real time that corresponds to a contract time in which a real program must act.

        It is never under one second: the real program does not run faster when the clock does.
        """
        return max(SHORTEST_PATIENCE, duration / self.scale)
