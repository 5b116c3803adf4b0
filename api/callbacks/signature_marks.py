"""One signature, one body: a signature that covers no body is good for the first body that comes with it."""

from dataclasses import replace

from api.callbacks.circuit_breaker import CircuitBreaker
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits
from vigil.domain.digest import Digester
from vigil.domain.terms import Proof
from vigil.observability import Metrics
from vigil.providers.contract import GenuineRequest, Signature
from vigil.storage.inbox import Inbox


class SignatureMarks:
    """Remembers with which body each signature came, for all API processes, behind the storage's circuit breaker.

    A mark has no account in its name: two accounts may have one key.
    """

    def __init__(
        self,
        inbox: Inbox,
        breaker: CircuitBreaker,
        digester: Digester,
        metrics: Metrics,
        limits: CallbackLimits = DEFAULT_LIMITS,
    ) -> None:
        self._inbox = inbox
        self._breaker = breaker
        self._digester = digester
        self._metrics = metrics
        self._timeout = limits.store_timeout.total_seconds()

    async def bind(self, genuine: GenuineRequest) -> GenuineRequest:
        """Return a callback as `stale` if its signature came with another body or for another verification before.

        The same body again is a repetition by its sender, and stays as it is. Without an answer of the storage nobody
        knows whether the signature was used, so the callback is `stale` too.
        """
        signature = genuine.signature
        if genuine.proof is not Proof.UNBOUND or signature is None or await self._is_first_or_same(genuine, signature):
            return genuine
        self._metrics.unbound_bodies.labels(genuine.request.account).inc()
        return replace(genuine, proof=Proof.STALE)

    async def _is_first_or_same(self, genuine: GenuineRequest, signature: Signature) -> bool:
        mark = self._digester.digest("signature", signature.text)
        body = self._digester.digest("signed", signature.names.encode() + b"\0" + genuine.request.body)
        first = await self._breaker.ask_storage(
            lambda: self._inbox.bind_signature(signature.signed_at, mark, body), within=self._timeout
        )
        return first == body
