"""The whole simulator in memory, with a receiver and a clock that moves when told."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from tests.simulator.receiver import Receiver
from tests.simulator.step_clock import StepClock
from vigil.simulator.app import create_app

REFERENCE = "700101"
HOOK = "http://tracker.test/hook"
SECRET = "Bearer agreed"


class Stand:
    """Orders verifications, reads reports and moves the clock. Minutes are contract time."""

    def __init__(self, api: httpx.AsyncClient, steps: StepClock, receiver: Receiver) -> None:
        self.api = api
        self.receiver = receiver
        self._steps = steps
        self._token = ""

    async def order(self, **scenario: Any) -> httpx.Response:
        endpoint = {"url": HOOK, "headers": {"Authorization": SECRET}}
        wanted = {"reference": REFERENCE, "endpoints": [endpoint], **scenario}
        return await self.api.post("/control/id360/verifications", json=wanted)

    async def pass_minutes(self, minutes: float) -> None:
        await self._steps.advance(timedelta(minutes=minutes))

    async def log_in(self) -> None:
        answer = await self.api.post("/id360/api/1.0.0/user/login/", json={"username": "tracker", "password": "open"})
        self._token = answer.json()["token"]

    async def get(self, path: str) -> httpx.Response:
        return await self.api.get(path, headers={"Authorization": f"Token {self._token}"})

    async def report(self, query: str = "", reference: str = REFERENCE) -> httpx.Response:
        """Read the report with a fresh token."""
        await self.log_in()
        return await self.get(f"/id360/api/1.0.0/enrollment/{reference}/report{query}")

    async def account(self) -> Any:
        return (await self.api.get(f"/control/id360/verifications/{REFERENCE}")).json()

    def heard(self) -> list[tuple[str, int]]:
        """Return status and count of steps of each callback, in the order of arrival."""
        return [(call.json["status"], call.json["steps_status"]["done"]) for call in self.receiver.calls]


@asynccontextmanager
async def stand(codes: Sequence[int] = (204,)) -> AsyncIterator[Stand]:
    steps = StepClock()
    clock = steps.at_scale(1)
    receiver = Receiver(clock.now, codes)
    async with receiver.client() as client:
        app = create_app(time_scale=1, client=client, clock=clock)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://simulator.test") as api:
            yield Stand(api, steps, receiver)
            await app.state.engine.aclose()
