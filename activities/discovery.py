"""Starts tracking verifications that a provider lists and no backend registered."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.failures import try_again
from vigil.domain.errors import ProviderError
from vigil.domain.terms import Name
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import FoundVerification, VerificationFinder
from vigil.temporal import messages

_SOON: Final = timedelta(minutes=1)
"""When a list that failed is asked for again, if the provider does not say."""

_log = structlog.get_logger("vigil.discovery")


@dataclass(frozen=True)
class DiscoveryPlan:
    """How an account is discovered: who lists it, and how often.

    Verifications younger than `grace` are left to their backends. Providers list some late, so rounds overlap.
    """

    finder: VerificationFinder
    every: timedelta
    grace: timedelta
    overlap: timedelta
    starts_every: timedelta


class DiscoveryActivities:
    """Discovery for all accounts whose provider can list its verifications."""

    def __init__(self, plans: Mapping[str, DiscoveryPlan], start: Callable[[VerificationKey], Awaitable[bool]]) -> None:
        """Take the plans by account, and the function that starts tracking: it returns False for a known one."""
        self._plans = plans
        self._start = start

    @activity.defn(name=messages.KEEP_DISCOVERING)
    async def keep_discovering(self, order: messages.ContinuousDiscoveryInput) -> None:
        """Run one round, and fail with the time of the next. So all rounds together are one pending activity."""
        plan = self._plan(order.account)
        until = activity.info().started_time - plan.grace
        # The server keeps the last heartbeat of a failed attempt: it is how the next one knows how far it came.
        left_behind = next(iter(activity.info().heartbeat_details), None)
        since = datetime.fromisoformat(left_behind) - plan.overlap if left_behind else order.since
        # If the grace was made longer meanwhile, it ends before the last round did: the period is empty.
        since = min(since, until)
        try:
            found = await self._round(
                messages.DiscoverInput(account=order.account, since=since, until=until, starts_every=plan.starts_every),
                progress=left_behind,
            )
        except ProviderError as error:
            raise try_again(error.code, after=error.retry_after or min(plan.every, _SOON)) from None
        activity.heartbeat(until.isoformat())
        raise ApplicationError(
            f"listed {found.listed}, started {found.started}",
            found,
            type=messages.DISCOVERED,
            category=ApplicationErrorCategory.BENIGN,
            next_retry_delay=plan.every,
        )

    @activity.defn(name=messages.DISCOVER)
    async def discover(self, order: messages.DiscoverInput) -> messages.DiscoveryResult:
        """Start tracking what was created in a period and is not tracked yet. Idempotent."""
        try:
            return await self._round(order)
        except ProviderError as error:
            raise try_again(error.code, after=error.retry_after) from None

    def _plan(self, account: Name) -> DiscoveryPlan:
        if account not in self._plans:
            # The account was removed from the settings while the activity was scheduled.
            raise try_again("account_not_configured")
        return self._plans[account]

    async def _round(self, order: messages.DiscoverInput, progress: str | None = None) -> messages.DiscoveryResult:
        """Raise `ProviderError` if the list breaks off. `progress` is what each heartbeat repeats."""
        listed = started = 0
        async for found in self._plan(order.account).finder.list_created(since=order.since, until=order.until):
            listed += 1
            activity.heartbeat(progress)
            key = _key_of(order.account, found)
            if key is not None and await self._start(key):
                started += 1
                # A provider that lists many unknown verifications must not flood our own queues.
                await asyncio.sleep(order.starts_every.total_seconds())
        return messages.DiscoveryResult(until=order.until, listed=listed, started=started)


def _key_of(account: Name, found: FoundVerification) -> VerificationKey | None:
    """Return the key, or None for a reference that cannot be tracked: a retry would not help."""
    try:
        return VerificationKey(account=account, reference=found.reference)
    except ValidationError:
        _log.warning("discovery.reference_not_usable", account=account)
        return None
