"""A worker that is killed in each step of an erasure, as a real process by a real signal, and another that goes on."""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.workflows.killed_eraser import POINTS
from tests.workflows.test_erasure import assert_nothing_is_left, finished
from tests.world import World, own_account
from vigil.temporal import messages

NO_TIME = timedelta(milliseconds=1)


async def worker(address: str, world: World, point: str, *, until: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.workflows.killed_eraser",
        address,
        str(world.folder),
        world.account,
        world.key.reference,
        point,
        until,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


@pytest.mark.parametrize("point", POINTS)
async def test_an_erasure_is_finished_though_a_worker_is_killed_in_it(
    temporal_address: str, client: Client, tmp_path: Path, point: str
) -> None:
    world = World(client, tmp_path, account=own_account())
    async with world.workers():
        await finished(world)
    begun = await world.erasures.erase(world.key, by="checkout", within=NO_TIME)
    erasure = messages.erasure_id(world.tracker.path(world.key))
    killed = await worker(temporal_address, world, point, until=erasure)
    code = await asyncio.wait_for(killed.wait(), 120)
    restarted = await worker(temporal_address, world, "never", until=erasure)
    async with asyncio.timeout(120):
        await client.get_workflow_handle(erasure).result()
    await asyncio.wait_for(restarted.wait(), 60)
    receipt = await world.erasures.read(world.key)

    assert begun is None
    assert code == -signal.SIGKILL
    assert receipt.finished_at is not None
    assert (receipt.verdict.decision, receipt.correlations) == ("approved", ())
    await assert_nothing_is_left(world)
