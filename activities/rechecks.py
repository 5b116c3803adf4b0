"""Starts a run that reads a finished verification again."""

from collections.abc import Awaitable, Callable

from temporalio import activity

from vigil.domain.verification_key import VerificationKey
from vigil.temporal import messages


class RecheckActivities:
    """Rechecks for all accounts."""

    def __init__(self, start_recheck: Callable[[VerificationKey, int], Awaitable[bool]]) -> None:
        """Take the function that starts a recheck; it returns False if there is another verdict by now."""
        self._start_recheck = start_recheck

    @activity.defn(name=messages.RECHECK)
    async def recheck(self, order: messages.RecheckInput) -> bool:
        """Start a recheck, unless a run is open anyway. Idempotent."""
        return await self._start_recheck(order.key, order.revision)
