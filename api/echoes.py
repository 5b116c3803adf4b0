"""What a backend had handed to the provider, read out of the stored result."""

from collections.abc import Mapping

from pydantic import JsonValue

from accounts import Account
from domain.record import Record
from providers.contract import Echoing
from storage.contract import Storage, StorageError


class Echoes:
    """Reads results again, since what they give back has no place in records or in Temporal."""

    def __init__(self, accounts: Mapping[str, Account], storage: Storage) -> None:
        self._accounts = accounts
        self._storage = storage

    async def of(self, record: Record | None) -> Mapping[str, JsonValue] | None:
        """Return what the last result gives back; None where there is none, or it cannot be read now."""
        result = record.snapshot.result if record is not None and record.snapshot is not None else None
        if record is None or result is None:
            return None
        account = self._accounts.get(record.key.account)
        if account is None or not isinstance(account.provider, Echoing):
            return None
        try:
            return account.provider.echoed(await self._storage.read(result))
        except StorageError:
            return None
