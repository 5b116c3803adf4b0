"""A worker that is killed at the worst moment, as a real process by a real signal, and another that goes on."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.short_timeouts import with_short_timeouts
from tests.workflows.killed_worker import POINTS
from tests.world import APPROVED_WITH_FILE, World, final, own_account, quick
from vigil.domain.record import Record
from vigil.domain.terms import ArtifactState, Decision


async def worker(address: str, world: World, point: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.workflows.killed_worker",
        address,
        str(world.folder),
        world.account,
        world.key.reference,
        point,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_killed_at_the_worst_moment_costs_nothing(
    temporal_address: str, client: Client, tmp_path: Path, point: str
) -> None:
    world = World(with_short_timeouts(client), tmp_path, account=own_account(), plan=quick(factor=60))
    world.reader.say(APPROVED_WITH_FILE)
    await world.register()
    await world.hear(final("OK"))
    killed = await worker(temporal_address, world, point)
    code = await asyncio.wait_for(killed.wait(), 60)
    left_behind = await world.storage.list("", limit=1000)
    async with world.workers():
        record = await world.result(within=60)
    stored = await world.records.latest(world.tracker.path(world.key))

    assert code == -signal.SIGKILL
    assert (record.verdict.decision, record.verdict.revision, record.callbacks.received) == (Decision.APPROVED, 1, 1)
    assert [row.state for row in record.evidence] == [ArtifactState.STORED]
    assert await world.storage.read(record.evidence[0].stored_as or "") == b"a portrait"
    assert stored is not None
    assert Record.model_validate_json(stored[1]).judgement() == record.judgement()
    if point == "at half a download":
        assert not any("/artifacts/" in name for name in left_behind)
