"""A client that gives up soon, a clock, and servers that answer in one unusual way each."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from tests.providers.raw_server import SteadyClock
from vigil.outbound_http import certificates

Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client that waits for silent servers only briefly."""
    async with httpx.AsyncClient(verify=certificates(), timeout=httpx.Timeout(30, read=1), trust_env=False) as client:
        yield client


@pytest_asyncio.fixture
async def patient_http() -> AsyncIterator[httpx.AsyncClient]:
    """A client for many requests at once, which take long on a busy machine."""
    async with httpx.AsyncClient(verify=certificates(), timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log with every line of every library, at DEBUG."""
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture
def clock() -> SteadyClock:
    return SteadyClock()


@asynccontextmanager
async def serve_with(speak: Speak) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await speak(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _redirect(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


@pytest_asyncio.fixture
async def http_that_drips() -> AsyncIterator[str]:
    async with serve_with(_drip) as url:
        yield url


@pytest_asyncio.fixture
async def http_that_redirects() -> AsyncIterator[str]:
    async with serve_with(_redirect) as url:
        yield url
