"""A second listener of a process, for health and metrics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.types import ASGIApp

from vigil.http_server.limits import ConnectionLimits
from vigil.http_server.server import Server, open_listener

_LIMITS: Final = ConnectionLimits(most=16)
"""Few: they share the descriptors that the other listener keeps free."""


@asynccontextmanager
async def serve_beside(address: str | None, app: ASGIApp) -> AsyncIterator[None]:
    """Serve an application at `host:port` while the context lasts; nothing without an address.

    Raises `OSError` if the address is taken.
    """
    if address is None:
        yield
        return
    host, _, port = address.partition(":")
    server = Server(app, open_listener(host, int(port)), _LIMITS, is_guest=True)
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await task
