"""What stays of erased verifications, and which ones must not be erased. Both lie outside of what is erased."""

from datetime import datetime

from vigil.domain.hold import Hold
from vigil.domain.tombstone import Tombstone
from vigil.storage.contract import AlreadyStored, NotStored, Storage, storage_name

FOLDER = "tombstones"
HOLDS = "holds"


class Tombstones:
    """One for each erased verification, by its path."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def exists(self, path: str) -> bool:
        """Whether the data of a verification was erased, or is being erased."""
        try:
            await self._storage.size(_name(FOLDER, path))
        except NotStored:
            return False
        return True

    async def read(self, path: str) -> Tombstone | None:
        """Return the tombstone of a verification, if its data was erased."""
        try:
            return Tombstone.model_validate_json(await self._storage.read(_name(FOLDER, path)))
        except NotStored:
            return None

    async def put_new(self, path: str, tombstone: Tombstone) -> Tombstone:
        """Store a tombstone. Returns the one that stands: the first."""
        try:
            await self._storage.put_new(_name(FOLDER, path), tombstone.model_dump_json().encode())
        except AlreadyStored:
            return await self.read(path) or tombstone
        return tombstone

    async def put(self, path: str, tombstone: Tombstone) -> None:
        """Replace a tombstone."""
        await self._storage.put(_name(FOLDER, path), tombstone.model_dump_json().encode())

    async def erase(self, path: str) -> None:
        """Erase a tombstone: nothing is known of the verification any more."""
        await self._storage.erase(_name(FOLDER, path))


class Holds:
    """The legal holds, by the path of their verification."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def read(self, path: str) -> Hold | None:
        """Return the hold on a verification, also one whose time is over."""
        try:
            return Hold.model_validate_json(await self._storage.read(_name(HOLDS, path)))
        except NotStored:
            return None

    async def in_force(self, path: str, now: datetime) -> Hold | None:
        """Return the hold on a verification if it lasts."""
        hold = await self.read(path)
        return hold if hold is not None and hold.lasts(now) else None

    async def put(self, path: str, hold: Hold) -> None:
        """Place a hold, or replace the one that stands."""
        await self._storage.put(_name(HOLDS, path), hold.model_dump_json().encode())

    async def erase(self, path: str) -> None:
        """Release a hold. If there is none, that is success."""
        await self._storage.erase(_name(HOLDS, path))


def _name(folder: str, path: str) -> str:
    return storage_name(folder, *path.split("/"))
