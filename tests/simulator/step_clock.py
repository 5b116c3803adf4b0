"""Real time that moves only when a test says so."""

import asyncio
import heapq
import itertools
from datetime import timedelta

from vigil.simulator.clock import Clock

# More turns of the event loop than any exchange in memory takes.
TURNS = 60


class StepClock:
    """Hands its `now` and `sleep` to a `Clock`; `advance` wakes the sleepers one after the other."""

    def __init__(self) -> None:
        self._now = timedelta(0)
        self._sleepers: list[tuple[timedelta, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def at_scale(self, scale: float) -> Clock:
        return Clock(scale, real_now=lambda: self._now, real_sleep=self._sleep)

    async def advance(self, duration: timedelta) -> None:
        until = self._now + duration
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._now, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)
            await settle()
        self._now = until

    async def _sleep(self, duration: timedelta) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + duration, next(self._order), sleeper))
        await sleeper


async def settle() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)
