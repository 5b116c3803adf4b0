"""How large bodies share the event loop with all other callbacks."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """One large body at a time is parsed, and then the event loop is left to the others for as long as that took.

    A thread would not help: the parser holds the interpreter's lock until it is done. What may be parsed at all is
    bounded by `CallbackBody`, to about 20 ms for two megabytes.
    """

    def __init__(self, *, small: int) -> None:
        """Take the size, in bytes, up to which a body waits for nobody."""
        self._small = small
        self._turn = asyncio.Lock()

    async def run(self, body: bytes, work: Callable[[], T]) -> T:
        """Return what the work returns, once it is this body's turn. Raises what it raises."""
        if len(body) <= self._small:
            return work()
        async with self._turn:
            began = asyncio.get_running_loop().time()
            try:
                return work()
            finally:
                await asyncio.sleep(asyncio.get_running_loop().time() - began)


class Pace:
    """Large bodies are read at no more than one rate in all, in equal shares: reading them costs time of the loop."""

    def __init__(self, bytes_per_second: int) -> None:
        """Take the rate of all large bodies together."""
        self._rate = bytes_per_second
        self._free_at = 0.0

    async def take(self, size: int) -> None:
        """Return when so many more bytes may be read."""
        now = asyncio.get_running_loop().time()
        begins_at = max(now, self._free_at)
        self._free_at = begins_at + size / self._rate
        if begins_at > now:
            await asyncio.sleep(begins_at - now)
