"""A store with gates: a test may hold it at a chosen name, and let it go."""

import asyncio
from collections.abc import AsyncIterator

from vigil.storage.contract import Content, Names, Storage, StorageUnavailable, Stored


class GatedStorage:
    """Passes everything on to a real store, and waits where a test has closed a gate."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._gates: dict[str, asyncio.Event] = {}
        self._failures: dict[str, int] = {}
        self.reached: dict[str, asyncio.Event] = {}
        self.failed = 0

    @property
    def below(self) -> Storage:
        """The real store."""
        return self._storage

    def close(self, part: str) -> None:
        """Hold whoever comes with a name, or a listed prefix, that has this part."""
        self._gates[part] = asyncio.Event()
        self.reached[part] = asyncio.Event()

    def open_gate(self, part: str) -> None:
        """Let everybody through."""
        self._gates.pop(part).set()

    def fail_next(self, part: str, *, times: int) -> None:
        """Fail so many writes to names that have this part."""
        self._failures[part] = times

    def _fail(self, name: str) -> None:
        for part, left in self._failures.items():
            if part in name and left:
                self._failures[part] -= 1
                self.failed += 1
                raise StorageUnavailable(name, "as the test wants it")

    async def _pass(self, name: str) -> None:
        for part, gate in list(self._gates.items()):
            if part in name:
                self.reached[part].set()
                await gate.wait()

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        await self._pass(f"put {name}")
        self._fail(name)
        return await self._storage.put_new(name, content, media_type=media_type)

    async def put(self, name: str, content: Content) -> Stored:
        await self._pass(f"put {name}")
        return await self._storage.put(name, content)

    async def read(self, name: str) -> bytes:
        return await self._storage.read(name)

    def open(self, name: str) -> AsyncIterator[bytes]:
        return self._storage.open(name)

    async def size(self, name: str) -> int:
        return await self._storage.size(name)

    async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> Names:
        await self._pass(f"list {prefix}")
        return await self._storage.list(prefix, after=after, limit=limit)

    async def erase(self, name: str) -> None:
        await self._storage.erase(name)
