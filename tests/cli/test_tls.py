"""Which versions of TLS an address offers, found by handshakes with a real server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.messaging.mailbox import certificate
from vigil.cli.check import check_tls
from vigil.cli.findings import Finding
from vigil.cli.tls import find_versions


@asynccontextmanager
async def listening(context: ssl.SSLContext | None) -> AsyncIterator[str]:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/callbacks"


@pytest.mark.parametrize(
    ("newest", "oldest", "offered"),
    [
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2, ("TLS 1.2", "TLS 1.3")),
        (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, ("TLS 1.2",)),
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3, ("TLS 1.3",)),
    ],
)
async def test_exactly_the_offered_versions_are_found(
    tmp_path: Path, newest: ssl.TLSVersion, oldest: ssl.TLSVersion, offered: tuple[str, ...]
) -> None:
    context, trusted = certificate(tmp_path)
    context.minimum_version, context.maximum_version = oldest, newest
    async with listening(context) as url:
        assert await find_versions(url, trusted=trusted) == offered


async def test_a_certificate_that_nobody_trusts_fails_the_check(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)
    async with listening(context) as url:
        assert await check_tls(url) == Finding(
            "TLS",
            is_ok=False,
            text="the certificate of this address is not trusted",
            fix="install one for this name, with the whole chain",
        )


async def test_an_address_without_tls_is_a_warning_since_it_may_only_be_out_of_reach_from_here() -> None:
    async with listening(None) as url:
        assert await check_tls(url) == Finding(
            "TLS",
            is_ok=True,
            text="the address offers neither TLS 1.2 nor 1.3, or cannot be reached from here",
            fix="test it from outside",
            is_warning=True,
        )


async def test_an_address_with_tls_1_3_alone_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(tmp_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with listening(context) as url:
        found = await check_tls(url)

    assert (found.is_ok, found.is_warning) == (True, True)
    assert found.text == "the address offers no TLS 1.2, and no provider says that it can do without"
