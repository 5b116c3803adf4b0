"""HTTP requests to URLs from the settings. A host is resolved once, checked, and called at the checked address.

A second lookup could return another address, so that a public name would lead into the private network.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Final, TypeAlias

import httpx

from vigil.public_addresses import is_public

RESOLVE_WITHIN: Final = timedelta(seconds=3)
"""Less than a call may take, so that a stalled resolver does not look like a receiver that may have got the content."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the IP addresses of a host. Raises `OSError`."""


@cache
def certificates() -> ssl.SSLContext:
    """Return what the clients of a process verify servers with. Loading it takes 40 ms, so it is loaded once."""
    return httpx.create_ssl_context(trust_env=False)


class PrivateAddress(Exception):
    """The host has an address in a private network, and that is not allowed. Nothing was sent."""


class NotResolved(Exception):
    """The host has no address. Nothing was sent."""


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host, from the machine's resolver. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


async def pinned_request(
    request: httpx.Request, *, allow_private: bool, resolve: Resolve = resolve_host
) -> httpx.Request:
    """Return the request to the checked address. The host's name stays in the header `Host` and in TLS.

    Raises:
        PrivateAddress: the host has an address in a private network, and that is not allowed.
        NotResolved: the host has no address.

    """
    host, scheme = request.url.host, request.url.scheme
    try:
        async with asyncio.timeout(RESOLVE_WITHIN.total_seconds()):
            addresses = await resolve(host, request.url.port or (80 if scheme == "http" else 443))
    except OSError:  # `TimeoutError` is one too
        raise NotResolved from None
    headers = request.headers.copy()
    # Connections are shared by address, and two hosts at one address must not share one.
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
    """Post a JSON text and return the status code. The body of the response is not read; no redirect is followed.

    Raises:
        PrivateAddress, NotResolved: nothing was sent.
        httpx.HTTPError: there was no response.

    """
    typed = {**headers, "content-type": "application/json"}
    request = http.build_request("POST", url, headers=typed, content=content)
    pinned = await pinned_request(request, allow_private=allow_private, resolve=resolve)
    answer = await http.send(pinned, stream=True, follow_redirects=False)
    await answer.aclose()
    return answer.status_code


def _allowed(addresses: Sequence[str], *, allow_private: bool) -> str:
    allowed = [each for each in addresses if allow_private or is_public(each)]
    if not allowed:
        raise PrivateAddress
    return allowed[0]
