"""Each read of personal data over HTTP leaves a line in the audit log, and without the line there is no data."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import JsonValue

from api.app import build_app
from api.dependencies import Needs
from tests.api.conftest import in_process
from tests.api.test_claims import Telling
from tests.api.test_verifications import code, dependencies_of, path
from tests.sealed import connect
from tests.world import ACCOUNT, APPROVED_WITH_FILE, World, final
from vigil.audit import AuditLog
from vigil.config.keys import Right
from vigil.providers.contract import ProviderResponse

RESULT: Final = b'{"who": {"name": "Ada", "born": "1990-02-09"}}'
ONE: Final = "/verifications/{account}/{reference:path}"
KINDS: Final = {
    f"{ONE}/claims": "claims",
    f"{ONE}/result": "result",
    f"{ONE}/evidence/{{name}}": "file",
    f"{ONE}/export": "export",
    f"/ui{ONE}/files/{{name}}": "picture",
}
"""What each route that needs the right `personal` writes."""


class Explaining(Telling):
    """Acme, whose results have metadata of the partner, and a text about the verdict."""

    def partner_metadata(self, result: bytes) -> Mapping[str, JsonValue] | None:
        return {"order": "Ada's"}

    def reason_text(self, result: bytes) -> str | None:
        return "Ada is known"


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    world = World(await connect(temporal_address, "default"), tmp_path)
    world.reader.says = ProviderResponse(snapshot=APPROVED_WITH_FILE, raw=RESULT)
    return world


@asynccontextmanager
async def decided(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the API beside a verification that is complete. Its workers are gone: no read needs them."""
    async with world.workers():
        await world.register()
        await world.hear(final())
        await world.result()
    account = replace(dependencies_of(world).accounts[ACCOUNT], provider=Explaining())
    async with in_process(build_app(dependencies_of(world, accounts={ACCOUNT: account}))) as client:
        yield client


def personal_routes(app: FastAPI) -> set[str]:
    return {
        str(route.path)
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        for each in route.dependant.dependencies
        if isinstance(each.call, Needs) and each.call.right is Right.PERSONAL
    }


def address(world: World, template: str) -> str:
    ends = template.replace(ONE, "").removeprefix("/ui").replace("{name}", "portrait-1")
    return ("/ui" if template.startswith("/ui") else "") + path(world, ends)


async def lines_of(world: World) -> list[tuple[str, str, str | None]]:
    log = AuditLog(world.storage, world.digester)
    own = log.digest_of(world.tracker.path(world.key))
    return [(line.who, str(line.kind), line.item) async for line in log.lines() if line.verification == own]


async def test_every_route_with_personal_data_is_in_the_table(world: World) -> None:
    assert personal_routes(build_app(dependencies_of(world))) == KINDS.keys()


async def test_each_read_leaves_its_line_and_fails_without_one(world: World) -> None:
    async with decided(world) as client:
        for template, kind in KINDS.items():
            before = await lines_of(world)
            answer = await client.get(address(world, template))
            item = "portrait-1" if "{name}" in template else None
            assert (answer.status_code, await lines_of(world)) == (200, [*before, ("local", kind, item)]), template

            world.storage.fail_next("audit/", times=1)
            refused = await client.get(address(world, template))
            assert refused.status_code == 503, template
            assert b"Ada" not in refused.content
            assert b"portrait" not in refused.content


async def test_the_details_of_a_state_leave_a_line_and_are_left_out_without_one(world: World) -> None:
    async with decided(world) as client:
        full = (await client.get(path(world))).json()
        world.storage.fail_next("audit/", times=1)
        short = (await client.get(path(world))).json()

    assert await lines_of(world) == [("local", "details", None)]
    assert (full["reason_text"], full["partner_metadata"]) == ("Ada is known", {"order": "Ada's"})
    assert (short["state"]["decision"], short["reason_text"], short["partner_metadata"]) == ("approved", None, None)


async def test_what_is_refused_leaves_no_line(world: World) -> None:
    async with decided(world) as client:
        unknown = await client.get(path(world, "/evidence/none"))
        states = [await client.get(path(world, tail)) for tail in ("/timeline", "/evidence", "/explanation")]

    assert (unknown.status_code, code(unknown)) == (404, "unknown_file")
    assert [each.status_code for each in states] == [200, 200, 200]
    assert await lines_of(world) == []
