"""A store that takes nothing for a verification whose data was erased."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from vigil.storage.contract import (
    Content,
    Names,
    NotStored,
    Storage,
    StorageError,
    StorageUnavailable,
    Stored,
)
from vigil.storage.correlations import FOLDER as CORRELATIONS
from vigil.storage.folder import remove_folders
from vigil.storage.tombstones import FOLDER as TOMBSTONES

_VERIFICATIONS: Final = "verifications"
_PATH: Final = 2
"""Segments of the path of a verification: account and encoded reference."""


class Erased(StorageError):
    """The data of the verification was erased, so nothing more is stored of it."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "its verification was erased")


class ErasableStorage:
    """Passes everything on to another store, but for writes to verifications that have a tombstone.

    A write looks for the tombstone before and after. An erasure stores the tombstone before it lists what it erases,
    so of a write at the same time either the writer or the erasure sees what the other did. What the writer takes back
    leaves no folder either.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def below(self) -> Storage:
        """The store to which everything is passed on."""
        return self._storage

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        """As `Storage.put_new`. Raises `Erased`."""
        return await self._write(name, lambda: self._storage.put_new(name, content, media_type=media_type))

    async def put(self, name: str, content: Content) -> Stored:
        """As `Storage.put`. Raises `Erased`."""
        return await self._write(name, lambda: self._storage.put(name, content))

    async def read(self, name: str) -> bytes:
        """As `Storage.read`."""
        return await self._storage.read(name)

    def open(self, name: str) -> AsyncIterator[bytes]:
        """As `Storage.open`."""
        return self._storage.open(name)

    async def size(self, name: str) -> int:
        """As `Storage.size`."""
        return await self._storage.size(name)

    async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> Names:
        """As `Storage.list`."""
        return await self._storage.list(prefix, after=after, limit=limit)

    async def erase(self, name: str) -> None:
        """As `Storage.erase`."""
        await self._storage.erase(name)

    async def _write(self, name: str, write: Callable[[], Awaitable[Stored]]) -> Stored:
        tombstone = _tombstone_of(name)
        if tombstone is None:
            return await write()
        await self._refuse_erased(name, tombstone)
        try:
            stored = await write()
        except StorageUnavailable:
            await self._take_back_if_erased(name, tombstone)  # it may have taken effect all the same
            raise
        await self._take_back_if_erased(name, tombstone)
        return stored

    async def _take_back_if_erased(self, name: str, tombstone: str) -> None:
        try:
            await self._refuse_erased(name, tombstone)
        except Erased:
            await self._storage.erase(name)
            # The write has made them again.
            await remove_folders(self._storage, "/".join(name.split("/")[: _PATH + 1]))
            raise

    async def _refuse_erased(self, name: str, tombstone: str) -> None:
        with suppress(NotStored):
            await self._storage.size(tombstone)
            raise Erased(name)


def _tombstone_of(name: str) -> str | None:
    """Return the name of the tombstone that forbids a name; None: the name is of no verification."""
    folder, *inner = name.split("/")
    if folder != _VERIFICATIONS or len(inner) < _PATH + 1 or inner[0] == CORRELATIONS:
        return None
    return "/".join((TOMBSTONES, *inner[:_PATH]))
