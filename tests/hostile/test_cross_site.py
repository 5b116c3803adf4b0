"""A web page that an operator visits must not act through the operator's browser, with keys or without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from api.app import build_app
from api.auth import Backend
from tests.api.test_verifications import body, code, dependencies_of, path
from tests.sealed import connect
from tests.world import World
from vigil.config.keys import hash_key

HOST = "127.0.0.1:8000"
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


@asynccontextmanager
async def asking(world: World, *backends: Backend) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(dependencies_of(world, backends=backends))
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"origin": f"http://{HOST}.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "something-new"},
    ],
)
@pytest.mark.parametrize("keys", [(), (Backend("checkout", (hash_key("b"),)),)], ids=["without keys", "with keys"])
async def test_what_another_site_makes_a_browser_send_is_refused_and_does_nothing(
    world: World, keys: tuple[Backend, ...], headers: dict[str, str]
) -> None:
    """Without keys such a form ended a verification as `withdrawn`."""
    sent = headers | {"authorization": "Bearer b"}
    async with asking(world, *keys) as client:
        read = await client.get("/verifications?limit=1", headers=sent)
        registered = await client.post("/verifications", json=body(world), headers=sent)
        withdrawn = await client.post(path(world, "/withdraw"), headers=sent | FORM)

    assert {(each.status_code, code(each)) for each in (read, registered, withdrawn)} == {(403, "cross_site")}
    assert await world.tracker.describe(world.key) is None


@pytest.mark.parametrize(
    "headers", [{}, {"origin": f"http://{HOST}"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}]
)
async def test_a_program_and_a_page_of_our_own_may_ask(world: World, headers: dict[str, str]) -> None:
    async with asking(world) as client:
        answer = await client.get("/verifications?limit=1", headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 415),
        (FORM, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "multipart/form-data; boundary=application/json"}, 415),
        (JSON, 404),
        ({"content-type": "Application/JSON; charset=utf-8"}, 404),
        (FORM | {"idempotency-key": "withdraw-0001"}, 404),
    ],
)
async def test_a_command_that_a_form_could_send_is_refused(world: World, headers: dict[str, str], status: int) -> None:
    async with asking(world) as client:
        answer = await client.post(path(world, "/withdraw"), headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(
    "header", ["Via", "Forwarded", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"]
)
async def test_a_forwarded_request_is_not_one_of_this_machine(world: World, header: str) -> None:
    async with asking(world) as client:
        answer = await client.get("/refusals", headers={header: "127.0.0.1"})

    assert (answer.status_code, code(answer)) == (403, "no_keys")
