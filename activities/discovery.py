"""Adopting what a provider lists and nobody told us of."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from pydantic import ValidationError
from temporalio import activity

from activities.failures import try_again
from vigil.domain.errors import ProviderError
from vigil.domain.terms import Name
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import FoundVerification, VerificationFinder
from vigil.temporal import messages

_log = structlog.get_logger("vigil.discovery")


class DiscoveryActivities:
    """The sweeps of all accounts whose provider lists what it has."""

    def __init__(
        self, finders: Mapping[str, VerificationFinder], adopt: Callable[[VerificationKey], Awaitable[bool]]
    ) -> None:
        """Take the finders by account, and what begins to track a verification; False: it was known."""
        self._finders = finders
        self._adopt = adopt

    @activity.defn(name=messages.DISCOVER)
    async def discover(self, order: messages.DiscoverInput) -> messages.DiscoveryResult:
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
        return messages.DiscoveryResult(until=order.until, listed=listed, adopted=adopted)


def _key_of(account: Name, found: FoundVerification) -> VerificationKey | None:
    """Return None for a reference that nothing can be tracked under: trying again would not mend it."""
    try:
        return VerificationKey(account=account, reference=found.reference)
    except ValidationError:
        _log.warning("adoption.no_reference", account=account)
        return None
