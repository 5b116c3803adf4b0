"""Find the verification of a callback by the correlation in its URL, if its body names no verification."""

from api.callbacks.circuit_breaker import CircuitBreaker
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits
from vigil.domain.digest import Digester
from vigil.registration import digest_correlation
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
        mark = digest_correlation(self._digester, account, correlation)
        return await self._breaker.ask_storage(
            lambda: self._correlations.reference(account, mark), within=self._timeout
        )
