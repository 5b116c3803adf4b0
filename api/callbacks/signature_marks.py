"""One signature, one body: a signature that covers no body is good for the first body that comes with it."""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from api.callbacks.circuit_breaker import CircuitBreaker
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits
from vigil.domain.digest import Digester
from vigil.domain.terms import Proof
from vigil.observability import Metrics, where
from vigil.providers.contract import GenuineRequest, Signature
from vigil.storage.inbox import Inbox

MOST_UNMARKED: Final = 10_000
"""Signatures in memory whose marks could not be stored, in one process."""
MARK_EVERY: Final = 1.0
LAST_ATTEMPT: Final = 2.0
"""Seconds that the end of a process waits for the marks that are left."""

_log = structlog.get_logger("vigil.signature_marks")


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
        self._unmarked: OrderedDict[tuple[datetime, str], str] = OrderedDict()

    async def run(self) -> None:
        """Store the marks that the storage did not take, until canceled, and once more then."""
        try:
            while True:
                await asyncio.sleep(MARK_EVERY)
                await self._try_the_rest()
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_ATTEMPT):
                    await self._try_the_rest()

    async def bind(self, genuine: GenuineRequest) -> GenuineRequest:
        """Return a callback as `stale` if its signature came with another body or for another verification before.

        The same body again is a repetition by its sender, and stays as it is. Without an answer of the storage nobody
        knows whether the signature was used, so the callback is `stale` too. `run` stores its mark once the storage
        answers, so that nobody else is first with a signature that was used meanwhile.
        """
        signature = genuine.signature
        if genuine.proof is not Proof.UNBOUND or signature is None or await self._is_first_or_same(genuine, signature):
            return genuine
        self._metrics.unbound_bodies.labels(genuine.request.account).inc()
        return replace(genuine, proof=Proof.STALE)

    async def _is_first_or_same(self, genuine: GenuineRequest, signature: Signature) -> bool:
        mark = self._digester.digest("signature", signature.text)
        body = self._digester.digest("signed", signature.names.encode() + b"\0" + genuine.request.body)
        used = (signature.signed_at, mark)
        first = await self._mark(used, self._unmarked.get(used, body))
        if first is None:
            self._unmarked.setdefault(used, body)
            if len(self._unmarked) > MOST_UNMARKED:
                self._unmarked.popitem(last=False)
        return first == body

    async def _try_the_rest(self) -> None:
        try:
            await self._mark_the_rest()
        except Exception as error:  # noqa: BLE001 -- the loop must survive any failure of one round
            _log.error("signature_marks.failed", error=type(error).__name__, code=where(error))

    async def _mark_the_rest(self) -> None:
        """Store the marks of signatures that were used while the storage did not answer, until it does not again."""
        for used, body in list(self._unmarked.items()):
            if used in self._unmarked:
                self._unmarked.move_to_end(used)  # one that never succeeds does not hold up the others
            if await self._mark(used, body) is None:
                return

    async def _mark(self, used: tuple[datetime, str], body: str) -> str | None:
        first = await self._breaker.ask_storage(lambda: self._inbox.bind_signature(*used, body), within=self._timeout)
        if first is not None:
            self._unmarked.pop(used, None)
        return first
