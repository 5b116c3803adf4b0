"""The person's data over HTTP, on a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.api.fakes import Acme
from tests.api.test_verifications import backend, code, dependencies_of, path
from tests.sealed import connect
from tests.world import ACCOUNT, APPROVED, World, final
from vigil.domain.claims import Claims
from vigil.providers.claims import ClaimRow, ClaimTable, parse_stored, read_date, read_text
from vigil.providers.contract import ProviderResponse

RESULT = b'{"who": {"name": "Ada", "born": "1990-02-09", "died": "some day"}, "note": null}'


class Telling(Acme):
    """Acme, whose results have a person."""

    def read_claims(self, result: bytes) -> Claims:
        rows = (
            ClaimRow("/claims/given_name", "/who/name", read_text),
            ClaimRow("/claims/birthdate", "/who/born", read_date),
            ClaimRow("/claims/organization/registration_date", "/who/died", read_date),
            ClaimRow("/claims/email", "/note", read_text),
        )
        return ClaimTable(rows).read(parse_stored(result))


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


@asynccontextmanager
async def telling(world: World) -> AsyncIterator[httpx.AsyncClient]:
    account = replace(dependencies_of(world).accounts[ACCOUNT], provider=Telling())
    async with backend(world, accounts={ACCOUNT: account}) as client:
        yield client


async def test_claims_and_result_come_from_the_last_answer_and_before_one_they_are_409(world: World) -> None:
    world.reader.says = ProviderResponse(snapshot=APPROVED, raw=RESULT)
    async with telling(world) as client, world.workers():
        await world.register()
        early = [await client.get(path(world, tail)) for tail in ("/claims", "/result")]
        await world.hear(final())
        await world.result()
        claims, result = await client.get(path(world, "/claims")), await client.get(path(world, "/result"))

    assert [(each.status_code, code(each)) for each in early] == [(409, "no_result"), (409, "no_result")]
    assert claims.json() == {
        "account": ACCOUNT,
        "reference": world.key.reference,
        "revision": 1,
        "sequence": claims.json()["sequence"],
        "stage": "complete",
        "decision": "approved",
        "outcome": "decided",
        "verified_claims": {"claims": {"given_name": "Ada", "birthdate": "1990-02-09"}},
        "sources": {
            "/claims/given_name": {"pointer": "/who/name", "raw": "Ada"},
            "/claims/birthdate": {"pointer": "/who/born", "raw": "1990-02-09"},
            "/claims/organization/registration_date": {"pointer": "/who/died", "raw": "some day"},
        },
    }
    assert (result.content, result.headers["content-type"]) == (RESULT, "application/json")
    assert {each.headers["cache-control"] for each in (claims, result)} == {"private, no-store"}


async def test_the_result_of_a_provider_without_claims_has_none_and_an_erased_result_is_409(world: World) -> None:
    world.reader.says = ProviderResponse(snapshot=APPROVED, raw=RESULT)
    async with backend(world) as client, world.workers():
        await world.register()
        await world.hear(final())
        record = await world.result()
        claims = await client.get(path(world, "/claims"))
        assert record.reads.snapshot is not None
        await world.storage.erase(record.reads.snapshot.result or "")
        erased = await client.get(path(world, "/result"))

    assert (claims.json()["verified_claims"], claims.json()["sources"]) == ({}, {})
    assert (erased.status_code, code(erased)) == (409, "no_result")
