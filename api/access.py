"""The layer in front of the routes for backends: site, key and size are checked before a body is parsed."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import Backend, Backends, remember_backend
from api.callbacks.endpoint import Network, source_of
from api.problems import Problem
from api.reference import ADDRESSES
from vigil.observability import Metrics

LARGEST_BODY: Final = 64 * 1024
FREE_FAILURES: Final = 10
"""Failed keys of one source that are answered at once, in one window."""
FAILURE_WINDOW: Final = timedelta(minutes=1)
REFUSAL_DELAY: Final = timedelta(seconds=1)
MOST_SOURCES: Final = 1024
MOST_DELAYED: Final = 100

_WITHOUT_KEY: Final = frozenset({"/health/live", *ADDRESSES})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_log = structlog.get_logger("vigil.api")


class FailedKeys:
    """Counts failed keys, and delays the refusals of a source that fails often. A right key is never delayed."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._wait = wait
        self._failures: OrderedDict[object, tuple[float, int]] = OrderedDict()
        self._delayed = 0

    async def note(self, reason: str, source: IPv4Address | IPv6Address | None) -> None:
        """Count one failure and return when it may be answered. Raises `Problem` 429 if too many wait already."""
        self._metrics.failed_keys.labels(reason=reason).inc()
        count = self._count(_neighbourhood(source))
        if count <= FREE_FAILURES:
            _log.warning("key.refused", reason=reason, count=count)
            return
        if self._delayed >= MOST_DELAYED:
            raise Problem(
                429, "too_many_failures", "Too many requests without a valid key", headers={"Retry-After": "60"}
            )
        self._delayed += 1
        try:
            await self._wait(REFUSAL_DELAY.total_seconds())
        finally:
            self._delayed -= 1

    def _count(self, source: object) -> int:
        now = self._clock()
        began, count = self._failures.pop(source, (now, 0))
        if now - began > FAILURE_WINDOW.total_seconds():
            began, count = now, 0
        self._failures[source] = began, count + 1
        while len(self._failures) > MOST_SOURCES:
            self._failures.popitem(last=False)
        return count + 1


def _neighbourhood(source: IPv4Address | IPv6Address | None) -> object:
    """Return what counts as one source: of IPv6, the network that one customer is given."""
    return IPv6Network((source, 64), strict=False) if isinstance(source, IPv6Address) else source


class AccessLayer:
    """ASGI middleware. It raises every refusal as a `Problem`, which the layer around it answers."""

    def __init__(
        self, app: ASGIApp, *, backends: Sequence[Backend], trusted_proxies: Sequence[Network], failed_keys: FailedKeys
    ) -> None:
        self._app = app
        self._backends = Backends(backends)
        self._trusted = tuple(trusted_proxies)
        self._failed_keys = failed_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _WITHOUT_KEY:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        _refuse_other_sites(headers)
        remember_backend(scope.setdefault("state", {}), await self._identify(scope, headers))
        if scope["method"] not in _SAFE_METHODS:
            _require_json(headers)
        body = await _read_body(receive, headers)
        if body is not None:
            await self._app(scope, _replay(body, receive), send)

    async def _identify(self, scope: Scope, headers: Headers) -> Backend:
        peer = (scope.get("client") or ("",))[0]
        try:
            return self._backends.identify(headers, peer)
        except Problem:
            forwarded = {"x-forwarded-for": ", ".join(headers.getlist("x-forwarded-for"))}
            reason = "wrong" if "authorization" in headers else "missing"
            await self._failed_keys.note(reason, source_of(scope, forwarded, self._trusted))
            raise


def _refuse_other_sites(headers: Headers) -> None:
    """Refuse what a page of another site makes a browser send. No page can forge these headers."""
    is_foreign = any(
        origin.partition("://")[2].lower() != headers.get("host", "").lower() for origin in headers.getlist("origin")
    )
    if is_foreign or not {"none", "same-origin"}.issuperset(headers.getlist("sec-fetch-site")):
        raise Problem(403, "cross_site", "A page of another site may not call")


def _require_json(headers: Headers) -> None:
    """Refuse a command that a form can send: no form can set this media type or this header."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json") and "idempotency-key" not in headers:
        raise Problem(415, "json_required", "Send it as application/json, or with an Idempotency-Key")


async def _read_body(receive: Receive, headers: Headers) -> bytes | None:
    """Return the body; None if the caller went away. Raises `Problem` 413."""
    announced = headers.get("content-length", "")
    is_too_large = announced.isdecimal() and int(announced[:18]) > LARGEST_BODY
    body = bytearray()
    while not is_too_large:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        is_too_large = len(body) > LARGEST_BODY
        if not is_too_large and not message.get("more_body", False):
            return bytes(body)
    raise Problem(413, "too_large", "The body is larger than 64 KiB")


def _replay(body: bytes, receive: Receive) -> Receive:
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return parts.pop() if parts else await receive()

    return replayed
