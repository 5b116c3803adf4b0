"""`Client` and `AsyncClient`: one surface, two ways to send."""

import functools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, ParamSpec, Self, TypeVar, Unpack, overload

import anyio
import anyio.to_thread
import httpx

from vigil_client import operations
from vigil_client.calls import Pause, Retry, Send, Steps
from vigil_client.models import Key, Listed
from vigil_client.notifications import Notification, unwrap

P = ParamSpec("P")
T = TypeVar("T")
TIMEOUT: Final = 15.0
"""Seconds until the API must have accepted a connection, and for each read of an answer."""


class Operation(Generic[P, T]):
    """A method that is written once: `Client` returns its result, `AsyncClient` an awaitable of it."""

    def __init__(self, build: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: "Client", owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: "AsyncClient", owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, client: None, owner: type) -> "Operation[P, T]": ...
    def __get__(self, client: "Client | AsyncClient | None", owner: type) -> Any:
        """Return the method of a client."""
        if client is None:
            return self
        run = client.run

        @functools.wraps(self._build)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return run(self._build(client, *args, **kwargs))

        return method


@dataclass(frozen=True)
class Connection:
    """How to reach the API. What is not given is read from `VIGIL_URL`, `VIGIL_KEY` and `VIGIL_WEBHOOK_SECRET`."""

    url: str
    key: str | None
    webhook_secrets: tuple[str, ...]

    @classmethod
    def of(cls, url: str | None, key: str | None, webhook_secret: str | Sequence[str] | None) -> "Connection":
        """Return a connection. Raises `ValueError` without an address."""
        found = url or os.environ.get("VIGIL_URL")
        if not found:
            raise ValueError("give the address of Vigil's API: Client(url=...), or the environment variable VIGIL_URL")
        given = webhook_secret if webhook_secret is not None else os.environ.get("VIGIL_WEBHOOK_SECRET", "")
        named = given.split() if isinstance(given, str) else given
        return cls(found.rstrip("/"), key or os.environ.get("VIGIL_KEY"), tuple(named))

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


class _Surface:
    """The operations. `retry` says how often a call is repeated."""

    retry: Retry
    clock: Callable[[], float]
    long_poll: int = operations.LONG_POLL
    _connection: Connection

    register = Operation(operations.register)
    get = Operation(operations.get)
    wait = Operation(operations.wait)
    explanation = Operation(operations.explanation)
    timeline = Operation(operations.timeline)
    evidence = Operation(operations.evidence)
    claims = Operation(operations.claims)
    result = Operation(operations.result)
    download = Operation(operations.download_file)
    export = Operation(operations.export)
    notifications = Operation(operations.notifications)
    resend = Operation(operations.resend)
    poll = Operation(operations.poll)
    withdraw = Operation(operations.withdraw)
    resolve = Operation(operations.resolve)
    move_deadline = Operation(operations.move_deadline)
    erase = Operation(operations.erase)
    erasure = Operation(operations.erasure)
    place_hold = Operation(operations.place_hold)
    hold = Operation(operations.hold)
    release_hold = Operation(operations.release_hold)
    _list_page = Operation(operations.list_page)

    def unwrap(self, body: bytes | str, headers: Mapping[str, str]) -> Notification:
        """Return a notification after its signature is verified with the secret of this client.

        Raises:
            NotificationRefused: the signature does not fit, or is older than five minutes.
            ValueError: this client has no secret, or one of the wrong form.

        """
        if not self._connection.webhook_secrets:
            raise ValueError("give the endpoint's secret: Client(webhook_secret=...), or VIGIL_WEBHOOK_SECRET")
        return unwrap(body, headers, self._connection.webhook_secrets)


class Client(_Surface):
    """Speaks with Vigil's API. Threads may share one."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        webhook_secret: str | Sequence[str] | None = None,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Take address, key and webhook secret, by default from the environment. Raises `ValueError`."""
        self._connection = Connection.of(url, key, webhook_secret)
        self.retry = retry or Retry()
        self.clock: Callable[[], float] = time.monotonic
        self.sleep: Callable[[float], None] = time.sleep
        self._http = httpx.Client(
            base_url=self._connection.url, headers=self._connection.headers, timeout=TIMEOUT, transport=transport
        )

    def list(self, **filters: Unpack[operations.Filters]) -> Iterator[Listed]:
        """Yield each verification that meets the filters, the newest first, page by page."""
        page, seen = None, set[Key]()
        while True:
            found = self._list_page(filters, page)
            yield from operations.newest_runs(found, seen)
            page = found.next_page
            if page is None:
                return

    def run(self, steps: Steps[T]) -> T:
        """Run the steps of an operation and return its result."""
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._do(step)
                except httpx.TransportError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, step: Send | Pause) -> httpx.Response | None:
        if isinstance(step, Pause):
            self.sleep(step.seconds)
            return None
        response = self._http.send(_request_of(self._http, step), stream=step.sink is not None)
        if step.sink is None:
            return response
        try:
            if response.is_success:
                step.sink.begin(response)
                for chunk in response.iter_bytes():
                    step.sink.write(chunk)
            else:
                response.read()
        finally:
            response.close()
        return response


class AsyncClient(_Surface):
    """Speaks with Vigil's API under asyncio or trio. Tasks may share one."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        webhook_secret: str | Sequence[str] | None = None,
        retry: Retry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take address, key and webhook secret, by default from the environment. Raises `ValueError`."""
        self._connection = Connection.of(url, key, webhook_secret)
        self.retry = retry or Retry()
        self.clock: Callable[[], float] = time.monotonic
        self.sleep: Callable[[float], Awaitable[None]] = anyio.sleep
        self._http = httpx.AsyncClient(
            base_url=self._connection.url, headers=self._connection.headers, timeout=TIMEOUT, transport=transport
        )

    async def list(self, **filters: Unpack[operations.Filters]) -> AsyncIterator[Listed]:
        """Yield each verification that meets the filters, the newest first, page by page."""
        page, seen = None, set[Key]()
        while True:
            found = await self._list_page(filters, page)
            for listed in operations.newest_runs(found, seen):
                yield listed
            page = found.next_page
            if page is None:
                return

    async def run(self, steps: Steps[T]) -> T:
        """Run the steps of an operation and return its result."""
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._do(step)
                except httpx.TransportError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _do(self, step: Send | Pause) -> httpx.Response | None:
        if isinstance(step, Pause):
            await self.sleep(step.seconds)
            return None
        response = await self._http.send(_request_of(self._http, step), stream=step.sink is not None)
        if step.sink is None:
            return response
        try:
            if response.is_success:
                step.sink.begin(response)
                async for chunk in response.aiter_bytes():
                    await anyio.to_thread.run_sync(step.sink.write, chunk)
            else:
                await response.aread()
        finally:
            await response.aclose()
        return response


def _request_of(http: httpx.Client | httpx.AsyncClient, send: Send) -> httpx.Request:
    options: dict[str, Any] = {} if send.timeout is None else {"timeout": httpx.Timeout(TIMEOUT, read=send.timeout)}
    if send.sink is None:
        options["json"] = send.json
    return http.build_request(send.method, send.path, params=send.params, headers=send.headers, **options)
