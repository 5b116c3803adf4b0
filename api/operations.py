"""Readiness and metrics on a listener of their own, for processes whose face is not where operators are."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from api.health import operator_routes
from api.parts import Parts
from api.problems import add_problems


class _SecondServer(uvicorn.Server):
    """A server beside the one that runs the process, to which it leaves the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def operations_served(address: str | None, parts: Parts) -> AsyncIterator[None]:
    """Serve `/metrics` and `/health/ready` at `host:port` while the context lasts; nothing without an address.

    Raises `OSError` if the address cannot be had.
    """
    if address is None:
        yield
        return
    host, _, port = address.partition(":")
    listener = socket.create_server((host, int(port)))
    # The process has set up its logging already; a second server must not do it again.
    config = uvicorn.Config(_application(parts), log_config=None, lifespan="off", timeout_graceful_shutdown=2)
    server = _SecondServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


def _application(parts: Parts) -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.include_router(operator_routes(parts))
    add_problems(app)
    return app
