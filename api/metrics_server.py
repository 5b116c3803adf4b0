"""Metrics and readiness on an address of their own, for processes whose API is not reachable for operators."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from api import health
from api.dependencies import Dependencies
from api.problems import add_problems


class _SecondServer(uvicorn.Server):
    """A server beside the server of the process. It leaves the signals to that one."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_metrics(address: str | None, dependencies: Dependencies) -> AsyncIterator[None]:
    """Serve `/metrics` and `/health/ready` at `host:port` while the context lasts; nothing without an address.

    Raises `OSError` if the address is taken.
    """
    if address is None:
        yield
        return
    host, _, port = address.partition(":")
    listener = socket.create_server((host, int(port)))
    # The process has set up its logging; a second server must not do it again.
    config = uvicorn.Config(_build_app(dependencies), log_config=None, lifespan="off", timeout_graceful_shutdown=2)
    server = _SecondServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


def _build_app(dependencies: Dependencies) -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.state.dependencies = dependencies
    app.include_router(health.operator_router)
    add_problems(app)
    return app
