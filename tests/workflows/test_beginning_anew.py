"""A run whose history has grown long begins anew, and nothing that is said to it meanwhile is lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.sealed import CONVERTER
from tests.world import APPROVED, World, final, own_account, quick, step
from vigil.demo.temporal_server import find_binary
from vigil.domain.errors import ProviderUnavailable
from vigil.domain.terms import Decision, Outcome
from vigil.temporal import messages
from vigil.temporal.messages import SEARCH_ATTRIBUTES

SUGGESTED_AFTER = 60


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    attributes = [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
    suggest = f"limit.historyCount.suggestContinueAsNew={SUGGESTED_AFTER}"
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()),
        dev_server_extra_args=["--dynamic-config-value", suggest, *attributes],
        data_converter=CONVERTER,
    ) as environment:
        yield World(environment.client, tmp_path, account=own_account(), plan=quick(factor=60))


async def test_callbacks_that_come_while_it_begins_anew_are_all_received(world: World) -> None:
    async with world.workers():
        await world.register()
        first = (await world.tracker.handle(world.key).describe()).run_id
        for number in range(1, 61):
            await world.hear(step(number, f"step-{number}", total=60))
            await asyncio.sleep(0.02)
        followed = await world.until(lambda record: record.callbacks.received == 60)
        last = (await world.tracker.handle(world.key).describe()).run_id
        world.reader.say(APPROVED)
        await world.hear(final("OK"))
        record = await world.result()

    assert first != last
    assert (followed.callbacks.progress.done, len(followed.callbacks.progress.checks)) == (60, 60)
    assert (record.verdict.decision, record.callbacks.received, record.callbacks.duplicates) == (
        Decision.APPROVED,
        61,
        0,
    )
    assert record.is_registered


async def test_a_flood_while_the_provider_is_down_begins_anew_with_its_read_and_leaves_it_usable(world: World) -> None:
    world.reader.says = ProviderUnavailable("http_503")
    longest, runs = 0, set[str | None]()
    async with world.workers():
        for number in range(1, 161):
            await world.hear(final("OK"), number=number)
            if number % 20 == 0:
                seen = await world.tracker.handle(world.key).describe()
                longest, runs = max(longest, seen.history_length), {*runs, seen.run_id}
        flooded = await world.until(lambda record: record.callbacks.received == 160)
        await world.register(applicant="customer-1")
        await world.until(lambda record: record.is_registered)
        polled = await world.tracker.command(
            world.key, "poll_now", messages.PollNow(author="ann"), command_id="poll", within=timedelta(seconds=20)
        )
        world.reader.say(APPROVED)
        record = await world.result()

    assert polled.outcome is None
    assert len(runs) > 1, "it never began anew while the read was under way"
    assert longest < 200
    assert flooded.callbacks.duplicates == 0
    assert (record.verdict.outcome, record.verdict.decision) == (Outcome.DECIDED, Decision.APPROVED)
    assert record.is_registered
