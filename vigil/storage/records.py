"""The numbered records of a verification, and the names of its results and files."""

from vigil.storage.contract import AlreadyStored, NotStored, Storage, names_under, under
from vigil.storage.tombstones import Tombstones


class Records:
    """Records of a verification by number; a written record never changes."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._tombstones = Tombstones(storage)

    async def is_erased(self, path: str) -> bool:
        """Whether the data of the verification was erased. Then no record is written any more."""
        return await self._tombstones.exists(path)

    async def write(self, path: str, number: int, content: bytes) -> int:
        """Write under the number, or under the next that is free or holds the same content.

        Returns the number it has, so that a repeated call ends where the first did.
        """
        while True:
            name = _folder(path) + f"{number:06}"
            try:
                await self._storage.put_new(name, content, media_type="application/json")
            except AlreadyStored:
                if await self._storage.read(name) != content:
                    number += 1
                    continue
            return number

    async def latest(self, path: str) -> tuple[int, bytes] | None:
        """Return the record with the highest number."""
        newest = None
        async for name in names_under(self._storage, _folder(path)):
            newest = name
        if newest is None:
            return None
        return int(newest.rpartition("/")[2]), await self._storage.read(newest)

    async def exists(self, path: str) -> bool:
        """Return whether there is a record. None is read: a process that takes callbacks cannot open one."""
        return bool(await self._storage.list(_folder(path), limit=1))

    async def numbered(self, path: str, number: int) -> tuple[int, bytes] | None:
        """Return the record of a number, or None."""
        try:
            return number, await self._storage.read(_folder(path) + f"{number:06}")
        except NotStored:
            return None


def result_name(path: str, digest: str) -> str:
    """Return the storage name of a provider's answer."""
    return under(path, "results", digest)


def artifact_name(path: str, name: str) -> str:
    """Return the storage name of a downloaded file."""
    return under(path, "artifacts", name)


def aged_name(path: str, kind: str) -> str:
    """Return the name of the mark that what is missing of a kind was erased, since its time was over."""
    return under(path, "aged", kind)


def _folder(path: str) -> str:
    return under(path, "records") + "/"
