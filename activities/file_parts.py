"""Large files, stored part by part, so that a download goes on where a worker stopped, and joined at the end."""

from collections.abc import AsyncIterator, Callable
from typing import Final

from vigil.domain.errors import ProviderUnavailable
from vigil.providers.contract import FilePosition
from vigil.storage.contract import NotStored, Storage, names_under

PART_SIZE: Final = 64 * 1024 * 1024
"""In bytes. No more than this is downloaded again after a worker stopped."""
INCOMPLETE: Final = "parts_incomplete"


class FileParts:
    """The parts of one file, in a folder of the storage. All but the last have the same size."""

    def __init__(self, storage: Storage, folder: str, part_size: int) -> None:
        self._storage = storage
        self._folder = folder
        self._part_size = part_size

    async def store(self, chunks: AsyncIterator[bytes], at: FilePosition, note: Callable[[int], None]) -> None:
        """Store the bytes from a position on. Calls `note` with the bytes that are stored, after each part."""
        split, received = _Split(chunks), at.received
        while received < at.file.size:
            stored = await self._storage.put(self._name(received), split.take(self._part_size))
            received += stored.size
            if stored.size < self._part_size and received < at.file.size:
                raise ProviderUnavailable(INCOMPLETE)
            note(received)

    async def joined(self, size: int) -> AsyncIterator[bytes]:
        """Yield the whole file. Raises `ProviderUnavailable` if a part is missing."""
        received = 0
        try:
            for start in range(0, size, self._part_size):
                async for chunk in self._storage.open(self._name(start)):
                    received += len(chunk)
                    yield chunk
        except NotStored:
            received = -1
        if received != size:
            raise ProviderUnavailable(INCOMPLETE)

    async def erase(self) -> None:
        """Remove all parts."""
        async for name in names_under(self._storage, self._folder):
            await self._storage.erase(name)

    def _name(self, start: int) -> str:
        return f"{self._folder}/{start // self._part_size:06}"


class _Split:
    """A stream that is taken in pieces of a given size."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    async def take(self, size: int) -> AsyncIterator[bytes]:
        """Yield the next `size` bytes; fewer at the end."""
        while size:
            chunk = self._rest or await anext(self._chunks, b"")
            if not chunk:
                return
            piece, self._rest = chunk[:size], chunk[size:]
            size -= len(piece)
            yield piece
