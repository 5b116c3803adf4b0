"""A verification whose workflow an operator ended in Temporal is described alike and truly wherever it is shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from api.app import build_app
from api.dependencies import Dependencies
from tests.api.conftest import in_process
from tests.api.fakes import account_in
from tests.sealed import connect
from tests.world import World, own_account
from vigil.domain.terms import Attention
from vigil.domain.verification_key import workflow_id
from vigil.listing import Filters, ListedRun, iterate_verifications
from vigil.temporal import messages


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


async def test_an_attention_that_a_later_run_has_not_is_not_listed(world: World, api: httpx.AsyncClient) -> None:
    account = world.account
    of_account = SearchAttributePair(SearchAttributeKey.for_keyword("VigilAccount"), account)
    attention = SearchAttributeKey.for_keyword_list("VigilAttention")
    with_attention = SearchAttributePair(attention, [Attention.SECOND_FINAL.value])

    async def start(reference: str, *pairs: SearchAttributePair[Any]) -> None:
        await world.client.start_workflow(
            messages.VERIFICATION_WORKFLOW,
            id=workflow_id(f"{account}/{reference}"),
            task_queue="no-worker",
            search_attributes=TypedSearchAttributes([of_account, *pairs]),
        )

    async def rows(**query: Any) -> set[str]:
        found = (await api.get("/verifications", params={"account": account, **query})).json()["verifications"]
        return {row["reference"] for row in found}

    for reference in ("cleared", "closed"):
        await start(reference, with_attention)
        await world.client.get_workflow_handle(workflow_id(f"{account}/{reference}")).terminate()
    await start("cleared")
    await start("open", with_attention)
    async with asyncio.timeout(20):
        while len([run async for run in iterate_verifications(world.client, Filters(account=account))]) != 3:
            await asyncio.sleep(0.1)
    by_api = await rows(attention=Attention.SECOND_FINAL.value)
    by_command = [
        {run.encoded_reference async for run in iterate_verifications(world.client, filters, needs_attention=needs)}
        for filters, needs in (
            (Filters(account=account), True),
            (Filters(account=account, attention=Attention.SECOND_FINAL), False),
        )
    ]

    assert by_api == {"closed", "open"}
    assert by_command == [{"closed", "open"}] * 2
    assert await rows() == {"cleared", "closed", "open"}
