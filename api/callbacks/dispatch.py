"""Signal a verification of a callback event. Fresh callbacks and the relay use the same rules."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum, auto
from functools import partial
from typing import Final, Protocol, TypeAlias, TypeVar

from temporalio.service import RPCError, RPCStatusCode

from api.callbacks.circuit_breaker import CircuitBreaker
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits, TokenBuckets
from api.callbacks.signal_cap import SignalCap
from api.callbacks.start_budget import StartBudget
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.message import MessageReceived
from vigil.domain.verification_key import VerificationKey
from vigil.observability import Metrics
from vigil.storage.contract import Storage, StorageError
from vigil.storage.records import Records
from vigil.tracing import span

T = TypeVar("T")
IsRepeated: TypeAlias = Callable[[], Awaitable[bool]]
"""Says whether an event was dispatched before. Raises `StorageUnavailable`."""

# The server refused this one call. The next call may succeed, so this is no outage.
_REFUSED_CALL: Final = frozenset(
    {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND}
)


class DispatchResult(StrEnum):
    """The result of dispatching one event."""

    SIGNALED = "signaled"
    REPEATED = "repeated"
    """No verification is open, and the event was dispatched before."""
    CONCLUDED = "concluded"
    """No verification is open, and the proof of the callback is too weak to follow up on a concluded one."""
    UNKNOWN_VERIFICATION = "unknown_verification"
    """There is no such verification, and the proof of the callback is too weak to start one."""
    START_LIMIT = "start_limit"
    """No verification is open, and callbacks have started too many: this minute, or of this one today."""
    CAPPED = "capped"
    """Its verification got as many signals as it may in this minute. Its receipt is filed, and one like it waits."""
    WAITS = "waits"
    """The same, and this one waits for the next minute, so that the verification is signalled after all of them."""
    ERASED = "erased"
    """The data of its verification was erased. It is counted, and its receipt is erased."""
    FAILED = "failed"
    BREAKER_OPEN = "breaker_open"
    """Temporal was not called, since it gave no usable answer several times in a row."""

    @property
    def is_delivered(self) -> bool:
        """Whether the verification has the event, or no use for it."""
        return self in _DELIVERED

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do for a callback whose receipt is stored."""
        return self.is_delivered or self is DispatchResult.UNKNOWN_VERIFICATION


_DELIVERED: Final = frozenset(
    {
        DispatchResult.SIGNALED,
        DispatchResult.REPEATED,
        DispatchResult.CONCLUDED,
        DispatchResult.CAPPED,
        DispatchResult.ERASED,
    }
)


class Stored(Enum):
    """What the storage knows of a verification."""

    REPETITION = auto()
    """The same event was dispatched before."""
    NOTHING = auto()
    RECORD = auto()
    ERASED = auto()
    NO_ANSWER = auto()


_UNPROVEN: Final = {
    Stored.NOTHING: DispatchResult.UNKNOWN_VERIFICATION,
    Stored.RECORD: DispatchResult.CONCLUDED,
    Stored.NO_ANSWER: DispatchResult.FAILED,
}
"""The result of a callback whose proof is too weak to start anything, where no verification is open."""


class Verifications(Protocol):
    """The part of `vigil.temporal.client.VerificationClient` that callbacks need."""

    def path(self, key: VerificationKey) -> str:
        """Return the path of the verification in workflow ids and in the storage."""
        ...

    async def signal_callback(self, key: VerificationKey, event: CallbackEvent, *, may_start: bool) -> bool:
        """Signal a verification. Return False if none is open and `may_start` is False. Raises `RPCError`."""
        ...

    async def start_message(self, event: MessageReceived) -> None:
        """Start the workflow that sends a message. Raises `RPCError`."""
        ...


class Dispatcher:
    """Signals verifications within a time limit and behind a circuit breaker, and limits the starts per minute."""

    def __init__(
        self,
        verifications: Verifications,
        storage: Storage,
        metrics: Metrics,
        limits: CallbackLimits = DEFAULT_LIMITS,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.breaker = CircuitBreaker()
        self._verifications = verifications
        self._records = Records(storage)
        self._timeout = limits.signal_timeout.total_seconds()
        self._budget = StartBudget(storage, limits, now=now)
        self._cap = SignalCap(limits.signals_per_minute, now=now)
        self._budget_timeout = limits.budget_timeout.total_seconds()
        self._own_starts = TokenBuckets(limits.starts_per_minute, per=timedelta(minutes=1))
        self._metrics = metrics

    def path(self, key: VerificationKey) -> str:
        """Return the path of the verification in workflow ids and in the storage."""
        return self._verifications.path(key)

    async def dispatch(
        self, key: VerificationKey, event: CallbackEvent, *, is_repeated: IsRepeated, insist: bool = False
    ) -> DispatchResult:
        """Signal a verification of an event. An outage is a result.

        `is_repeated` is asked only where no verification is open. `insist`: Temporal is called although its circuit
        breaker is open.
        """
        with span("signal", parent=event.traceparent, account=key.account) as signal:
            call = partial(self._signal, key, event, is_repeated=is_repeated)
            result = await self._call(key.account, call, insist=insist)
            signal.set_attribute("result", result.value)
            return result

    async def start_message(self, received: MessageReceived) -> DispatchResult:
        """Start the workflow that sends the message that a callback asks for. An outage is a result."""
        return await self._call(received.order.key.account, lambda: self._start_message(received))

    async def _call(
        self, account: str, call: Callable[[], Awaitable[DispatchResult]], *, insist: bool = False
    ) -> DispatchResult:
        result = await self._guard(call, insist=insist)
        self._metrics.breaker_open.labels("temporal").set(self.breaker.is_open)
        self._metrics.dispatches.labels(account, result).inc()
        return result

    async def _guard(self, call: Callable[[], Awaitable[DispatchResult]], *, insist: bool) -> DispatchResult:
        try:
            async with asyncio.timeout(self._timeout), self.breaker.admit(insist=insist) as may_call:
                if not may_call:
                    return DispatchResult.BREAKER_OPEN
                with self._metrics.signal_seconds.time():
                    return await call()
        except (StorageError, RPCError, RuntimeError, OSError):  # a lazy client that cannot connect, and a timeout
            return DispatchResult.FAILED

    async def _ask_temporal(self, call: Awaitable[T]) -> T:
        """Return the server's answer, and let the breaker know whether there was one."""
        is_reached = False
        try:
            answer = await call
            is_reached = True
        except RPCError as error:
            is_reached = error.status in _REFUSED_CALL
            raise
        finally:
            record = self.breaker.record_success if is_reached else self.breaker.record_failure
            record()
        return answer

    async def _start_message(self, received: MessageReceived) -> DispatchResult:
        await self._ask_temporal(self._verifications.start_message(received))
        return DispatchResult.SIGNALED

    async def _signal(self, key: VerificationKey, event: CallbackEvent, *, is_repeated: IsRepeated) -> DispatchResult:
        path = self.path(key)  # an account that the settings do not have is no failure of Temporal
        if self._cap.is_reached(path, event):
            return DispatchResult.WAITS if self._cap.stays_pending(path, event) else DispatchResult.CAPPED
        result = await self._signal_uncapped(key, path, event, is_repeated=is_repeated)
        if result is DispatchResult.SIGNALED:
            self._cap.count(path, event)
        return result

    async def _signal_uncapped(
        self, key: VerificationKey, path: str, event: CallbackEvent, *, is_repeated: IsRepeated
    ) -> DispatchResult:
        # An open verification first: only a callback that finds none counts towards the limit of starts.
        if await self._ask_temporal(self._verifications.signal_callback(key, event, may_start=False)):
            return DispatchResult.SIGNALED
        stored = await self._look(path, is_repeated if event.proof.may_start else None)
        if stored is Stored.REPETITION:
            return DispatchResult.REPEATED
        if stored is Stored.ERASED:
            return DispatchResult.ERASED
        if not event.proof.may_start:
            return _UNPROVEN[stored]
        if not await self._may_start(key.account, path, stored):
            return DispatchResult.START_LIMIT
        await self._ask_temporal(self._verifications.signal_callback(key, event, may_start=True))
        return DispatchResult.SIGNALED

    async def _look(self, path: str, is_repeated: IsRepeated | None) -> Stored:
        """Return what the storage knows of a verification. All is asked at once: a slow storage answers in time too.

        While the storage gives no answer, an erased one is taken for any other: its run looks again.
        """
        rest = asyncio.gather(self._records.is_erased(path), self._records.exists(path))
        rest.add_done_callback(lambda asked: asked.cancelled() or asked.exception())  # not asked for by a repetition
        try:
            async with asyncio.timeout(self._budget_timeout):
                if is_repeated is not None and await is_repeated():
                    return Stored.REPETITION
                is_erased, has_record = await rest
        except (StorageError, TimeoutError):
            return Stored.NO_ANSWER
        finally:
            rest.cancel()
        if is_erased:
            return Stored.ERASED
        return Stored.RECORD if has_record else Stored.NOTHING

    async def _may_start(self, account: str, path: str, stored: Stored) -> bool:
        """Take a start from the budget of all processes. While the storage gives no answer, count the own starts.

        An outage must not delay a new verification, so a storage that has just given no answer is not asked again.
        """
        if stored is not Stored.NO_ANSWER:
            with suppress(StorageError, TimeoutError):
                async with asyncio.timeout(self._budget_timeout):
                    if stored is Stored.RECORD:
                        return await self._budget.take_follow_up(path)
                    return await self._budget.take_start(account)
        return self._own_starts.take(account)
