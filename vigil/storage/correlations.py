"""Which verification a correlation belongs to, for callbacks whose body names none."""

from vigil.storage.contract import AlreadyStored, NotStored, Storage, under


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


def _name(account: str, mark: str) -> str:
    return under("correlations", account, mark)
