"""How many runs of verifications callbacks may start, over all processes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from api.callbacks.limits import CallbackLimits
from vigil.storage.budgets import Budget, take_unit
from vigil.storage.contract import Storage

STARTS_PER_UNIT: Final = 5
"""A process takes several starts from the storage at once, so that most callbacks cost no request to it."""


@dataclass
class _Taken:
    """What a process has taken of an account's starts of one minute."""

    budget: str
    left: int = 0
    is_spent: bool = False


class StartBudget:
    """The budgets of the starts that callbacks cause. The storage holds them: see `vigil.storage.budgets`."""

    def __init__(
        self, storage: Storage, limits: CallbackLimits, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._storage = storage
        self._per_minute = limits.starts_per_minute
        self._per_day = limits.follow_ups_per_day
        self._now = now
        self._taken: dict[str, _Taken] = {}

    async def take_start(self, account: str) -> bool:
        """Take the start of a verification that nobody registered. Raises `StorageUnavailable`."""
        budget = Budget.STARTS.of(account, self._now())
        taken = self._taken.get(account)
        if taken is None or taken.budget != budget:
            taken = self._taken[account] = _Taken(budget)
        per_unit = min(STARTS_PER_UNIT, self._per_minute)
        if taken.left == 0 and not taken.is_spent:
            has_unit = await take_unit(self._storage, budget, self._per_minute // per_unit)
            # Another callback of this process may have taken a unit, or have used one, meanwhile.
            taken.left += per_unit * has_unit
            taken.is_spent = not has_unit
        if taken.left == 0:
            return False
        taken.left -= 1
        return True

    async def take_follow_up(self, path: str) -> bool:
        """Take a run that follows up on a finished verification. Raises `StorageUnavailable`."""
        return await take_unit(self._storage, Budget.FOLLOW_UPS.of(path, self._now()), self._per_day)
