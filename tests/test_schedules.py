"""The schedules that a worker sets up: once, as the settings say, and never against an operator."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import Client, ScheduleActionStartWorkflow, ScheduleHandle
from temporalio.service import RPCError, RPCStatusCode

from tests.api.fakes import Acme, account_of
from tests.workflows.test_discovery import Listing
from tests.world import own_account
from vigil.config.accounts import OpenAccount
from vigil.schedules import keep_discovering
from vigil.temporal import messages
from vigil.temporal.connection import connect


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await connect(temporal_address, "default")


@pytest.fixture
def account() -> OpenAccount:
    provider = Acme(own_account())
    provider.finder = Listing()
    return account_of(provider)


def schedule_of(client: Client, account: OpenAccount) -> ScheduleHandle:
    return client.get_schedule_handle(f"discovery/{account.name}")


async def exists(client: Client, account: OpenAccount) -> bool:
    try:
        await schedule_of(client, account).describe()
    except RPCError as error:
        return error.status is not RPCStatusCode.NOT_FOUND
    return True


async def test_every_worker_may_set_it_up_and_the_last_one_counts(client: Client, account: OpenAccount) -> None:
    await keep_discovering(client, account, time_scale=1)
    await keep_discovering(client, account, time_scale=10)

    action = (await schedule_of(client, account).describe()).schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    [order] = await client.data_converter.decode(action.args, [messages.DiscoveryInput])
    assert order.overlap == timedelta(seconds=30)
    await schedule_of(client, account).delete()


@pytest.mark.parametrize(("scale", "seconds"), [(1, 300), (60, 5), (10_000, 1)])
async def test_the_interval_is_that_of_the_account_scaled_and_what_temporal_can_do(
    client: Client, account: OpenAccount, scale: float, seconds: int
) -> None:
    await keep_discovering(client, account, time_scale=scale)

    schedule = (await schedule_of(client, account).describe()).schedule
    assert [interval.every for interval in schedule.spec.intervals] == [timedelta(seconds=seconds)]
    await schedule_of(client, account).delete()


async def test_one_that_an_operator_paused_stays_paused(client: Client, account: OpenAccount) -> None:
    await keep_discovering(client, account, time_scale=1)
    await schedule_of(client, account).pause(note="the provider asked us to")
    await keep_discovering(client, account, time_scale=1)

    state = (await schedule_of(client, account).describe()).schedule.state
    assert (state.paused, state.note) == (True, "the provider asked us to")
    await schedule_of(client, account).delete()


async def test_it_goes_when_the_settings_say_so_and_where_the_provider_lists_nothing(
    client: Client, account: OpenAccount
) -> None:
    await keep_discovering(client, account, time_scale=1)
    was_there = await exists(client, account)
    await keep_discovering(client, replace(account, discovery=False), time_scale=1)
    await keep_discovering(client, account_of(Acme(own_account())), time_scale=1)

    assert was_there
    assert not await exists(client, account)


async def test_the_order_of_a_discovery_leaves_backends_their_time_to_register(
    client: Client, account: OpenAccount
) -> None:
    await keep_discovering(client, account, time_scale=1)

    action = (await schedule_of(client, account).describe()).schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    order = await client.data_converter.decode(action.args, [messages.DiscoveryInput])
    assert order[0].grace == account.plan_for(None).registration_grace == timedelta(minutes=15)
    await schedule_of(client, account).delete()
