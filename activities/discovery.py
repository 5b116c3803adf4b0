"""Starts tracking verifications that a provider lists and no backend registered."""

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
    """Discovery for all accounts whose provider can list its verifications."""

    def __init__(
        self, finders: Mapping[str, VerificationFinder], start: Callable[[VerificationKey], Awaitable[bool]]
    ) -> None:
        """Take the finders by account, and the function that starts tracking: it returns False for a known one."""
        self._finders = finders
        self._start = start

    @activity.defn(name=messages.DISCOVER)
    async def discover(self, order: messages.DiscoverInput) -> messages.DiscoveryResult:
        """Start tracking what was created in a period and is not tracked yet. Idempotent."""
        finder = self._finders.get(order.account)
        if finder is None:
            # The account was removed from the settings while the activity was scheduled.
            raise try_again("account_not_configured")
        listed = started = 0
        try:
            async for found in finder.list_created(since=order.since, until=order.until):
                listed += 1
                activity.heartbeat(listed)
                key = _key_of(order.account, found)
                if key is not None and await self._start(key):
                    started += 1
                    # A provider that lists many unknown verifications must not flood our own queues.
                    await asyncio.sleep(order.starts_every.total_seconds())
        except ProviderError as error:
            raise try_again(error.code, after=error.retry_after) from None
        return messages.DiscoveryResult(until=order.until, listed=listed, started=started)


def _key_of(account: Name, found: FoundVerification) -> VerificationKey | None:
    """Return the key, or None for a reference that cannot be tracked: a retry would not help."""
    try:
        return VerificationKey(account=account, reference=found.reference)
    except ValidationError:
        _log.warning("discovery.reference_not_usable", account=account)
        return None
