"""Metrics and readiness on an address of their own, for processes whose API is not reachable for operators."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from api import health
from api.dependencies import Dependencies
from api.problems import add_problems
from api.security_headers import SecurityHeaders
from vigil.http_server.limits import ConnectionLimits
from vigil.http_server.server import Server, open_listener

_LIMITS: Final = ConnectionLimits(most=16)
"""Few: they share the descriptors that the other listener keeps free."""


@asynccontextmanager
async def serve_metrics(address: str | None, dependencies: Dependencies) -> AsyncIterator[None]:
    """Serve `/metrics` and `/health/ready` at `host:port` while the context lasts; nothing without an address.

    Raises `OSError` if the address is taken.
    """
    if address is None:
        yield
        return
    host, _, port = address.partition(":")
    listener = open_listener(host, int(port))
    server = Server(_build_app(dependencies), listener, _LIMITS, is_guest=True)
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await task


def _build_app(dependencies: Dependencies) -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.state.dependencies = dependencies
    app.include_router(health.operator_router)
    add_problems(app)
    app.add_middleware(SecurityHeaders)
    return app
