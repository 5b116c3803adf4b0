"""Adopting what a provider lists and nobody told us of."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from pydantic import ValidationError
from temporalio import activity

from activities.failures import try_again
from domain.errors import ProviderError
from domain.identity import VerificationKey
from domain.terms import Name
from providers.contract import FoundVerification, VerificationFinder
from workflows import steps

_log = structlog.get_logger("vigil.adopting")


class AdoptingActivities:
    """The sweeps of all accounts whose provider lists what it has."""

    def __init__(
        self, finders: Mapping[str, VerificationFinder], adopt: Callable[[VerificationKey], Awaitable[bool]]
    ) -> None:
        """Take the finders by account, and what begins to track a verification; False: it was known."""
        self._finders = finders
        self._adopt = adopt

    @activity.defn(name=steps.ADOPT)
    async def adopt(self, order: steps.AdoptCreated) -> steps.Adopted:
        """Track all that was created in a time and is not tracked yet. Repeating it is harmless."""
        finder = self._finders.get(order.account)
        if finder is None:
            # Somebody took it out of the settings while a sweep was on its way.
            raise try_again("account_not_configured")
        listed = adopted = 0
        try:
            async for found in finder.list_created(since=order.since, until=order.until):
                listed += 1
                activity.heartbeat(listed)
                key = _key_of(order.account, found)
                if key is not None and await self._adopt(key):
                    adopted += 1
                    # A provider with many that we do not know must not flood our own queues.
                    await asyncio.sleep(order.starts_every.total_seconds())
        except ProviderError as error:
            raise try_again(error.code, after=error.retry_after) from None
        return steps.Adopted(until=order.until, listed=listed, adopted=adopted)


def _key_of(account: Name, found: FoundVerification) -> VerificationKey | None:
    """Return None for a reference that nothing can be tracked under: trying again would not mend it."""
    try:
        return VerificationKey(account=account, reference=found.reference)
    except ValidationError:
        _log.warning("adoption.no_reference", account=account)
        return None
