"""Telling a verification what a callback said: the one decision that fresh callbacks and the relay share."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final, Protocol

from temporalio.service import RPCError, RPCStatusCode

from api.bounds import CircuitBreaker, TokenBucket
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.message import MessageReceived
from vigil.domain.verification_key import VerificationKey
from vigil.observability import Metrics
from vigil.storage.contract import StorageError
from vigil.storage.records import Records

SIGNAL_WITHIN: Final = timedelta(milliseconds=600)
STARTS_A_MINUTE: Final = 60

# The server looked at the call and said no: the next call may fare better, so this is no outage.
_OF_THIS_CALL: Final = frozenset(
    {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND}
)


class Delivered(StrEnum):
    """What became of telling."""

    TOLD = "told"
    REPEATED = "repeated"
    """An open verification of it does not exist, and what it says was told before."""
    NOBODY = "nobody"
    """There is no such verification, and a callback of so weak a proof may not start one."""
    CAPPED = "capped"
    """There is no such verification, and too many were started this minute."""
    FAILED = "failed"

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be done about it."""
        return self in {Delivered.TOLD, Delivered.REPEATED, Delivered.NOBODY}


class Verifications(Protocol):
    """The part of `tracking.VerificationClient` that is needed here."""

    def path(self, key: VerificationKey) -> str:
        """Return where the verification's things rest."""
        ...

    async def signal_callback(self, key: VerificationKey, notice: CallbackEvent, *, may_start: bool) -> bool:
        """Tell a verification; False if there is none and none may be started."""
        ...

    async def start_message(self, notice: MessageReceived) -> None:
        """Have a message sent."""
        ...


class Delivery:
    """Tells verifications, within a budget, behind a breaker, and starts no more than so many a minute."""

    def __init__(
        self,
        verifications: Verifications,
        records: Records,
        accounts: Mapping[str, object],
        metrics: Metrics,
        *,
        starts_a_minute: int = STARTS_A_MINUTE,
    ) -> None:
        self.breaker = CircuitBreaker()
        self._verifications = verifications
        self._records = records
        self._starts = {name: TokenBucket(starts_a_minute, per=timedelta(minutes=1)) for name in accounts}
        self._metrics = metrics

    async def tell(self, key: VerificationKey, notice: CallbackEvent, *, seen: bool) -> Delivered:
        """Tell a verification of a callback. `seen`: what it says was told before. Never raises for an outage."""
        return await self._counted(key.account, lambda: self._tell(key, notice, seen=seen))

    async def send(self, notice: MessageReceived) -> Delivered:
        """Have the message sent that a callback asks for. Never raises for an outage."""
        return await self._counted(notice.order.key.account, lambda: self._send(notice))

    async def _counted(self, account: str, tell: Callable[[], Awaitable[Delivered]]) -> Delivered:
        delivered = await self._told_or_failed(tell)
        self._metrics.breaker_open.labels("temporal").set(self.breaker.is_open)
        self._metrics.deliveries.labels(account, delivered).inc()
        return delivered

    async def _told_or_failed(self, tell: Callable[[], Awaitable[Delivered]]) -> Delivered:
        if not self.breaker.allows():
            return Delivered.FAILED
        try:
            with self._metrics.signal_seconds.time():
                async with asyncio.timeout(SIGNAL_WITHIN.total_seconds()):
                    delivered = await tell()
        except StorageError:
            return Delivered.FAILED
        except RPCError as error:
            if error.status not in _OF_THIS_CALL:
                self.breaker.failed()
            return Delivered.FAILED
        except (RuntimeError, OSError):  # a lazy client that cannot connect, and a time-out
            self.breaker.failed()
            return Delivered.FAILED
        self.breaker.succeeded()
        return delivered

    async def _send(self, notice: MessageReceived) -> Delivered:
        await self._verifications.start_message(notice)
        return Delivered.TOLD

    async def _tell(self, key: VerificationKey, notice: CallbackEvent, *, seen: bool) -> Delivered:
        # The open verification first: only what finds none may start one and count towards the cap.
        if await self._verifications.signal_callback(key, notice, may_start=False):
            return Delivered.TOLD
        if seen:
            return Delivered.REPEATED
        if not notice.proof.may_start:
            if not await self._is_held(key):
                return Delivered.NOBODY
        # Storage is asked only where the cap is reached: one that is away or stalled must not keep a new one waiting.
        elif not self._starts[key.account].take() and not await self._is_held(key):
            return Delivered.CAPPED
        await self._verifications.signal_callback(key, notice, may_start=True)
        return Delivered.TOLD

    async def _is_held(self, key: VerificationKey) -> bool:
        return await self._records.latest(self._verifications.path(key)) is not None
