"""Two rigs, each for the whole package: one in steps of a test's own, one on a server that skips time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from tests.conformance.rig import Rig, rig
from tests.conformance.skipping import working
from tests.simulator.step_clock import StepClock
from tests.skipped_time import run_skipping_server, skip
from vigil.demo.temporal_server import find_binary
from vigil.temporal.messages import SEARCH_ATTRIBUTES

SCALE = 60
NOTED_EVERY = timedelta(milliseconds=100)


@dataclass
class Stepped:
    """Time at the providers moves when a test says so; our side has the real one."""

    clock: StepClock

    async def now(self) -> datetime:
        return datetime.now(UTC)

    async def passes(self, duration: timedelta) -> None:
        await self.clock.advance(duration)

    async def catch_up(self) -> None:
        return None


@dataclass
class Skipped:
    """Temporal's time is everybody's; it passes only when a test lets it."""

    clock: StepClock
    environment: WorkflowEnvironment
    reached: datetime
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def now(self) -> datetime:
        return await self.environment.get_current_time()

    async def passes(self, duration: timedelta) -> None:
        await skip(self.environment, duration)
        await self.catch_up()

    async def catch_up(self) -> None:
        async with self.turns:
            now = await self.now()
            if now > self.reached:
                await self.clock.advance(now - self.reached)
                self.reached = now


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stepped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """For what does not depend on our time: it is the real one, sixty times as fast.

    The server is the package's own, so that all it knows is of these tests, and one that forgets soon when told to:
    it deletes nothing whose tasks it has yet to note as done, and usually notes them twice a minute.
    """
    attributes = [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
    forgets = f'history.transferProcessorUpdateAckInterval="{NOTED_EVERY.microseconds // 1000}ms"'
    clock = StepClock()
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()),
        dev_server_extra_args=["--dynamic-config-value", forgets, *attributes],
    ) as environment:
        address = environment.client.service_client.config.target_host
        async with rig(address, tmp_path_factory.mktemp("stepped"), clock, Stepped(clock), scale=SCALE) as running:
            yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def skipped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """For what depends on it: the contracts' own times, skipped."""
    clock = StepClock()
    async with run_skipping_server() as environment:
        time = Skipped(clock, environment, await environment.get_current_time())
        address = environment.client.service_client.config.target_host
        folder = tmp_path_factory.mktemp("skipped")
        async with rig(address, folder, clock, time, scale=1, working=working) as running:
            yield running
