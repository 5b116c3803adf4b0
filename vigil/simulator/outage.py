"""A provider that is down: every call to its API is answered 503."""

from datetime import timedelta

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from vigil.simulator.clock import Clock


class OutageSwitch:
    """An ASGI application that answers for another one while that one is said to be down."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._down_until: timedelta | None = None

    def begin(self, lasts: timedelta | None) -> None:
        """Be down for a contract time, or until `end`."""
        self._down_until = self._clock.now() + lasts if lasts is not None else timedelta.max

    def end(self) -> None:
        """Be up again."""
        self._down_until = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or answer 503."""
        is_down = self._down_until is not None and self._clock.now() < self._down_until
        await (Response(status_code=503) if is_down else self._app)(scope, receive, send)
