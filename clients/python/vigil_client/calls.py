"""Calls without input or output: generators that yield what to send, and take the answer.

A shell, synchronous or asynchronous, sends and sleeps. So retries, waits and downloads are written once.
"""

import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import httpx

from vigil_client.errors import Problem, Unreachable, problem_of

T = TypeVar("T")
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"


class Sink(Protocol):
    """Takes the body of an answer in pieces."""

    def begin(self, response: httpx.Response) -> None:
        """Take the head of the answer. The body follows."""
        ...

    def write(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        ...


@dataclass(frozen=True)
class Send:
    """Send this request. With a `sink` the body of a 2xx goes there. `timeout` is in seconds, for each read."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    sink: Sink | None = None


@dataclass(frozen=True)
class Pause:
    """Sleep for so many seconds."""

    seconds: float


Steps: TypeAlias = Generator[Send | Pause, httpx.Response | None, T]
"""A call: the shell sends back the response, or throws the `httpx.TransportError` that it met."""


@dataclass(frozen=True)
class Retry:
    """How often a call is repeated. `first` and `longest` are seconds; the pause doubles each time, with jitter.

    A `Retry-After` of the server takes the place of the pause. If it is longer than `longest`, the call fails at once.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 20.0

    def pause(self, attempt: int, retry_after: float | None) -> float:
        """Return the seconds to wait after a failed attempt, the first being 1."""
        if retry_after is not None:
            return retry_after + random.uniform(0, self.first)  # noqa: S311 -- jitter is no secret
        longest = min(self.longest, self.first * float(2 ** (attempt - 1)))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311

    def allows(self, attempt: int, retry_after: float | None) -> bool:
        """Whether another attempt may follow this one."""
        return attempt < self.attempts and (retry_after or 0) <= self.longest


def call(send: Send, retry: Retry) -> Steps[httpx.Response]:
    """Send until there is a usable answer.

    Every request of the API may be repeated: commands have an idempotency key, and a registration is idempotent.

    Raises:
        Problem: the API refused the request, or was still unavailable at the last attempt.
        Unreachable: there was no answer to the last attempt.

    """
    attempt = 0
    while True:
        attempt += 1
        try:
            response = yield send
        except httpx.TransportError as error:
            if not retry.allows(attempt, None):
                raise _unreachable(error, send) from error
            yield Pause(retry.pause(attempt, None))
            continue
        if response is None:
            raise AssertionError("a shell answers each request")
        if response.is_success:
            return response
        problem = problem_of(response)
        if not _is_temporary(problem) or not retry.allows(attempt, problem.retry_after):
            raise problem
        yield Pause(retry.pause(attempt, problem.retry_after))


_WITHOUT_RETRY_AFTER: Final = frozenset({429, 502, 503, 504})
_PERMANENT: Final = "provider_refuses_us"


def _is_temporary(problem: Problem) -> bool:
    if problem.code == _PERMANENT:
        return False  # until an operator corrects the credentials
    return problem.retry_after is not None or problem.status in _WITHOUT_RETRY_AFTER


def _unreachable(error: httpx.TransportError, send: Send) -> Unreachable:
    cause = str(error) or type(error).__name__
    return Unreachable(f"no answer: {cause}", idempotency_key=send.headers.get(IDEMPOTENCY_HEADER))
