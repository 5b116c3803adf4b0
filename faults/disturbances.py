"""The faults: a process is killed or stopped, or the disk fails, at random moments and at chosen ones."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from faults.fleet import WORKERS, Fleet
from faults.ledger import Disturbance
from faults.places import APIS, Storage
from faults.receivers import MESSAGES
from faults.storage_faults import OF_A_BUCKET, OF_A_FOLDER, RECORDS

RANDOM: Final = "random"
MOST_AT_ONCE: Final = 2
"""So many processes are away at the same time."""
_LOOK_EVERY: Final = 0.002
_MOMENT_WITHIN: Final = 3.0
"""A moment that does not come within so many seconds becomes a random one."""


@dataclass(frozen=True)
class Kind:
    """One kind of fault: what is done to which processes, at which moment, and how often compared with others."""

    what: str
    targets: Sequence[str]
    moment: str = RANDOM
    weight: int = 1

    @property
    def name(self) -> str:
        """Its name in reports, such as `kill worker`."""
        return f"{self.what} {self.targets[0].partition('-')[0]}"


KINDS: Final = (
    Kind("kill", APIS, weight=2),
    Kind("kill", WORKERS, weight=2),
    Kind("kill", ["temporal"]),
    Kind("kill", ["receivers"]),
    Kind("restart", ["simulator"]),
    Kind("stop", APIS),
    Kind("stop", WORKERS),
    Kind("stop", ["temporal"]),
    Kind("stop", ["receivers"]),
    Kind("stop", ["simulator"]),
    Kind("kill", APIS, "receipt written", weight=2),
    Kind("kill", APIS, "signal sent", weight=2),
    Kind("kill", WORKERS, "draft open"),
    Kind("kill", WORKERS, "record half written"),
    Kind("kill", WORKERS, "message handed over", weight=2),
    Kind("delays", ["network"]),
)
_OF_THE_FOLDER: Final = frozenset({"receipt written", "signal sent", "draft open", "record half written"})
"""The moments that are seen in the folder of the storage."""


def kinds_of(storage: Storage) -> Sequence[Kind]:
    """Return the kinds of faults that an installation with this storage can meet."""
    if storage is Storage.FOLDER:
        return (*KINDS, *(Kind(fault, ["storage"]) for fault in OF_A_FOLDER))
    seen = (kind for kind in KINDS if kind.moment not in _OF_THE_FOLDER)
    return (*seen, *(Kind(fault, ["storage"], weight=2) for fault in OF_A_BUCKET))


@dataclass
class Disturber:
    """Causes one fault after the other, from a seed, and notes each."""

    fleet: Fleet
    random: Random
    longest: float
    """Seconds that a fault lasts at most."""
    pause: float
    """Seconds between two faults, at most."""
    done: list[Disturbance] = field(default_factory=list)
    _under_way: list[str] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)

    def under_way(self) -> tuple[str, ...]:
        """Return the names of the faults of this moment."""
        return tuple(self._under_way)

    async def run(self, over: asyncio.Event) -> None:
        """Cause faults until it is over, and leave every process running.

        While a process starts again, the next fault may meet another one.
        """
        kinds: list[Kind] = []
        async with asyncio.TaskGroup() as under_way:
            while not over.is_set():
                await asyncio.sleep(self.random.uniform(0.3, 1) * self.pause)
                if not kinds:  # each kind has its turns before any has more of them
                    kinds = [kind for kind in kinds_of(self.fleet.places.kind) for _ in range(kind.weight)]
                    self.random.shuffle(kinds)
                # One of two processes is always left: with neither, a slow machine would test nothing else.
                kind = next((kind for kind in kinds if not self._busy & set(kind.targets)), None)
                if kind is not None and len(self._busy) < MOST_AT_ONCE:
                    kinds.remove(kind)
                    target = self.random.choice(list(kind.targets))
                    self._busy.add(target)
                    under_way.create_task(self._cause(kind, target))

    async def _cause(self, kind: Kind, target: str) -> None:
        """Cause one fault and wait until it is over."""
        try:
            await self._meet(kind, target)
        finally:
            self._busy.remove(target)

    async def _meet(self, kind: Kind, target: str) -> None:
        moment = kind.moment
        if moment != RANDOM and not await self._await_moment(moment):
            moment = RANDOM
        began_at, began = datetime.now(UTC), time.monotonic()
        with self._noted(kind.name):
            recovered = await self._act(kind.what, target, self.random.uniform(0.1, 1) * self.longest)
        lasted = time.monotonic() - began
        self.done.append(Disturbance(kind.name, target, moment, began_at, lasted, recovered))

    async def _act(self, what: str, target: str, lasts: float) -> float | None:
        """Do it, and return how many seconds the process took to be ready again."""
        if target == "network":  # the proxy sees that it is under way
            await asyncio.sleep(lasts)
            return None
        if target == "storage":
            switch = self.fleet.places.switch
            switch.write_text(what, encoding="ascii")
            await asyncio.sleep(lasts)
            switch.unlink()
            return None
        if what == "stop":
            self.fleet.pause(target)
            await asyncio.sleep(lasts)
            self.fleet.resume(target)
            return None
        await (self.fleet.kill(target) if what == "kill" else self.fleet.terminate(target))
        await asyncio.sleep(lasts / 3)
        return await self.fleet.start(target)

    @contextmanager
    def _noted(self, name: str) -> Iterator[None]:
        self._under_way.append(name)
        try:
            yield
        finally:
            self._under_way.remove(name)

    async def _await_moment(self, moment: str) -> bool:
        """Return when the moment is there; False if it did not come."""
        storage, folder = self.fleet.places.storage, self.fleet.places.folder
        moments: Mapping[str, Callable[[], Awaitable[bool]]] = {
            "receipt written": lambda: _grows(lambda: _names(storage / "inbox" / "pending")),
            "signal sent": lambda: _shrinks(lambda: _names(storage / "inbox" / "pending")),
            "draft open": lambda: _grows(lambda: _names(storage / ".tmp")),
            "record half written": lambda: _grows(lambda: _lines(folder / RECORDS)),
            "message handed over": lambda: _grows(lambda: _lines(folder / MESSAGES)),
        }
        return await moments[moment]()


async def _grows(look: Callable[[], frozenset[str]]) -> bool:
    """Wait until there is something that was not there before."""
    return await _changes(look, lambda before, now: bool(now - before))


async def _shrinks(look: Callable[[], frozenset[str]]) -> bool:
    """Wait until something that was there is gone."""
    return await _changes(look, lambda before, now: bool(before - now))


async def _changes(look: Callable[[], frozenset[str]], is_it: Callable[[frozenset[str], frozenset[str]], bool]) -> bool:
    before, until = look(), time.monotonic() + _MOMENT_WITHIN
    while time.monotonic() < until:
        now = look()
        if is_it(before, now):
            return True
        before = now
        await asyncio.sleep(_LOOK_EVERY)
    return False


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(path.name for path in folder.iterdir())
    except OSError:
        return frozenset()


def _lines(file: Path) -> frozenset[str]:
    try:
        return frozenset([str(file.stat().st_size)])
    except OSError:
        return frozenset()
