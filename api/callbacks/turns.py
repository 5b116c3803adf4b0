"""Who may parse a large body now."""

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
