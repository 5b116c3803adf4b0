"""Beginning to read a finished verification again."""

from collections.abc import Awaitable, Callable

from temporalio import activity

from vigil.domain.verification_key import VerificationKey
from vigil.temporal import messages


class RecheckActivities:
    """The rereads of all accounts."""

    def __init__(self, reread: Callable[[VerificationKey, int], Awaitable[bool]]) -> None:
        """Take what begins to read a verification again; False: it has another verdict by now."""
        self._reread = reread

    @activity.defn(name=messages.RECHECK)
    async def recheck(self, order: messages.RecheckInput) -> bool:
        """Have it read again, unless somebody follows it anyway. Repeating it is harmless."""
        return await self._reread(order.key, order.revision)
