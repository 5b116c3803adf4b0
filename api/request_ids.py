"""An id for each request: in its answer, in the problem that it may be, and in each line that it logs."""

import secrets
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "Request-Id"
_FIELD: Final = "request_id"


class RequestIds:
    """ASGI middleware that gives each request an id of its own. An id that the caller sends is not used."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = secrets.token_hex(8)

        async def add_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = own
            await send(message)

        with structlog.contextvars.bound_contextvars(**{_FIELD: own}):
            await self._app(scope, receive, add_header)


def current_request_id() -> str | None:
    """Return the id of the request that is being answered."""
    found = structlog.contextvars.get_contextvars().get(_FIELD)
    return found if isinstance(found, str) else None
