"""Two kinds of server: the real one, and one whose clock skips what nobody does anything in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from tests.sealed import connect
from tests.skipped_time import run_skipping_server, skip
from tests.world import World, own_account
from vigil.domain.record import Record
from vigil.domain.tracking_plan import TrackingPlan


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await connect(temporal_address, "default")


@pytest.fixture
async def plain(temporal_address: str) -> AsyncIterator[Client]:
    """A client that knows nothing of Vigil: Temporal's own converter.

    Whatever a test leaves open is ended. A worker of a later test would read what is in clear again and again.
    """
    client = await Client.connect(temporal_address)
    yield client
    async for run in client.list_workflows("ExecutionStatus = 'Running'"):
        with suppress(RPCError):  # it has just ended
            await client.get_workflow_handle(run.id, run_id=run.run_id).terminate()


@pytest.fixture
def world(client: Client, tmp_path: Path) -> World:
    return World(client, tmp_path, account=own_account())


@dataclass
class SkippedTime:
    """A world whose time passes only when a test lets it."""

    world: World
    environment: WorkflowEnvironment

    async def passes(self, duration: timedelta) -> None:
        """Skip time, with everything that falls due in it."""
        await skip(self.environment, duration)

    def with_plan(self, plan: TrackingPlan) -> World:
        """Give the world another plan, and return it."""
        self.world = self.world.with_plan(plan)
        return self.world

    async def result(self) -> Record:
        """Skip time until the newest run has completed."""
        async with asyncio.timeout(60):
            while (seen := await self.world.tracker.describe(self.world.key)) is None or seen.is_open:
                await self.passes(timedelta(hours=1))
            return await self.world.result()


@pytest_asyncio.fixture
async def skipped(tmp_path: Path) -> AsyncIterator[SkippedTime]:
    """A server of its own for every test, since its one clock is locked while an activity runs."""
    async with run_skipping_server() as environment:
        world = World(environment.client, tmp_path, account=own_account(), now=environment.get_current_time)
        yield SkippedTime(world, environment)
