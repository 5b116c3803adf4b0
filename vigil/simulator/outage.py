"""Outages of a whole provider: every request to its API is answered 503."""

from datetime import timedelta

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from vigil.simulator.clock import Clock


class OutageSwitch:
    """An ASGI application that passes requests on to another one, except in an outage."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._down_until: timedelta | None = None

    def begin(self, lasts: timedelta | None) -> None:
        """Begin an outage for a contract time; None: until `end`."""
        self._down_until = self._clock.now() + lasts if lasts is not None else timedelta.max

    def end(self) -> None:
        """End the outage."""
        self._down_until = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503."""
        is_down = self._down_until is not None and self._clock.now() < self._down_until
        await (Response(status_code=503) if is_down else self._app)(scope, receive, send)
