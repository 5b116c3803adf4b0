"""A name that a stranger controls leads to no address inside, however it is written."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from vigil.outbound_http import PrivateAddress, Resolve, pinned_request, post

INSIDE = {
    "0.0.0.0": "this machine",
    "10.1.2.3": "private",
    "100.64.0.1": "shared by a provider's customers",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "169.254.169.254": "link-local: metadata of a cloud",
    "172.31.255.255": "private",
    "192.0.0.8": "protocol assignments; global to Python 3.11.7",
    "192.0.0.170": "protocol assignments",
    "192.0.2.1": "documentation",
    "192.88.99.1": "relay of 6to4",
    "192.168.0.1": "private",
    "198.18.0.1": "benchmarks",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "this machine",
    "::1": "loopback",
    "::127.0.0.1": "compatible with IPv4",
    "::ffff:127.0.0.1": "mapped IPv4",
    "::ffff:169.254.169.254": "mapped IPv4",
    "::ffff:0:127.0.0.1": "translated IPv4 (SIIT)",
    "64:ff9b::a9fe:a9fe": "169.254.169.254 through NAT64",
    "64:ff9b::7f00:1": "127.0.0.1 through NAT64",
    "64:ff9b::e000:1": "multicast through NAT64",
    "64:ff9b:1::a9fe:a9fe": "local NAT64; global to Python 3.11.7",
    "100::1": "discarded",
    "2001:0:4136:e378:8000:63bf:5601:5601": "169.254.169.254 through Teredo",
    "2001:db8::1": "documentation",
    "2002:a9fe:a9fe::": "169.254.169.254 through 6to4",
    "2002:7f00:1::1": "127.0.0.1 through 6to4",
    "3fff::1": "documentation",
    "5f00::1": "segment routing",
    "fc00::1": "private",
    "fd00:ec2::254": "metadata of a cloud",
    "fe80::1": "link-local",
    "fe80::1%lo": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast, global scope",
}
OUTSIDE = [
    "1.1.1.1",
    "8.8.8.8",
    "192.0.1.1",
    "223.255.255.254",
    "2606:4700:4700::1111",
    "2a00:1450:4001:800::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


def resolved_to(*addresses: str) -> Resolve:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


REQUEST = httpx.Request("GET", "https://files.example/portrait")


@pytest.mark.parametrize("address", INSIDE, ids=lambda address: f"{address} ({INSIDE[address]})")
async def test_a_host_at_an_inside_address_is_refused(address: str) -> None:
    with pytest.raises(PrivateAddress):
        await pinned_request(REQUEST, allow_private=False, resolve=resolved_to(address))


@pytest.mark.parametrize("address", OUTSIDE)
async def test_a_host_at_a_public_address_is_called_there(address: str) -> None:
    pinned = await pinned_request(REQUEST, allow_private=False, resolve=resolved_to(address))

    assert pinned.url.host == address
    assert pinned.headers["host"] == "files.example"


async def test_a_host_with_a_public_and_an_inside_address_is_called_at_the_public_one() -> None:
    resolve = resolved_to("64:ff9b::a9fe:a9fe", "169.254.169.254", "8.8.8.8")
    pinned = await pinned_request(REQUEST, allow_private=False, resolve=resolve)

    assert pinned.url.host == "8.8.8.8"


@asynccontextmanager
async def listener() -> AsyncIterator[tuple[int, list[object]]]:
    """A server on the loopback interface, and who connected to it."""
    connected: list[object] = []

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer.get_extra_info("peername"))
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], connected


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
    ],
)
async def test_no_spelling_of_this_machine_reaches_a_server_on_it(host: str) -> None:
    async with listener() as (port, connected), httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises((PrivateAddress, httpx.InvalidURL)):
            await post(http, f"http://{host}:{port}/", "{}", {}, allow_private=False)

    assert connected == []
