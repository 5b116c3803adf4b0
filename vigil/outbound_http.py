"""Calls to addresses that the settings name: looked up once, checked, and called at the address that was checked."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

import httpx

RESOLVE_WITHIN: Final = timedelta(seconds=3)
"""Less than a call may take, so that a resolver that stalls is told from a receiver that may have what was sent."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a host. Raises `OSError`."""


class PrivateAddress(Exception):
    """The name leads into a private network, and that is not allowed."""


class NotResolved(Exception):
    """The name leads nowhere; nothing was sent."""


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Ask the machine's resolver. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


async def pinned_request(
    request: httpx.Request, *, allow_private: bool, resolve: Resolve = resolve_host
) -> httpx.Request:
    """Return the request to the address that was looked up and checked; the name stays in Host and in TLS.

    Raises:
        PrivateAddress: the name leads into a private network.
        NotResolved: the name leads nowhere.

    """
    host, scheme = request.url.host, request.url.scheme
    try:
        async with asyncio.timeout(RESOLVE_WITHIN.total_seconds()):
            addresses = await resolve(host, request.url.port or (80 if scheme == "http" else 443))
    except OSError:  # `TimeoutError` is one too
        raise NotResolved from None
    headers = request.headers.copy()
    # Connections are shared by address, and two names at one address must not share one.
    headers["connection"] = "close"
    return httpx.Request(
        request.method,
        request.url.copy_with(host=_allowed(addresses, allow_private=allow_private)),
        headers=headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


async def post(
    http: httpx.AsyncClient,
    url: str,
    content: str,
    headers: Mapping[str, str],
    *,
    allow_private: bool,
    resolve: Resolve = resolve_host,
) -> int:
    """Post a JSON text and return the status code; the rest of the answer is left unread. Follows no redirect.

    Raises:
        PrivateAddress: nothing was sent.
        NotResolved: nothing was sent.
        httpx.HTTPError: there was no answer.

    """
    typed = {**headers, "content-type": "application/json"}
    request = http.build_request("POST", url, headers=typed, content=content)
    pinned = await pinned_request(request, allow_private=allow_private, resolve=resolve)
    answer = await http.send(pinned, stream=True, follow_redirects=False)
    await answer.aclose()
    return answer.status_code


def _allowed(addresses: Sequence[str], *, allow_private: bool) -> str:
    allowed = [each for each in addresses if allow_private or ipaddress.ip_address(each).is_global]
    if not allowed:
        raise PrivateAddress
    return allowed[0]
