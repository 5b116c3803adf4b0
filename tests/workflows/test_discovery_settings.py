"""Discovery as a worker sets it up: one open workflow for each account, as the settings say."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleSpec,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from tests.api.fakes import Acme, account_of
from tests.workflows.test_discovery import Listing, until_asked
from tests.world import World
from vigil.config.accounts import OpenAccount
from vigil.discovery import keep_discovering
from vigil.temporal import messages

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def listing(world: World) -> Listing:
    world.finder = listing = Listing()
    return listing


@pytest.fixture
async def account(client: Client, world: World, listing: Listing) -> AsyncIterator[OpenAccount]:
    provider = Acme(world.account)
    provider.finder = listing
    account = account_of(provider)
    yield account
    await keep_discovering(client, replace(account, discovery=False))


async def schedule_of_a_release_before(client: Client, world: World, grace: timedelta) -> ScheduleHandle:
    name = f"discovery/{world.account}"
    order = messages.DiscoveryInput(
        account=world.account, grace=grace, looks_back=DAY, overlap=timedelta(0), starts_every=timedelta(0)
    )
    start = ScheduleActionStartWorkflow(
        messages.DISCOVERY_WORKFLOW, order, id=name, task_queue=messages.VERIFICATIONS_QUEUE
    )
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=HOUR)])
    return await client.create_schedule(name, Schedule(action=start, spec=spec), trigger_immediately=True)


async def until_complete(client: Client, schedule: ScheduleHandle) -> None:
    async with asyncio.timeout(60):
        while not (await schedule.describe()).info.recent_actions:
            await asyncio.sleep(0.05)
    [run] = (await schedule.describe()).info.recent_actions
    assert isinstance(run.action, ScheduleActionExecutionStartWorkflow)
    await client.get_workflow_handle(run.action.workflow_id).result()


async def exists(schedule: ScheduleHandle) -> bool:
    try:
        await schedule.describe()
    except RPCError as error:
        return error.status is not RPCStatusCode.NOT_FOUND
    return True


async def test_every_worker_may_start_it_and_one_is_open(client: Client, world: World, account: OpenAccount) -> None:
    await keep_discovering(client, account)
    await keep_discovering(client, account)

    handle = client.get_workflow_handle(messages.discovery_id(account.name))
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_the_first_round_looks_back_a_day(
    client: Client, world: World, account: OpenAccount, listing: Listing
) -> None:
    async with world.workers():
        await keep_discovering(client, account)
        await until_asked(listing, 1)

    [(since, until)] = listing.asked
    assert abs(datetime.now(UTC) - DAY - since) < timedelta(minutes=2)
    assert abs(datetime.now(UTC) - world.registration_grace - until) < timedelta(minutes=2)


async def test_it_ends_when_the_settings_say_so_and_where_the_provider_lists_nothing(
    client: Client, world: World, account: OpenAccount
) -> None:
    handle = client.get_workflow_handle(messages.discovery_id(account.name))
    await keep_discovering(client, account)
    await keep_discovering(client, replace(account, discovery=False))
    switched_off = (await handle.describe()).status
    await keep_discovering(client, account)
    await keep_discovering(client, account_of(Acme(world.account)))

    assert switched_off is WorkflowExecutionStatus.TERMINATED
    assert (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED


async def test_it_continues_where_the_schedule_of_a_release_before_ended(
    client: Client, world: World, account: OpenAccount, listing: Listing
) -> None:
    async with world.workers():
        schedule = await schedule_of_a_release_before(client, world, grace=5 * DAY)
        await until_asked(listing, 1)
        await until_complete(client, schedule)
        await keep_discovering(client, account)
        await until_asked(listing, 2)

    (_, reached), (since, _) = listing.asked[:2]
    assert since == reached
    assert not await exists(schedule)
