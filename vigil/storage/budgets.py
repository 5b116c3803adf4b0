"""Budgets that all processes share: each unit is an object that only one process can create."""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from vigil.storage.contract import AlreadyStored, Storage, storage_name

_FOLDER: Final = "budgets"
_KEPT_FOR: Final = timedelta(days=2)
"""Longer than the longest period of a budget."""
_ERASED_AT_ONCE: Final = 1000


def budget_of(at: datetime, period: str, *owner: str) -> str:
    """Return the folder of an owner's budget for the period of `at`: a `day`, an `hour` or a `minute`, in UTC."""
    of_day = {"day": "", "hour": f"{at:%H}", "minute": f"{at:%H%M}"}[period]
    return storage_name(_FOLDER, f"{at:%Y%m%d}", *owner, *([of_day] if of_day else []))


async def take_unit(storage: Storage, budget: str, limit: int) -> bool:
    """Take one of the `limit` units of a budget. Return False if all are taken. Raises `StorageUnavailable`."""
    taken = set(await storage.list(budget, limit=limit))
    free = [unit for number in range(limit) if (unit := f"{budget}/{number:04}") not in taken]
    # At random, so that processes which take units at the same time rarely meet.
    for unit in secrets.SystemRandom().sample(free, len(free)):
        with suppress(AlreadyStored):
            await storage.put_new(unit, b"")
            return True
    return False


async def erase_old_budgets(storage: Storage, now: datetime) -> None:
    """Erase the units of past days, at most 1000 of them. Raises `StorageUnavailable`."""
    for name in await storage.list(_FOLDER, limit=_ERASED_AT_ONCE):
        if name >= storage_name(_FOLDER, f"{now - _KEPT_FOR:%Y%m%d}"):
            break
        await storage.erase(name)
