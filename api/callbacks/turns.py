"""How bodies that cost time share the event loop with all other callbacks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from api.callbacks.limits import CallbackLimits
from vigil.providers.parsing import count_values

T = TypeVar("T")


class _OnePerSource:
    """Lets one body of each source wait for the others, so that a source with many bodies delays only itself."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def among(self, source: Hashable) -> AsyncIterator[None]:
        lock = self._locks.setdefault(source, asyncio.Lock())
        async with lock:
            yield


class Turns:
    """One heavy body at a time is parsed, and then the event loop is left to the others for as long as that took.

    A thread would not help: the parser holds the interpreter's lock until it is done. What may be parsed at all is
    bounded by `CallbackBody`, to about 20 ms.
    """

    def __init__(self, *, small: int, few: int) -> None:
        """Take the size, in bytes, and the number of values up to which a body waits for nobody."""
        self._small = small
        self._few = few
        self._turn = asyncio.Lock()
        self._sources = _OnePerSource()

    async def run(self, body: bytes, source: Hashable, work: Callable[[], T]) -> T:
        """Return what the work returns, once it is this body's turn. Raises what it raises."""
        if len(body) <= self._small and count_values(body) <= self._few:
            return work()
        async with self._sources.among(source), self._turn:
            began = asyncio.get_running_loop().time()
            try:
                return work()
            finally:
                await asyncio.sleep(asyncio.get_running_loop().time() - began)


class LargeBodies:
    """How many large bodies are read at once, and how fast: they cost memory, and reading them time of the loop.

    Sources have equal shares of the rate, and so have the bodies of one source.
    """

    def __init__(self, limits: CallbackLimits) -> None:
        """Take the limits, for all sources together and for one."""
        self._limits = limits
        self._free_at = 0.0
        self._room = asyncio.Semaphore(limits.large_bodies)
        self._rooms: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()
        self._sources = _OnePerSource()

    @asynccontextmanager
    async def admit(self, source: Hashable) -> AsyncIterator[None]:
        """Wait until one more may be read. Raises `TimeoutError` if the reading takes longer than it may."""
        room = self._rooms.setdefault(source, asyncio.Semaphore(self._limits.large_bodies_of_one_source))
        async with room, self._room, asyncio.timeout(self._limits.large_body_timeout.total_seconds()):
            yield

    async def pace(self, size: int, source: Hashable) -> None:
        """Return when more may be read after `size` bytes."""
        async with self._sources.among(source):
            now = asyncio.get_running_loop().time()
            begins_at = max(now, self._free_at)
            self._free_at = begins_at + size / self._limits.large_bodies_per_second
            if begins_at > now:
                await asyncio.sleep(begins_at - now)
