"""Which verification a correlation belongs to, for callbacks whose body names none."""

from collections.abc import AsyncIterator

from vigil.storage.contract import AlreadyStored, NotStored, Storage, names_under, under

FOLDER = "correlations"


class Correlations:
    """One small object for each; `mark` is the keyed digest of account and correlation."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def remember(self, account: str, mark: str, reference: str) -> str:
        """Store a correlation once. Returns the reference that has it: the first one registered with it."""
        try:
            await self._storage.put_new(_name(account, mark), reference.encode())
        except AlreadyStored:
            return (await self._storage.read(_name(account, mark))).decode()
        return reference

    async def reference(self, account: str, mark: str) -> str | None:
        """Return the reference of a correlation, or None."""
        try:
            return (await self._storage.read(_name(account, mark))).decode()
        except NotStored:
            return None

    async def forget(self, account: str, mark: str) -> None:
        """Erase a correlation. If there is none, that is success."""
        await self._storage.erase(_name(account, mark))

    async def marks(self, account: str) -> AsyncIterator[str]:
        """Yield every mark of an account."""
        async for name in names_under(self._storage, under(FOLDER, account)):
            yield name.rpartition("/")[2]


def _name(account: str, mark: str) -> str:
    return under(FOLDER, account, mark)
