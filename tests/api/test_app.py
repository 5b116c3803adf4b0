"""The application as a whole: who may ask, what strangers can read, and what a process is made of."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openapi_spec_validator
import pytest
from starlette.concurrency import run_in_threadpool

from api.app import build_app
from api.auth import Backend
from tests.api.conftest import served
from tests.api.test_verifications import body, code, dependencies_of
from tests.sealed import connect, write_keys
from tests.world import World
from vigil.config.keys import hash_key
from vigil.temporal import messages

KEYS = (
    Backend("checkout", (hash_key("old key"), hash_key("new key"))),
    Backend("crm", (hash_key("b"),)),
)


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


@asynccontextmanager
async def asking(
    world: World, *, peer: str = "127.0.0.1", host: str = "127.0.0.1:8000", **changes: Any
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build_app(dependencies_of(world, **changes)), client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        yield client


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer old key", 200),
        ("Bearer new key", 200),
        ("bearer b", 200),
        ("Bearer old", 401),
        ("Bearer ", 401),
        ("Basic b", 401),
        ("b", 401),
        (None, 401),
    ],
)
async def test_with_keys_only_their_holders_may_ask(world: World, authorization: str | None, status: int) -> None:
    headers = {"authorization": authorization} if authorization else {}
    async with asking(world, peer="203.0.113.9", backends=KEYS) as client:
        answer = await client.get("/refusals", headers=headers)

    assert answer.status_code == status
    if status == 401:
        assert (code(answer), answer.headers["www-authenticate"]) == ("not_authorized", "Bearer")


@pytest.mark.parametrize(
    ("peer", "host", "headers", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", {}, 200),
        ("127.0.0.1", "localhost", {}, 200),
        ("::1", "[::1]:8000", {}, 200),
        ("10.0.0.5", "127.0.0.1:8000", {}, 403),
        ("127.0.0.1", "127.0.0.1:8000", {"x-forwarded-for": "127.0.0.1"}, 403),
        ("127.0.0.1", "127.0.0.1:8000", {"forwarded": "for=127.0.0.1"}, 403),
        ("127.0.0.1", "rebound.example", {}, 403),
    ],
)
async def test_without_keys_only_this_machine_may_ask(
    world: World, peer: str, host: str, headers: dict[str, str], status: int
) -> None:
    async with asking(world, peer=peer, host=host) as client:
        answer = await client.get("/refusals", headers=headers)

    assert answer.status_code == status


async def test_no_request_waits_for_a_thread_before_its_route_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI gives a thread to each dependency that is no coroutine, which costs more than the dependency."""
    handed_over: list[str] = []

    def note(name: str, run: Any) -> Any:
        async def noting(work: Any, *arguments: Any, **named: Any) -> Any:
            handed_over.append(f"{name} {getattr(work, '__qualname__', work)}")
            return await run(work, *arguments, **named)

        return noting

    for module in ("fastapi.dependencies.utils", "fastapi.routing"):
        monkeypatch.setattr(f"{module}.run_in_threadpool", note(module, run_in_threadpool))
    async with asking(world, backends=KEYS) as client:
        headers = {"authorization": "Bearer b"}
        await client.post("/verifications", json={"account": world.account, "reference": "r-1"}, headers=headers)
        await client.get(f"/verifications/{world.account}/r-1", headers=headers)

    assert handed_over == []


async def test_every_path_of_the_backend_face_asks_for_a_key(world: World) -> None:
    app = build_app(dependencies_of(world, backends=KEYS))
    open_to_all = {"/health/live"}
    asked = []
    async with asking(world, backends=KEYS) as client:
        for path, methods in app.openapi()["paths"].items():
            for method in methods:
                if path not in open_to_all:
                    asked.append((path, method))
                    answer = await client.request(method, path.replace("{", "x").replace("}", "x"), json={})
                    assert answer.status_code == 401, (method, path)

    assert len(asked) >= 12


async def test_the_author_of_a_command_is_the_holder_of_the_key(world: World) -> None:
    headers = {"authorization": "Bearer b"}
    async with asking(world, backends=KEYS) as client, world.workers():
        await client.post("/verifications", json=body(world), headers=headers)
        await client.post(f"/verifications/acme/{world.key.reference}/poll", json={}, headers=headers)
        record = await world.record()

    assert record.subject.registration is not None
    assert record.subject.registration.registered_by == "crm"
    assert [entry.actor for entry in record.log.entries if entry.kind == "commanded"] == ["crm"]


async def test_a_face_that_is_not_configured_is_not_there(world: World) -> None:
    async with asking(world, faces=("callbacks",)) as client:
        assert (await client.get("/refusals")).status_code == 404
        assert (await client.get("/openapi.json")).status_code == 404
        assert (await client.get("/metrics")).status_code == 404
        assert (await client.get("/callbacks/acme")).status_code == 200
        assert (await client.get("/health/live")).json() == {"live": True}
    async with asking(world, faces=("backend",)) as client:
        assert (await client.get("/refusals")).status_code == 200
        assert (await client.post("/callbacks/acme", json={})).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "problem"),
    [
        ("GET", "/nowhere", 404, "no_such_path"),
        ("GET", "/verifications/", 404, "no_such_path"),
        ("PATCH", "/verifications", 405, "no_such_method"),
        ("GET", "/verifications?limit=0", 422, "invalid_request"),
        ("GET", "/verifications?colour=red", 422, "invalid_request"),
        ("POST", "/verifications", 422, "invalid_request"),
    ],
)
async def test_the_frameworks_own_errors_are_problems_too(
    world: World, method: str, path: str, status: int, problem: str
) -> None:
    async with asking(world) as client:
        answer = await client.request(method, path, headers={"content-type": "application/json"})

    assert (answer.status_code, code(answer)) == (status, problem)


async def test_a_fault_of_ours_is_a_problem_without_its_text_and_is_logged_without_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def account(self, name: str) -> None:
            raise ZeroDivisionError("about Jane Doe")

    async with asking(world, tracker=Broken()) as client:
        answer = await client.get("/verifications/acme/Jane")

    assert (answer.status_code, code(answer)) == (500, "internal_error")
    assert "Jane" not in answer.text
    logged = capsys.readouterr()
    assert "ZeroDivisionError" in logged.out + logged.err
    assert "Jane" not in logged.out + logged.err


async def test_the_description_of_the_interface_is_valid_and_complete(world: World) -> None:
    described = build_app(dependencies_of(world)).openapi()

    openapi_spec_validator.validate(described)
    assert described["openapi"].startswith("3.1")
    assert list(described["webhooks"]) == ["verification.revised", "verification.completed"]
    headers = described["webhooks"]["verification.revised"]["post"]["parameters"]
    assert [each["name"] for each in headers] == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert path == "/health/live" or {"401", "403"} <= set(operation["responses"]), (method, path)
            if path.startswith("/verifications"):
                assert {"401", "422", "429", "503"} <= set(operation["responses"]), (method, path)
                for status in operation["responses"].keys() & {
                    "401",
                    "403",
                    "404",
                    "409",
                    "413",
                    "415",
                    "422",
                    "429",
                    "503",
                }:
                    assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


async def test_the_installation_names_what_is_missing_and_how_to_repair_it(world: World) -> None:
    away = world.tracker
    async with asking(world) as client:
        without = await client.get("/health/installation")
        async with world.workers():
            async with asyncio.timeout(10):
                while (ready := await client.get("/health/installation")).status_code != 200:
                    await asyncio.sleep(0.2)
    nowhere = await connect("127.0.0.1:9", "default", lazy=True)
    unreachable = type(away)(nowhere, {"acme": away.account("acme")}, world.digester)
    async with asking(world, tracker=unreachable) as client:
        down = await client.get("/health/installation")

    assert {check["name"] for check in ready.json()["checks"]} == {
        "storage",
        "temporal",
        "search attributes",
        "verifications",
        "account acme",
    }
    assert without.json()["checks"][0] == {"name": "storage", "healthy": True, "action": None}
    assert down.status_code == 503
    actions = {check["name"]: check["action"] for check in down.json()["checks"]}
    assert actions["storage"] is None
    assert actions["search attributes"] is not None
    assert "[temporal] address" in actions["search attributes"]


async def test_a_process_is_ready_without_any_worker(world: World) -> None:
    async with asking(world) as client:
        ready = await client.get("/health/ready")

    assert (ready.status_code, [check["name"] for check in ready.json()["checks"]]) == (200, ["storage", "temporal"])


async def test_an_account_that_no_worker_serves_is_not_ready(world: World) -> None:
    tracked = world.tracker.account("acme")
    parts = dependencies_of(world)
    alone = {"acme": parts.accounts["acme"], "unserved": parts.accounts["acme"]}
    tracker = type(world.tracker)(world.client, {"acme": tracked, "unserved": tracked}, world.digester)
    async with asking(world, accounts=alone, tracker=tracker) as client, world.workers():
        answer = await client.get("/health/installation")

    check = next(check for check in answer.json()["checks"] if check["name"] == "account unserved")
    assert answer.status_code == 503
    assert check["action"] == f"no worker polls `{messages.provider_queue('unserved')}`: start a worker"


async def test_metrics_are_served_in_the_form_of_prometheus(world: World) -> None:
    async with asking(world) as client:
        await client.post("/callbacks/acme", content=b"{}")
        answer = await client.get("/metrics")

    assert 'vigil_callbacks_total{account="acme",answer="401",meaning="come_again"} 1.0' in answer.text


async def test_quarantined_callbacks_are_listed_for_holders_of_a_key_without_what_they_said(world: World) -> None:
    async with asking(world, backends=KEYS) as client:
        await client.post("/callbacks/acme", content=b"about Jane Doe", headers={"x-secret": "right"})
        stranger = await client.get("/quarantine")
        listed = await client.get("/quarantine?limit=1", headers={"authorization": "Bearer b"})

    [name] = await world.storage.list("inbox/quarantined/")
    [row] = listed.json()["quarantined"]
    assert stranger.status_code == 401
    assert row.pop("at").endswith("Z")
    assert row == {
        "account": "acme",
        "proof": "secret",
        "reason": "names_no_verification",
        "encoding": None,
        "receipt": name.removeprefix("inbox/quarantined/"),
    }


async def test_a_quarantined_callback_is_shown_and_given_to_a_verification_without_what_it_said(world: World) -> None:
    async with asking(world, backends=KEYS) as client:
        operator = {"authorization": "Bearer b"}
        await client.post("/callbacks/acme", content=b"about Jane Doe", headers={"x-secret": "right"})
        [name] = await world.storage.list("inbox/quarantined/")
        receipt = name.removeprefix("inbox/quarantined/")
        shown = await client.get(f"/quarantine/{receipt}", headers=operator)
        unknown = await client.get("/quarantine/..%2Fpending%2Fx", headers=operator)
        tried = await client.post("/quarantine/reread", json={"dry_run": True}, headers=operator)
        to = {"account": "acme", "reference": world.key.reference}
        nobody = await client.post(f"/quarantine/{receipt}/attach", json=to, headers=operator)
        await world.register()
        attached = await client.post(f"/quarantine/{receipt}/attach", json=to, headers=operator)

    assert (shown.status_code, shown.json()["size"], "Jane" in shown.text) == (200, 14, False)
    assert (unknown.status_code, nobody.status_code, attached.status_code) == (404, 404, 200)
    assert tried.json() == {"results": {"names_no_verification": 1}}
    assert [name.rpartition("/")[0] for name in await world.storage.list("inbox")] == ["inbox/pending"]


async def test_an_application_that_is_served_relays_what_was_left_pending(world: World) -> None:
    parts = dependencies_of(world)
    async with served(build_app(parts)) as client:
        world.storage.fail_next("receipts", times=1)
        said = {"says": [{"ref": world.key.reference}]}
        answer = await client.post("/callbacks/acme", json=said, headers={"x-secret": "right"})
        assert answer.status_code == 200
        async with asyncio.timeout(20):
            while not await world.storage.list(f"verifications/acme/{world.key.reference}/receipts/"):
                await asyncio.sleep(0.2)

    assert await world.storage.list("inbox/pending/") == []


STARTS_WITHIN = 90
"""In seconds: a program imports for long on a busy machine."""

DIGEST_KEY, HEADER = "f3e01b7a94c25d8860aa91c7d24be35f", "Basic 7d1c90b3e8a24f56b0c9d3e1f7a86b42"
SETTINGS = """
digest_key = { env = "VIGIL_DIGEST_KEY" }
seal = { folder = "keys" }
[storage]
url = "STORAGE"
[accounts.id360]
provider = "id360"
username = "robot"
password = { env = "PASSWORD" }
callback_headers = { Authorization = { env = "HEADER" } }
"""


OURS = ("vigil.cli.main", "serve", "api")
PLAIN = ("uvicorn", "--factory", "api.app:create_app", "--no-access-log")


@asynccontextmanager
async def process_of(tmp_path: Path, entry: Sequence[str] = OURS, **variables: str) -> AsyncIterator[httpx.AsyncClient]:
    """The API in a process of its own, asked to end afterwards; Temporal is away, and what it logs is in `log`."""
    write_keys(tmp_path / "keys")
    (tmp_path / "vigil.toml").write_text(SETTINGS.replace("STORAGE", (tmp_path / "kept").as_uri()))
    secrets = {"VIGIL_DIGEST_KEY": DIGEST_KEY, "PASSWORD": "p4ssw0rd", "HEADER": HEADER}
    settings = {"VIGIL_CONFIG": str(tmp_path / "vigil.toml"), "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    port = free_port()
    command = [sys.executable, "-m", *entry, f"--port={port}"]
    with (tmp_path / "log").open("wb") as log:
        environ = os.environ | secrets | settings | variables
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)  # noqa: ASYNC220 -- it starts once
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                async with asyncio.timeout(STARTS_WITHIN):
                    while True:
                        try:
                            assert (await client.get("/health/live")).status_code == 200
                            break
                        except httpx.ConnectError:
                            assert process.poll() is None, (tmp_path / "log").read_text()
                            await asyncio.sleep(0.1)
                yield client
        finally:
            process.terminate()
            process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_process_serves_the_application_by_its_settings_and_writes_no_reference_anywhere(
    tmp_path: Path,
) -> None:
    async with process_of(tmp_path) as client:
        body = {"id": 47114711, "status": "OK"}
        answer = await client.post("/callbacks/id360", json=body, headers={"authorization": HEADER})
        await client.get("/verifications/id360/47114711")

    logged = (tmp_path / "log").read_text()
    assert answer.status_code == 200
    assert "4711" not in logged
    assert HEADER not in logged
    assert "Traceback" not in logged


@pytest.mark.parametrize("faces", ['["callbacks"]', '["backend"]'])
async def test_operators_have_a_listener_of_their_own_where_one_is_set_and_it_ends_with_the_process(
    tmp_path: Path, faces: str
) -> None:
    at = f"127.0.0.1:{free_port()}"
    async with (
        process_of(tmp_path, VIGIL_API__FACES=faces, VIGIL_API__METRICS_ADDRESS=at) as client,
        httpx.AsyncClient(base_url=f"http://{at}", trust_env=False) as operator,
    ):
        await client.post("/callbacks/id360")
        metrics = await operator.get("/metrics")
        ready = await operator.get("/health/ready")
        live = await operator.get("/health/live")
        elsewhere = [(await operator.get(path)).status_code for path in ("/refusals", "/verifications", "/callbacks/x")]

    counted = 'vigil_callbacks_total{account="id360",answer="401"' in metrics.text
    checks = {check["name"]: check["healthy"] for check in ready.json()["checks"]}
    assert (metrics.status_code, counted) == (200, "callbacks" in faces)
    assert (ready.status_code, checks) == (503, {"storage": True, "temporal": False})
    assert live.status_code == 200
    assert elsewhere == [404, 404, 404]
    async with httpx.AsyncClient(trust_env=False) as later:
        with pytest.raises(httpx.ConnectError):
            await later.get(f"http://{at}/metrics")
    logged = (tmp_path / "log").read_text()
    assert "Traceback" not in logged
    assert "Application shutdown complete" in logged


async def test_another_server_can_serve_the_application(tmp_path: Path) -> None:
    async with process_of(tmp_path, PLAIN) as client:
        answer = await client.post("/callbacks/id360", json={"id": 7}, headers={"authorization": "wrong"})

    assert answer.status_code == 401


async def test_an_address_for_operators_that_is_taken_ends_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AssertionError, match='"error": "OSError"'):
            async with process_of(tmp_path, VIGIL_API__METRICS_ADDRESS=at):
                pass


async def test_settings_that_cannot_be_used_end_the_start_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text("colour = 'red'")
    environ = os.environ | {"VIGIL_CONFIG": str(tmp_path / "vigil.toml")}
    command = [sys.executable, "-m", "vigil.cli.main", "serve", "api", "--port=0"]

    ended = await asyncio.to_thread(
        subprocess.run, command, env=environ, capture_output=True, text=True, timeout=30, check=False
    )

    assert ended.returncode != 0
    assert "vigil.toml: " in ended.stderr
    assert "Traceback" not in ended.stderr
