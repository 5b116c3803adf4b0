"""How much a callback may cost: its size, its time, and how many per minute may start work."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final


@dataclass(frozen=True)
class CallbackLimits:
    """The limits of one process. `total_timeout` is below the budget of the most impatient sender."""

    largest_body: int = 2 * 1024 * 1024
    """In bytes."""
    small_body: int = 64 * 1024
    """In bytes. A larger one is read at `large_bodies_per_second`, and waits for its turn to be parsed."""
    few_values: int = 1000
    """A body with more commas and opening brackets waits for its turn, too."""
    large_bodies_per_second: int = 32 * 1024 * 1024
    """In bytes, of all large bodies together."""
    large_bodies: int = 64
    """At one moment, in the memory of the process."""
    large_bodies_of_one_source: int = 8
    large_body_timeout: timedelta = timedelta(seconds=10)
    """From the moment when a large body may be read to its last byte."""
    body_timeout: timedelta = timedelta(seconds=30)
    lookup_timeout: timedelta = timedelta(milliseconds=300)
    """To find the reference of a correlation."""
    store_timeout: timedelta = timedelta(milliseconds=900)
    signal_timeout: timedelta = timedelta(milliseconds=600)
    total_timeout: timedelta = timedelta(seconds=2)
    """From the last byte of the request to the answer."""
    finish_timeout: timedelta = timedelta(seconds=30)
    """To file the receipt after the answer."""
    filings_at_once: int = 2
    """Few: filing shares the storage with callbacks that wait for their answer."""
    starts_per_minute: int = 60
    """Verifications that callbacks of one account may start, over all processes."""
    signals_per_minute: int = 120
    """Callbacks of one verification that this process signals; those with a weak proof count apart."""
    follow_ups_per_day: int = 24
    """Runs that callbacks may start of one finished verification, over all processes."""
    budget_timeout: timedelta = timedelta(milliseconds=300)
    """To take a start from the budget of all processes. After it the process counts its own starts."""
    listed_refusals_per_hour: int = 60
    """For each account and reason."""
    unproven_receipts_per_hour: int = 1000
    """Receipts of callbacks that start nothing, for each account and proof. Each holds the start of its body."""
    unproven_bytes_per_hour: int = 2 * 1024 * 1024
    """Bytes of those receipts."""
    proven_bytes_per_hour: int = 1024**3
    """Bytes of other bodies, for each account and proof. Beyond it a receipt holds the start of its body."""


DEFAULT_LIMITS: Final = CallbackLimits()


class TokenBucket:
    """Allows `capacity` events at once, and as many again in every `per`."""

    def __init__(self, capacity: int, *, per: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(capacity)
        self._rate = capacity / per.total_seconds()
        self._clock = clock
        self._tokens = self._capacity
        self._at = clock()

    def take(self, amount: float = 1) -> bool:
        """Take tokens. Return False, and take none, if there are fewer."""
        now = self._clock()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < amount:
            return False
        self._tokens -= amount
        return True


class TokenBuckets:
    """One bucket for each key. The keys must come from the settings and the code, so that there are few."""

    def __init__(self, capacity: int, *, per: timedelta) -> None:
        self._new = partial(TokenBucket, capacity, per=per)
        self._buckets: dict[tuple[str, ...], TokenBucket] = {}

    def take(self, *key: str, amount: float = 1) -> bool:
        """Take tokens from the bucket of a key, as `TokenBucket.take` does."""
        return self._buckets.setdefault(key, self._new()).take(amount)
