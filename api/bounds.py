"""What bounds us: breakers, so that an outage does not cost every caller its time, and buckets against floods."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

FAILURES: Final = 5
REST: Final = timedelta(seconds=5)


class CircuitBreaker:
    """Stops asking something that has failed several times running, and lets one attempt through after a rest."""

    def __init__(
        self, *, failures: int = FAILURES, rest: timedelta = REST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._rest = rest.total_seconds()
        self._clock = clock
        self._failures = 0
        self._resting_since: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing may be asked now."""
        return self._resting_since is not None and self._clock() - self._resting_since < self._rest

    def allows(self) -> bool:
        """Whether the caller may ask. After the rest one caller may, and the others rest on until it is back."""
        if self.is_open:
            return False
        if self._resting_since is not None:
            self._resting_since = self._clock()
        return True

    def succeeded(self) -> None:
        """Note a usable answer."""
        self._failures = 0
        self._resting_since = None

    def failed(self) -> None:
        """Note that there was no usable answer."""
        self._failures += 1
        if self._failures >= self._limit:
            self._resting_since = self._clock()


class TokenBucket:
    """Lets `capacity` things happen at once and as many again in every `per`."""

    def __init__(self, capacity: int, *, per: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(capacity)
        self._rate = capacity / per.total_seconds()
        self._clock = clock
        self._tokens = self._capacity
        self._at = clock()

    def take(self) -> bool:
        """Take one token; False if there is none."""
        now = self._clock()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
