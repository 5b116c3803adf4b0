"""Find the verification of a callback by the correlation in its URL, if its body names no verification."""

import asyncio

from api.callbacks.circuit_breaker import CircuitBreaker
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits
from vigil.domain.digest import Digester
from vigil.registration import digest_correlation
from vigil.storage.contract import StorageError
from vigil.storage.correlations import Correlations


class CorrelationLookup:
    """Looks references up within a time limit and behind the circuit breaker of the storage."""

    def __init__(
        self,
        correlations: Correlations,
        breaker: CircuitBreaker,
        digester: Digester,
        limits: CallbackLimits = DEFAULT_LIMITS,
    ) -> None:
        self._correlations = correlations
        self._breaker = breaker
        self._digester = digester
        self._timeout = limits.lookup_timeout.total_seconds()

    async def find_reference(self, account: str, correlation: str) -> str | None:
        """Return the reference that was registered with a correlation; None if there is none, or in an outage."""
        if not self._breaker.allow():
            return None
        mark = digest_correlation(self._digester, account, correlation)
        try:
            async with asyncio.timeout(self._timeout):
                reference = await self._correlations.reference(account, mark)
        except (StorageError, OSError):
            self._breaker.record_failure()
            return None
        # Without this, the one attempt after a pause would be spent on the lookup, and no receipt be stored any more.
        self._breaker.record_success()
        return reference
