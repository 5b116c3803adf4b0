"""A verification whose workflow an operator ended in Temporal is described alike and truly wherever it is shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import build_app
from api.dependencies import Dependencies
from tests.api.conftest import in_process
from tests.api.fakes import account_in
from tests.sealed import connect
from tests.world import World, own_account
from vigil.listing import Filters, ListedRun, iterate_verifications


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path, account=own_account())


@pytest.fixture
async def api(world: World) -> AsyncIterator[httpx.AsyncClient]:
    dependencies = Dependencies(
        accounts={world.account: account_in(world)},
        tracker=world.tracker,
        storage=world.storage,
        digester=world.digester,
        endpoints=frozenset({"checkout"}),
    )
    async with in_process(build_app(dependencies)) as client:
        yield client


async def get(api: httpx.AsyncClient, world: World, tail: str = "") -> Any:
    return (await api.get(f"/verifications/{world.account}/{world.key.reference}{tail}")).json()


async def listed(world: World, *, stuck: bool) -> list[ListedRun]:
    filters = Filters(account=world.account, stuck=stuck)
    return [run async for run in iterate_verifications(world.client, filters)]


async def until_listed(world: World, number: int, *, stuck: bool) -> list[ListedRun]:
    """Wait for Temporal's list, which is behind by a moment."""
    async with asyncio.timeout(20):
        while len(runs := await listed(world, stuck=stuck)) != number:
            await asyncio.sleep(0.1)
        return runs


async def test_a_terminated_verification_is_described_alike_by_the_api_the_explanation_and_the_list(
    world: World, api: httpx.AsyncClient
) -> None:
    async with world.workers():
        await world.register(applicant="customer-1", notify=("checkout",))
        await world.until(lambda record: record.is_registered)
        open_one = await get(api, world)
        await world.tracker.handle(world.key).terminate("by an operator")
    terminated, explained = await get(api, world), await get(api, world, "/explanation")
    timeline = await api.get(f"/verifications/{world.account}/{world.key.reference}/timeline")
    [run] = await until_listed(world, 1, stuck=True)
    [row] = (await api.get("/verifications", params={"account": world.account, "stuck": True})).json()["verifications"]

    assert (open_one["is_open"], open_one["interrupted"]) == (True, False)
    assert (terminated["is_open"], terminated["interrupted"]) == (False, True)
    assert terminated["state"]["registered"]
    assert terminated["state"]["applicant"] == "customer-1"
    assert explained["sentence"] == (
        "its workflow was ended in Temporal (terminated), and nothing follows it: command a `poll`"
    )
    assert (explained["actor"], explained["cause"], explained["next_at"]) == ("operator", "ours", None)
    assert explained["next_event"] == "the next callback, command or registration continues it"
    assert (timeline.status_code, timeline.json()["type"]) == (409, "urn:vigil:interrupted")
    assert (run.is_interrupted, run.is_stuck, run.is_open) == (True, True, False)
    assert (row["interrupted"], row["stuck"], row["is_open"], row["state"]["stage"]) == (
        True,
        True,
        False,
        "awaiting_applicant",
    )


async def test_a_terminated_run_that_another_one_continues_is_stuck_no_longer(
    world: World, api: httpx.AsyncClient
) -> None:
    await world.register(applicant="customer-1")
    await world.tracker.handle(world.key).terminate()
    before = await until_listed(world, 1, stuck=True)
    await world.register(applicant="customer-1")
    after = await until_listed(world, 0, stuck=True)
    state = await get(api, world)
    [newest] = await until_listed(world, 1, stuck=False)

    assert [run.is_stuck for run in before] == [True]
    assert after == []
    assert (state["is_open"], state["interrupted"], newest.is_open) == (True, False, True)
