"""The HTTP client of all providers: bounded answers, and failures as codes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from vigil.domain.errors import ANSWER_TOO_LARGE, ProviderUnavailable
from vigil.outbound_http import certificates
from vigil.providers.account_settings import LARGEST_ANSWER
from vigil.tracing import span

CONNECT_WITHIN: Final = timedelta(seconds=5)
READ_WITHIN: Final = timedelta(seconds=10)
ANSWER_WITHIN: Final = timedelta(seconds=15)
"""Limit for a whole answer. The read time-out alone is not enough: it restarts with every byte."""

# The first matching class gives the code. A message of httpx may contain a link, so only the code is passed on.
_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "connect_timeout"),
    (httpx.ReadTimeout, "read_timeout"),
    (httpx.WriteTimeout, "write_timeout"),
    (httpx.PoolTimeout, "pool_timeout"),
    (httpx.ConnectError, "connect_failed"),
    (httpx.NetworkError, "connection_lost"),
    (httpx.RemoteProtocolError, "cut_short"),
    (httpx.DecodingError, "undecodable"),
    (TimeoutError, "answer_timeout"),
)


@dataclass(frozen=True)
class HttpAnswer:
    """A complete answer, in memory."""

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)

    def retry_after(self) -> timedelta | None:
        """Return how long the provider asks us to wait; None if it does not say."""
        return parse_retry_after(self.headers)


def open_http() -> httpx.AsyncClient:
    """Return the client that all providers of a process share; its owner closes it.

    It follows no redirects, since they would carry credentials to another host, and ignores proxies of the environment,
    since they do not appear in our settings.
    """
    connect, read = CONNECT_WITHIN.total_seconds(), READ_WITHIN.total_seconds()
    return httpx.AsyncClient(
        timeout=httpx.Timeout(connect=connect, read=read, write=read, pool=read),
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        follow_redirects=False,
        trust_env=False,
        verify=certificates(),
        headers={"User-Agent": "vigil"},
    )


async def exchange(
    http: httpx.AsyncClient,
    request: httpx.Request,
    *,
    largest: int = LARGEST_ANSWER,
    within: timedelta = ANSWER_WITHIN,
) -> HttpAnswer:
    """Send a request and read the whole answer, at most `largest` bytes of it.

    Raises:
        ProviderUnavailable: no answer, an incomplete or too large one, or none within the time.

    """
    with translate_failures():
        async with asyncio.timeout(within.total_seconds()), open_response(http, request) as response:
            content = await _read_limited(response, largest)
    return HttpAnswer(status=response.status_code, headers=response.headers, content=content)


@asynccontextmanager
async def open_response(http: httpx.AsyncClient, request: httpx.Request) -> AsyncIterator[httpx.Response]:
    """Send a request and yield its answer unread. The answer is closed at the end, read or not."""
    with translate_failures(), span("provider request", method=request.method) as sent:
        response = await http.send(request, stream=True, follow_redirects=False)
        sent.set_attribute("status", response.status_code)
    try:
        yield response
    finally:
        await response.aclose()


async def _read_limited(response: httpx.Response, largest: int) -> bytes:
    """Read an answer, and stop once it is too large. Raises `ProviderUnavailable`."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > largest:
            raise ProviderUnavailable(ANSWER_TOO_LARGE)
    return bytes(content)


@contextmanager
def translate_failures() -> Iterator[None]:
    """Turn HTTP errors into `ProviderUnavailable`, with a code and without the message, which may contain a link."""
    try:
        yield
    except (httpx.HTTPError, TimeoutError) as error:
        code = next((word for kind, word in _CODES if isinstance(error, kind)), "transport_error")
        raise ProviderUnavailable(code) from None


def parse_retry_after(headers: httpx.Headers, *, now: datetime | None = None) -> timedelta | None:
    """Return `Retry-After`, given in seconds or as an HTTP date: zero for a past date, None if it is unreadable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        # Nine digits of seconds are thirty years. More could overflow a timedelta.
        return timedelta(seconds=int(text[:9])) if len(text) <= len("999999999") else None
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(until.replace(tzinfo=until.tzinfo or UTC) - (now or datetime.now(UTC)), timedelta(0))
