"""A receiver of callbacks that answers by a script and remembers what it was sent."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass
class Call:
    at: timedelta
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return httpx.Response(200, content=self.body).json()


@dataclass
class Receiver:
    """Answers the n-th call with the n-th code, and all further ones with the last code."""

    now: Callable[[], timedelta]
    codes: Sequence[int] = (204,)
    calls: list[Call] = field(default_factory=list)
    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        self.calls.append(Call(self.now(), path, dict(headers), body))
        self._rung.set()
        return self.codes[min(len(self.calls), len(self.codes)) - 1]

    async def heard(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.calls) < count:
                self._rung.clear()
                await self._rung.wait()

    def client(self) -> httpx.AsyncClient:
        """Return a client whose every call comes here, without a network."""

        def handle(request: httpx.Request) -> httpx.Response:
            code = self.answer(request.url.path, request.headers, request.content)
            return httpx.Response(code, headers={"Location": "/moved"} if code in range(300, 400) else {})

        return httpx.AsyncClient(transport=httpx.MockTransport(handle))

    def app(self) -> Starlette:
        async def receive(request: Request) -> Response:
            return Response(status_code=self.answer(request.url.path, request.headers, await request.body()))

        return Starlette(routes=[Route("/{path:path}", receive, methods=["POST"])])

    def times(self) -> list[float]:
        return [call.at.total_seconds() for call in self.calls]
