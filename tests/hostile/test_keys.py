"""What a backend may do with its key, what it may not, and what a stranger without one may cost."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import ValidationError

from api.app import build_app
from api.auth import Backend
from api.dependencies import Needs
from api.failed_keys import FailedKeys
from api.problems import Problem
from api.ui.routing import PageRoute
from tests.api.test_verifications import body, code, dependencies_of, path
from tests.sealed import connect
from tests.world import ACCOUNT, World
from vigil.config.keys import KeySettings, Right, hash_key
from vigil.observability import Metrics

RIGHTS: Final = {
    ("POST", "/verifications"): "register",
    ("GET", "/verifications"): "read",
    ("GET", "/verifications/{account}/{reference:path}"): "read",
    ("GET", "/verifications/{account}/{reference:path}/explanation"): "read",
    ("GET", "/verifications/{account}/{reference:path}/timeline"): "read",
    ("GET", "/verifications/{account}/{reference:path}/evidence"): "read",
    ("GET", "/verifications/{account}/{reference:path}/evidence/{name}"): "personal",
    ("GET", "/verifications/{account}/{reference:path}/claims"): "personal",
    ("GET", "/verifications/{account}/{reference:path}/export"): "personal",
    ("GET", "/verifications/{account}/{reference:path}/notifications"): "read",
    ("POST", "/verifications/{account}/{reference:path}/notifications/resend"): "command",
    ("GET", "/verifications/{account}/{reference:path}/result"): "personal",
    ("POST", "/verifications/{account}/{reference:path}/poll"): "command",
    ("POST", "/verifications/{account}/{reference:path}/withdraw"): "command",
    ("POST", "/verifications/{account}/{reference:path}/deadline"): "command",
    ("POST", "/verifications/{account}/{reference:path}/resolve"): "resolve",
    ("DELETE", "/verifications/{account}/{reference:path}/data"): "erase",
    ("GET", "/verifications/{account}/{reference:path}/erasure"): "erase",
    ("PUT", "/verifications/{account}/{reference:path}/hold"): "erase",
    ("GET", "/verifications/{account}/{reference:path}/hold"): "erase",
    ("DELETE", "/verifications/{account}/{reference:path}/hold"): "erase",
    ("GET", "/refusals"): "operate",
    ("GET", "/quarantine"): "operate",
    ("GET", "/quarantine/{receipt}"): "operate",
    ("POST", "/quarantine/{receipt}/attach"): "operate",
    ("POST", "/quarantine/reread"): "operate",
    ("GET", "/health/installation"): "operate",
    ("GET", "/health/ready"): "operate",
    ("GET", "/metrics"): "operate",
}
WITHOUT_KEY: Final = {("GET", "/health/live")}

BODIES = {
    "hold": {"reason": "litigation"},
    "resolve": {"decision": "approved"},
    "deadline": {"deadline_at": "2031-01-01T00:00:00Z"},
    "attach": {"account": ACCOUNT, "reference": "none"},
    "reread": {"account": ACCOUNT},
}


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


def key_of(name: str, **settings: Any) -> Backend:
    """Return the holder of the key `{name}'s key`."""
    return Backend.of(KeySettings(name=name, secret_hash=(hash_key(f"{name}'s key"),), **settings))


def holding(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}'s key"}


@asynccontextmanager
async def asking(world: World, *backends: Backend, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(dependencies_of(world, backends=backends, **changes))
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil.example") as client:
        yield client


def routes_of(app: FastAPI) -> Iterator[tuple[str, str, list[str]]]:
    """Yield method, path and declared rights of every route for programs."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and not isinstance(route.original_route, PageRoute):
            needed = [each.call.right.value for each in route.dependant.dependencies if isinstance(each.call, Needs)]
            for method in route.methods or ():
                yield method, str(route.path), needed


async def test_every_route_declares_the_right_of_the_table(world: World) -> None:
    declared = {}
    for method, template, needed in routes_of(build_app(dependencies_of(world))):
        if (method, template) not in WITHOUT_KEY:
            assert len(needed) == 1, f"{method} {template} declares no right"
            declared[method, template] = needed[0]

    assert declared == RIGHTS


@pytest.mark.parametrize("right", Right)
async def test_a_key_reaches_the_routes_of_its_right_alone_and_of_its_account_alone(world: World, right: Right) -> None:
    """Each route is asked by a key with one right, at its own account, and with all rights, at another account."""
    one, other = key_of("one", may=(right,), accounts=(ACCOUNT,)), key_of("other", may=tuple(Right), accounts=("beta",))
    allowed, elsewhere = set(), set()
    async with asking(world, one, other) as client:
        for method, template in RIGHTS:
            at = template.replace("{account}", ACCOUNT).replace("{reference:path}", "none").replace("{name}", "none")
            sent = body(world) if template == "/verifications" else BODIES.get(template.rpartition("/")[2], {})
            answer = await client.request(method, at, json=sent, headers=holding("one"))
            if answer.status_code != 403:
                allowed.add((method, template))
            else:
                assert (code(answer), answer.json()["detail"]) == (
                    "right_missing",
                    f"It needs the right {RIGHTS[method, template]}",
                )
            if ACCOUNT in at or method == "POST":
                answer = await client.request(method, at, json=sent, headers=holding("other"))
                elsewhere.add((answer.status_code, code(answer)))

    assert allowed == {route for route, needed in RIGHTS.items() if needed == right.value}
    assert elsewhere == {(403, "other_account")}


async def test_a_key_without_named_rights_may_neither_resolve_nor_see_refusals(world: World) -> None:
    async with asking(world, key_of("checkout")) as client:
        registered = await client.post("/verifications", json=body(world), headers=holding("checkout"))
        read = await client.get(path(world), headers=holding("checkout"))
        resolved = await client.post(
            path(world, "/resolve"), json={"decision": "approved"}, headers=holding("checkout")
        )
        refusals = await client.get("/refusals", headers=holding("checkout"))
        quarantine = await client.get("/quarantine", headers=holding("checkout"))

    assert (registered.status_code, read.status_code) == (201, 200)
    assert [code(each) for each in (resolved, refusals, quarantine)] == ["right_missing"] * 3


async def test_callbacks_are_listed_and_read_again_for_the_accounts_of_the_key_alone(world: World) -> None:
    one, other = key_of("one", may=(Right.OPERATE,)), key_of("other", may=(Right.OPERATE,), accounts=("beta",))
    async with asking(world, one, other) as client:
        await client.post("/callbacks/acme", content=b"{}")
        await client.post("/callbacks/acme", content=b"nothing", headers={"x-secret": "right"})
        rows = [
            [
                len(
                    (await client.get(path, headers=holding(name))).json()[
                        path[1:].replace("quarantine", "quarantined")
                    ]
                )
                for path in ("/refusals", "/quarantine")
            ]
            for name in ("one", "other")
        ]
        [kept] = (await client.get("/quarantine", headers=holding("one"))).json()["quarantined"]
        shown = await client.get(f"/quarantine/{kept['receipt']}", headers=holding("other"))
        first, last, invented = [
            await client.get("/quarantine", params={"limit": 1, "page": page}, headers=holding("one"))
            for page in ("99991231T000000.000000Z-0", kept["receipt"], "../pending")
        ]
        foreign = await client.get("/quarantine", params={"limit": 1}, headers=holding("other"))
        reread = await client.post("/quarantine/reread", json={}, headers=holding("other"))

    assert rows == [[1, 1], [0, 0]]
    assert [each["receipt"] for each in first.json()["quarantined"]] == [kept["receipt"]]
    assert first.json()["next_page"] == kept["receipt"]
    assert last.json() == foreign.json() == {"quarantined": [], "next_page": None}
    assert (invented.status_code, code(invented)) == (422, "invalid_page")
    assert (shown.status_code, reread.status_code) == (403, 403)


async def test_a_list_holds_the_accounts_of_the_key_alone(world: World) -> None:
    applicant = f"customer-{world.key.reference}"
    both, beta = key_of("both"), key_of("beta", accounts=("beta",))
    async with asking(world, both, beta) as client:
        await client.post("/verifications", json=body(world, applicant=applicant), headers=holding("both"))
        asked = {"applicant": applicant}
        async with asyncio.timeout(60):
            while not (await client.get("/verifications", params=asked, headers=holding("both"))).json()[
                "verifications"
            ]:
                await asyncio.sleep(0.1)
        seen = await client.get("/verifications", params=asked, headers=holding("beta"))
        named = await client.get("/verifications", params={"account": ACCOUNT}, headers=holding("beta"))

    assert (seen.status_code, seen.json()["verifications"]) == (200, [])
    assert (named.status_code, code(named)) == (403, "other_account")


async def test_an_own_only_key_reaches_what_it_registered_and_nothing_else(world: World) -> None:
    applicant = f"customer-{world.key.reference}"
    checkout, evil = key_of("checkout"), key_of("evil", may=tuple(Right), own_only=True, endpoints=())
    own = f"{world.key.reference}-evil"
    async with asking(world, checkout, evil) as client:
        await client.post("/verifications", json=body(world, applicant=applicant), headers=holding("checkout"))
        mine = await client.post(
            "/verifications", json=body(world, applicant=applicant, reference=own), headers=holding("evil")
        )
        tails = ("", "/explanation", "/timeline", "/evidence", "/evidence/portrait-1")
        asked = [await client.get(path(world, tail), headers=holding("evil")) for tail in tails]
        resolved = await client.post(path(world, "/resolve"), json={"decision": "approved"}, headers=holding("evil"))
        withdrawn = await client.post(path(world, "/withdraw"), json={}, headers=holding("evil"))
        again = await client.post("/verifications", json=body(world, applicant=applicant), headers=holding("evil"))
        notifying = await client.post(
            "/verifications", json=body(world, reference=f"{own}-2", notify=["checkout"]), headers=holding("evil")
        )
        read = await client.get(f"/verifications/{ACCOUNT}/{own}", headers=holding("evil"))
        params = {"applicant": applicant}
        async with asyncio.timeout(60):
            while (
                len(
                    (await client.get("/verifications", params=params, headers=holding("checkout"))).json()[
                        "verifications"
                    ]
                )
                < 2
            ):
                await asyncio.sleep(0.1)
        listed = (await client.get("/verifications", params=params, headers=holding("evil"))).json()

    assert {(each.status_code, code(each)) for each in (*asked, resolved, withdrawn)} == {(404, "unknown_verification")}
    assert (mine.status_code, read.status_code) == (201, 200)
    assert (again.status_code, again.json()["fields"][0]["field"]) == (409, "registered_by")
    assert (notifying.status_code, code(notifying)) == (403, "other_endpoint")
    assert [row["reference"] for row in listed["verifications"]] == [own]


async def test_an_own_only_key_may_use_the_endpoints_that_are_named_for_it(world: World) -> None:
    own = key_of("shop", own_only=True, endpoints=("checkout",))
    async with asking(world, own, endpoints=frozenset({"checkout", "crm"})) as client:
        taken = await client.post("/verifications", json=body(world, notify=["checkout"]), headers=holding("shop"))
        refused = await client.post(
            "/verifications", json=body(world, reference="r-2", notify=["crm"]), headers=holding("shop")
        )

    assert (taken.status_code, refused.status_code, code(refused)) == (201, 403, "other_endpoint")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer guess"}])
async def test_a_stranger_is_refused_before_the_body_is_read(world: World, headers: dict[str, str]) -> None:
    """A body of 150 MB without a key cost 430 MiB of memory, and 12 MB of brackets 3.8 seconds of every callback."""
    taken = 0

    async def flood() -> AsyncIterator[bytes]:
        nonlocal taken
        taken += 1
        yield b"[]," * 4_000_000

    json = {"content-type": "application/json"}
    async with asking(world, key_of("checkout")) as client:
        answer = await client.post("/verifications", content=flood(), headers=headers | json)

    assert (answer.status_code, taken) == (401, 0)


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    yield b"[" * size


def at_once(size: int) -> bytes:
    return b"[" * size


@pytest.mark.parametrize("sent", [at_once, in_pieces])
async def test_a_body_of_more_than_64_kib_is_a_413_problem_even_with_a_key(
    world: World, sent: Callable[[int], Any]
) -> None:

    async with asking(world, key_of("checkout")) as client:
        headers = holding("checkout") | {"content-type": "application/json"}
        answers = [
            await client.post("/verifications", content=sent(size), headers=headers) for size in (65_536, 65_537)
        ]

    assert [(answer.status_code, code(answer)) for answer in answers] == [
        (422, "invalid_request"),
        (413, "too_large"),
    ]


async def test_failed_keys_are_counted_and_logged_and_a_right_key_is_answered_at_once_beside_them(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    parts = dependencies_of(world, backends=(key_of("checkout"),))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=build_app(parts), client=("203.0.113.9", 1)), base_url="http://vigil.example"
    ) as client:
        with caplog.at_level(logging.WARNING):
            wrong = [await client.get("/verifications", headers={"authorization": "Bearer guess"}) for _ in range(3)]
            missing = await client.get("/verifications")
        right = await client.get("/verifications", headers=holding("checkout"))

    assert [answer.status_code for answer in (*wrong, missing, right)] == [401, 401, 401, 401, 200]
    counted = parts.metrics.registry.get_sample_value
    assert counted("vigil_failed_keys_total", {"reason": "wrong"}) == 3
    assert counted("vigil_failed_keys_total", {"reason": "missing"}) == 1
    assert "guess" not in caplog.text


class Clock:
    """A clock that somebody else moves, and the waits that were asked of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.hold: asyncio.Event | None = None

    def __call__(self) -> float:
        return self.now

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.hold:
            await self.hold.wait()


async def test_a_source_that_fails_ten_times_a_minute_waits_and_no_other_source_does() -> None:
    clock = Clock()
    failed = FailedKeys(Metrics(), clock=clock, wait=clock.wait)
    attacker, neighbour = ip_address("2001:db8::1"), ip_address("2001:db8::ffff")
    for _ in range(10):
        await failed.note("wrong", attacker)
    assert clock.waits == []

    await failed.note("wrong", neighbour)
    await failed.note("wrong", ip_address("2001:db8:0:1::1"))
    await failed.note("wrong", None)
    assert clock.waits == [1]

    clock.now = 61
    await failed.note("wrong", attacker)
    assert clock.waits == [1]


async def test_a_thousand_sources_and_a_hundred_waiting_refusals_are_the_most_that_is_kept() -> None:
    clock = Clock()
    failed = FailedKeys(Metrics(), clock=clock, wait=clock.wait)
    for number in range(5_000):
        await failed.note("wrong", ip_address(number))
    assert len(failed._failures) == 1024

    clock.hold = asyncio.Event()
    source = ip_address("203.0.113.9")
    for _ in range(10):
        await failed.note("wrong", source)
    waiting = [asyncio.create_task(failed.note("wrong", source)) for _ in range(100)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await failed.note("wrong", source)
    clock.hold.set()
    await asyncio.gather(*waiting)

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "60")


async def test_a_page_token_that_we_did_not_sign_for_this_filter_and_these_accounts_is_a_422(world: World) -> None:
    applicant = f"customer-{world.key.reference}"
    whole, part = key_of("whole"), key_of("part", accounts=(ACCOUNT,))
    async with asking(world, whole, part) as client:
        for number in range(2):
            sent = body(world, applicant=applicant, reference=f"{world.key.reference}-{number}")
            await client.post("/verifications", json=sent, headers=holding("whole"))
        asked: dict[str, Any] = {"applicant": applicant, "limit": 1}
        async with asyncio.timeout(60):
            while not (
                page := (await client.get("/verifications", params=asked, headers=holding("whole"))).json()["next_page"]
            ):
                await asyncio.sleep(0.1)
        honest = await client.get("/verifications", params=asked | {"page": page}, headers=holding("whole"))
        forged = [
            await client.get("/verifications", params=asked | {"page": text}, headers=holding("whole"))
            for text in ("AAAA", "not a page", "é" * 40, page[:-4] + "AAAA", page[1:])
        ]
        other_filter = await client.get("/verifications", params={"page": page}, headers=holding("whole"))
        other_key = await client.get("/verifications", params=asked | {"page": page}, headers=holding("part"))

    assert honest.status_code == 200
    assert {(each.status_code, code(each)) for each in (*forged, other_filter, other_key)} == {(422, "invalid_page")}


async def test_a_422_does_not_repeat_the_names_that_a_caller_chose(world: World) -> None:
    wrong = body(world, coordinates={"Jane Doe": 7}) | {"<script>alert(1)</script>\r\n": 1, "limit": 2}
    async with asking(world, key_of("checkout")) as client:
        answer = await client.post("/verifications", json=wrong, headers=holding("checkout"))
        query = await client.get("/verifications?<b>=1", headers=holding("checkout"))

    assert (answer.status_code, query.status_code) == (422, 422)
    assert "script" not in answer.text
    assert "Jane" not in answer.text
    assert {field["field"] for field in answer.json()["fields"]} == {
        f"body.{name}" for name in ("coordinates.*", "coordinates.*.*", "*", "limit")
    }
    assert [field["field"] for field in query.json()["fields"]] == ["query.*"]


async def test_without_the_right_personal_a_state_comes_without_the_metadata_of_the_applicant(world: World) -> None:
    reader = replace(key_of("reader", may=("register", "read")), name="reader")
    async with asking(world, reader) as client:
        await client.post("/verifications", json=body(world), headers=holding("reader"))
        read = await client.get(path(world), headers=holding("reader"))

    shown = read.json()
    assert (read.status_code, shown["partner_metadata"], shown["reason_text"]) == (200, None, None)


def test_a_key_for_no_account_is_refused_and_not_a_key_for_all() -> None:
    with pytest.raises(ValidationError, match="accounts"):
        key_of("checkout", accounts=())
