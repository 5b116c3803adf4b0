"""How the notifications of a verification ended. Temporal forgets it after the retention of its namespace."""

from vigil.domain.notification import NotificationRow
from vigil.storage.contract import Storage, names_under, under


class NotificationRows:
    """Rows of notifications that have ended, in a store."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def put(self, path: str, row: NotificationRow) -> None:
        """Store how a notification ended; one that was sent again has its last end."""
        subject = "complete" if row.of_completion else "revised"
        name = under(path, "notifications", f"{row.revision:06}-{subject}-{row.endpoint}")
        await self._storage.put(name, row.model_dump_json().encode())

    async def list(self, path: str) -> list[NotificationRow]:
        """Return the rows of a verification, the earliest revision first."""
        names = [name async for name in names_under(self._storage, under(path, "notifications"))]
        return [NotificationRow.model_validate_json(await self._storage.read(name)) for name in names]
