"""When the next verification begins: soon on a machine that has time, later on one that has not."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_IDLE: Final = 0.1
"""The share of all cores that has nothing to do on a machine that has time."""
_LOOK_EVERY: Final = 0.05


def _ticks() -> tuple[int, int]:
    """Return since the start of the machine the ticks of all cores, and those that were idle. Linux alone tells it."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    except OSError:
        return 0, 0
    ticks = [int(each) for each in first.split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


@dataclass
class Pace:
    """Lets `shortest` seconds pass between two beginnings and, while all cores are busy, up to `longest`."""

    shortest: float
    longest: float
    _before: tuple[int, int] = field(default_factory=_ticks)

    async def wait(self) -> None:
        """Return when the next may begin."""
        until = time.monotonic() + self.longest
        await asyncio.sleep(self.shortest)
        while time.monotonic() < until and not self._has_time():  # noqa: ASYNC110 -- no event tells it
            await asyncio.sleep(_LOOK_EVERY)
        self._before = _ticks()

    def _has_time(self) -> bool:
        now, idle = _ticks()
        passed, rested = now - self._before[0], idle - self._before[1]
        return passed > 0 and rested / passed >= _IDLE
