"""What all providers share on the wire: one HTTP client, bounded answers, coded failures."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from vigil.domain.errors import ProviderUnavailable

CONNECT_WITHIN: Final = timedelta(seconds=5)
READ_WITHIN: Final = timedelta(seconds=10)
ANSWER_WITHIN: Final = timedelta(seconds=15)
"""For a whole answer: the time-out for reading starts anew with every byte that drips in."""

LARGEST_ANSWER: Final = 10 * 1024 * 1024

# The first class that fits names the failure. A message of httpx may hold a link, so only these words go on.
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
    """A whole answer, read into memory."""

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)

    def retry_after(self) -> timedelta | None:
        """How long the provider asks us to wait, if it says so."""
        return retry_after_of(self.headers)


def open_http() -> httpx.AsyncClient:
    """Return the client that all providers of a process share; its owner closes it.

    Redirects are not followed, since they would carry credentials to another place, and proxies of the environment
    are not taken, since nobody would see them in our settings.
    """
    connect, read = CONNECT_WITHIN.total_seconds(), READ_WITHIN.total_seconds()
    return httpx.AsyncClient(
        timeout=httpx.Timeout(connect=connect, read=read, write=read, pool=read),
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        follow_redirects=False,
        trust_env=False,
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
        ProviderUnavailable: no answer came, or not all of it, or too much, or not in time.

    """
    with coded_failures():
        async with asyncio.timeout(within.total_seconds()), streaming(http, request) as response:
            content = await read_capped(response, largest)
    return HttpAnswer(status=response.status_code, headers=response.headers, content=content)


@asynccontextmanager
async def streaming(http: httpx.AsyncClient, request: httpx.Request) -> AsyncIterator[httpx.Response]:
    """Send a request and give its answer unread; the answer is closed at the end, read or not."""
    with coded_failures():
        response = await http.send(request, stream=True, follow_redirects=False)
    try:
        yield response
    finally:
        await response.aclose()


async def read_capped(response: httpx.Response, largest: int) -> bytes:
    """Read an answer, and stop as soon as it is larger than we take. Raises `ProviderUnavailable`."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > largest:
            raise ProviderUnavailable("answer_too_large")
    return bytes(content)


@contextmanager
def coded_failures() -> Iterator[None]:
    """Turn what goes wrong on the way into `ProviderUnavailable`, without the message, which may hold a link."""
    try:
        yield
    except (httpx.HTTPError, TimeoutError) as error:
        code = next((word for kind, word in _CODES if isinstance(error, kind)), "transport_error")
        raise ProviderUnavailable(code) from None


def retry_after_of(headers: httpx.Headers, *, now: datetime | None = None) -> timedelta | None:
    """Read `Retry-After`, seconds or an HTTP date. A time that has passed is zero, nonsense is None."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        # Nine digits are thirty years; more would overflow a timedelta sooner or later.
        return timedelta(seconds=int(text[:9])) if len(text) <= len("999999999") else None
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(until.replace(tzinfo=until.tzinfo or UTC) - (now or datetime.now(UTC)), timedelta(0))
