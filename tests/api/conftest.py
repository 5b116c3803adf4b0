"""A desk that takes callbacks, and real HTTP in front of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from api.callbacks.endpoint import CallbackEndpoint
from tests.api.fakes import Desk
from vigil.http_server.server import Server, open_listener
from vigil.outbound_http import certificates


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """Real HTTP on a free port."""
    listener = open_listener("127.0.0.1", 0)
    server = Server(app, listener, is_guest=True)
    port = listener.getsockname()[1]
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not task.done(), "the server ended before it started"
            await asyncio.sleep(0.01)
        limits = httpx.Limits(max_connections=300)
        async with httpx.AsyncClient(
            verify=certificates(),
            base_url=f"http://127.0.0.1:{port}",
            limits=limits,
            timeout=20,
            trust_env=False,
        ) as client:
            yield client
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def in_process(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """No network: a call returns when everything that follows its answer is done too."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def endpoint_of(desk: Desk, *, trusted_proxies: tuple[object, ...] = ()) -> CallbackEndpoint:
    behind = PlainTextResponse("behind", 404)
    return CallbackEndpoint(behind, services=desk.services, trusted_proxies=trusted_proxies)  # type: ignore[arg-type]
