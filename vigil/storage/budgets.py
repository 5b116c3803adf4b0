"""Budgets that all processes share: each unit is an object that only one process can create."""

import hashlib
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from vigil.storage.contract import AlreadyStored, Storage

_FOLDER: Final = "budgets"
_STAMP: Final = "%Y%m%dT%H%MZ"
_ERASED_AT_ONCE: Final = 1000


class Budget(Enum):
    """What has a budget, and for which period: its name is that of a folder."""

    STARTS = ("starts", timedelta(minutes=1))
    """Verifications that the callbacks of an account start."""
    FOLLOW_UPS = ("follow-ups", timedelta(days=1))
    """Runs that callbacks start of a finished verification."""
    MESSAGES = ("messages", timedelta(minutes=1))
    """Messages of an account."""
    RECEIVERS = ("receivers", timedelta(hours=1))
    """Messages to a receiver."""
    EXISTENCE = ("existence", timedelta(minutes=1))
    """Reads that show whether verifications of an account exist."""

    @property
    def folder(self) -> str:
        """Where its units are."""
        return f"{_FOLDER}/{self.value[0]}/"

    def of(self, owner: str, at: datetime) -> str:
        """Return what the names of an owner's units begin with in the period of `at`."""
        # Digested, since the whole name must fit into one segment.
        return f"{self.folder}{self._stamp(at)}-{hashlib.sha256(owner.encode()).hexdigest()[:32]}-"

    def before(self, now: datetime) -> str:
        """Return the name that those of no use any more are before. Clocks may differ by a period."""
        return f"{self.folder}{self._stamp(now - 2 * self.value[1])}"

    def _stamp(self, at: datetime) -> str:
        period = self.value[1].total_seconds()
        return f"{datetime.fromtimestamp(at.timestamp() // period * period, UTC):{_STAMP}}"


async def take_unit(storage: Storage, beginning: str, limit: int) -> bool:
    """Take one of `limit` units, whose names begin alike. Return False if none is left. Raises `StorageUnavailable`."""
    listed = await storage.list(beginning.rpartition("/")[0], after=beginning, limit=limit)
    taken = {name for name in listed if name.startswith(beginning)}
    free = [unit for number in range(limit) if (unit := f"{beginning}{number:04}") not in taken]
    # At random, so that processes which take units at the same time rarely meet.
    for unit in secrets.SystemRandom().sample(free, len(free)):
        with suppress(AlreadyStored):
            await storage.put_new(unit, b"")
            return True
    return False


async def erase_old_units(storage: Storage, now: datetime) -> None:
    """Erase the units of past periods, at most 1000 of each budget. Raises `StorageUnavailable`."""
    for budget in Budget:
        for name in await storage.list(budget.folder, limit=_ERASED_AT_ONCE):
            if name >= budget.before(now):
                break
            await storage.erase(name)
