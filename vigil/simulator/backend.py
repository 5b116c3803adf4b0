"""A backend's endpoint for notifications: it keeps what it received, and passes it on to the program under test."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import httpx
from pydantic import Field, JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.domain.models import StrictModel
from vigil.domain.terms import Instant

MOST_KEPT: Final = 1000
LONGEST_WAIT: Final = 60.0
"""In seconds."""
FORWARDED_FOR: Final = timedelta(seconds=90)
"""After an order to forward. Whoever forwards for longer repeats it; a listener that was killed leaves nothing."""
_UNREACHABLE: Final = 502


class Forwarding(StrictModel):
    """Where to send each notification on; null: nowhere, so that the endpoint itself accepts it."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None


class ReceivedNotification(StrictModel):
    """One notification. `answered` is what Vigil was answered."""

    number: int
    at: Instant
    body: JsonValue
    answered: int


class Backend:
    """The route for notifications, and the control routes by which a tester follows and forwards them."""

    def __init__(self, client: httpx.AsyncClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the client that forwards."""
        self._client = client
        self._clock = clock
        self._forwards_until = 0.0
        self._received: deque[ReceivedNotification] = deque(maxlen=MOST_KEPT)
        self._count = 0
        self._url: str | None = None
        self._more = asyncio.Condition()

    def routes(self) -> list[Route]:
        """Return the route for notifications, without prefix."""
        return [Route("/notifications", self._receive, methods=["POST"])]

    def control_routes(self) -> list[Route]:
        """Return the control routes: follow the notifications, and forward them."""
        return [
            Route("/notifications", self._follow),
            Route("/notifications/forward", self._forward, methods=["PUT"]),
        ]

    async def _receive(self, request: Request) -> Response:
        content = await request.body()
        is_forwarded = self._url and self._clock() < self._forwards_until
        answered = await self._pass_on(request, content) if is_forwarded else 204
        async with self._more:
            self._count += 1
            body = await request.json()
            self._received.append(
                ReceivedNotification(number=self._count, at=datetime.now(UTC), body=body, answered=answered)
            )
            self._more.notify_all()
        return Response(status_code=answered)

    async def _pass_on(self, request: Request, content: bytes) -> int:
        signed = {name: value for name, value in request.headers.items() if name.startswith("webhook-")}
        headers = {**signed, "content-type": request.headers.get("content-type", "application/json")}
        try:
            return (await self._client.post(str(self._url), content=content, headers=headers)).status_code
        except httpx.HTTPError:
            return _UNREACHABLE

    async def _follow(self, request: Request) -> Response:
        """Answer what was received after number `after`, and wait up to `wait` seconds for it."""
        after = int(request.query_params.get("after", "0"))
        wait = min(LONGEST_WAIT, float(request.query_params.get("wait", "0")))
        try:
            async with asyncio.timeout(wait), self._more:
                await self._more.wait_for(lambda: self._count > after)
        except TimeoutError:
            pass
        newer = [each.model_dump(mode="json") for each in self._received if each.number > after]
        return JSONResponse({"last": self._count, "notifications": newer})

    async def _forward(self, request: Request) -> Response:
        self._url = Forwarding.model_validate_json(await request.body()).url
        self._forwards_until = self._clock() + FORWARDED_FOR.total_seconds()
        return Response(status_code=204)
