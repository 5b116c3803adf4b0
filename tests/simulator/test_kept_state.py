"""A simulator that is started again knows its verifications, and goes on with their callbacks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from vigil.simulator.app import create_app
from vigil.simulator.registry import SIMULATED

SCALE = 600.0
HOOK = "http://tracker.test/callbacks"
ENDPOINTS: dict[str, dict[str, object]] = {
    "id360": {"endpoints": [{"url": HOOK, "headers": {"Authorization": "x"}}]},
    "identomat": {"endpoints": [{"url": HOOK, "callback_api_key": "x"}]},
    "signicat": {"endpoints": [{"url": HOOK}]},
    "smile_id": {"endpoints": [{"url": HOOK}]},
}


class Receiver:
    """Counts the callbacks, and answers 200."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        self.bodies.append(await Request(scope, receive).body())
        await Response()(scope, receive, send)


@asynccontextmanager
async def started(file: Path, receiver: Receiver) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(receiver)) as sending:
        app = create_app(time_scale=SCALE, client=sending, kept_in=file)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://simulator.test") as client,
        ):
            yield client


@pytest.mark.parametrize("provider", sorted(SIMULATED))
async def test_a_verification_goes_on_after_a_restart_where_it_was(tmp_path: Path, provider: str) -> None:
    file, receiver = tmp_path / "state", Receiver()
    route = f"/control/{provider}/verifications"
    async with started(file, receiver) as client:
        begun = (await client.post(route, json={**ENDPOINTS[provider], "think": "PT30M"})).json()
    async with started(file, receiver) as client:
        found = await client.get(f"{route}/{begun['reference']}")
        again = await client.post(route, json={**ENDPOINTS[provider], "reference": begun["reference"]})

    assert (found.status_code, again.status_code) == (200, 409)
    assert found.json()["script"] == begun["script"]
    assert (file.stat().st_mode & 0o777, receiver.bodies) == (0o600, [])


async def test_a_callback_that_was_due_meanwhile_is_sent_once(tmp_path: Path) -> None:
    file, receiver = tmp_path / "state", Receiver()
    order = {**ENDPOINTS["id360"], "think": "PT1M", "step_every": "PT10M"}
    async with started(file, receiver) as client:
        reference = (await client.post("/control/id360/verifications", json=order)).json()["reference"]
        while not receiver.bodies:
            await asyncio.sleep(0.05)
        early = len(receiver.bodies)
    for _ in range(2):
        async with started(file, receiver) as client:
            async with asyncio.timeout(30):
                view = f"/control/id360/verifications/{reference}"
                while not (await client.get(view)).json()["finished"]:
                    await asyncio.sleep(0.1)

    assert early < 8
    assert len(receiver.bodies) == len(set(receiver.bodies)) == 8


@pytest.mark.parametrize("content", [b"", b"no state", b"\x80\x04N."])
async def test_a_file_that_cannot_be_used_keeps_no_simulator_from_starting(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "state"
    file.write_bytes(content)

    async with started(file, Receiver()) as client:
        assert (await client.get("/control/health")).status_code == 200
