"""The simulated backend: it shows each notification once, and its answer is that of the program behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from tests.api.conftest import served
from vigil.simulator.app import FRESH_CONNECTIONS, create_app
from vigil.simulator.backend import Backend

BODY = {"type": "verification.revised", "version": 1, "data": {"revision": 1}}


@asynccontextmanager
async def simulator() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, limits=FRESH_CONNECTIONS) as forwarding:
        app = create_app(time_scale=1, client=forwarding)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://simulator") as http:
            yield http
        await app.state.engine.aclose()


async def notify(http: httpx.AsyncClient, content: str = json.dumps(BODY)) -> int:
    headers = {"webhook-id": "a/1", "webhook-signature": "v1,abc", "content-type": "application/json", "cookie": "c=1"}
    return (await http.post("/backend/notifications", content=content, headers=headers)).status_code


async def test_a_notification_is_accepted_and_shown_to_whoever_waits_for_it() -> None:
    async with simulator() as http:
        waiting = asyncio.create_task(http.get("/control/notifications", params={"after": 0, "wait": 20}))
        codes = [await notify(http) for _ in range(2)]
        first = (await waiting).json()
        rest = (await http.get("/control/notifications", params={"after": 1})).json()
        none = (await http.get("/control/notifications", params={"after": 2})).json()

    assert codes == [204, 204]
    assert (first["notifications"][0]["body"], first["notifications"][0]["answered"]) == (BODY, 204)
    assert [each["number"] for each in rest["notifications"]] == [2]
    assert none == {"last": 2, "notifications": []}


async def test_a_program_gets_the_signed_request_as_it_is_and_its_answer_reaches_vigil() -> None:
    content = '{"type": "verification.revised",   "data": {}}'
    received: list[tuple[str, bytes, dict[str, str]]] = []

    async def program(request: Request) -> Response:
        received.append((request.url.path, await request.body(), dict(request.headers)))
        return Response(status_code=500 if len(received) == 1 else 204)

    app = Starlette(routes=[Route("/hooks", program, methods=["POST"])])
    async with simulator() as http, served(app) as hooks:
        await http.put("/control/notifications/forward", json={"url": f"{hooks.base_url}/hooks"})
        codes = [await notify(http, content) for _ in range(2)]
        await http.put("/control/notifications/forward", json={"url": None})
        codes.append(await notify(http, content))

    assert codes == [500, 204, 204]
    assert [(path, body.decode()) for path, body, _ in received] == [("/hooks", content)] * 2
    assert (received[0][2]["webhook-id"], received[0][2]["webhook-signature"]) == ("a/1", "v1,abc")
    assert "cookie" not in received[0][2]


async def test_a_program_that_is_not_there_is_an_answer_that_lets_vigil_repeat() -> None:
    async with simulator() as http:
        await http.put("/control/notifications/forward", json={"url": "http://127.0.0.1:9/"})
        code = await notify(http)
        wrong = await http.put("/control/notifications/forward", json={"url": "localhost:8080"})

    assert (code, wrong.status_code) == (502, 422)


async def test_forwarding_ends_by_itself_when_nobody_orders_it_again() -> None:
    times = iter([0.0, 0.0, 89.0, 91.0])
    async with httpx.AsyncClient(trust_env=False, limits=FRESH_CONNECTIONS) as forwarding:
        backend = Backend(forwarding, clock=lambda: next(times))
        app = Starlette(routes=[*backend.routes(), Mount("/control", routes=backend.control_routes())])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://simulator") as http:
            await http.put("/control/notifications/forward", json={"url": "http://127.0.0.1:9/"})
            codes = [(await http.post("/notifications", json=BODY)).status_code for _ in range(3)]

    assert codes == [502, 502, 204]
