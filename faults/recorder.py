"""The proxy in front of the APIs: it passes callbacks on, and what it writes down is the truth of the campaign."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from faults.ledger import Attempt

FORGED: Final = "x-campaign-forged"
"""Names the kind of a forged callback; it is not passed on."""
NETWORK: Final = "delays network"
"""The fault in which callbacks are late and answers get lost on their way to the sender."""
_DELAYS: Final = (0.05, 0.8)
"""Seconds."""
_LOSES: Final = 0.25
_LONGEST: Final = 60.0
_HOP_BY_HOP: Final = frozenset({"connection", "host", "transfer-encoding", "content-length", FORGED})


class Recorder:
    """Passes each callback to one API after the other in turn, and to the next one where no process listens."""

    def __init__(self, apis: Sequence[str], *, faults: Callable[[], tuple[str, ...]], random: Random) -> None:
        """Take the addresses of the APIs, and what says which faults are under way."""
        self._random = random
        self.attempts: list[Attempt] = []
        self.samples: dict[str, tuple[str, dict[str, str], bytes]] = {}
        """By account, the path, the headers and the body of the newest callback of its provider."""
        self._apis = apis
        self._turns = itertools.count()
        self._faults = faults
        # A connection that a killed process has left behind must not count as an attempt.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._http = httpx.AsyncClient(trust_env=False, timeout=_LONGEST, limits=limits)

    def app(self) -> Starlette:
        """Return the application to serve."""
        return Starlette(routes=[Route("/callbacks/{account}", self._pass_on, methods=["POST"])])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _pass_on(self, request: Request) -> Response:
        body, forged = await request.body(), request.headers.get(FORGED)
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
        account = request.path_params["account"]
        is_bad = NETWORK in self._faults()
        if is_bad:
            await asyncio.sleep(self._random.uniform(*_DELAYS))
        before, sent_at = self._faults(), datetime.now(UTC)
        status = await self._send(request.url.path, headers, body)
        under_way = tuple(sorted({*before, *self._faults()}))
        now = datetime.now(UTC)
        self.attempts.append(Attempt(account, sent_at, now, status, body, forged, under_way))
        # A signature without a body is good for the first body: a forger must not come before the real callback.
        if forged is None and status is not None and httpx.codes.is_success(status) and not under_way:
            self.samples[account] = (request.url.path, headers, body)
        if is_bad and self._random.random() < _LOSES:
            status = None  # the API has answered, and the sender never learns of it
        return Response(status_code=status or httpx.codes.BAD_GATEWAY)

    async def _send(self, path: str, headers: dict[str, str], body: bytes) -> int | None:
        first = next(self._turns)
        for turn in range(len(self._apis)):
            api = self._apis[(first + turn) % len(self._apis)]
            try:
                async with asyncio.timeout(_LONGEST):
                    answer = await self._http.post(f"{api}{path}", content=body, headers=headers)
                return answer.status_code
            except httpx.ConnectError:
                continue
            except (httpx.HTTPError, TimeoutError):
                return None
        return None
