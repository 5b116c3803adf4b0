"""A workflow whose task fails again and again is seen, though it cannot say so itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.stuck import COUNTED_WORKFLOWS, keep_counting_stuck
from tests.sealed import CONVERTER
from tests.world import World, own_account, quick, serving
from vigil.demo.temporal_server import find_binary
from vigil.listing import Filters, iterate_verifications
from vigil.observability import Metrics
from vigil.temporal import messages
from vigil.temporal.messages import SEARCH_ATTRIBUTES
from workflows.registry import WORKFLOWS


@workflow.defn(name=messages.VERIFICATION_WORKFLOW, sandboxed=False)
class BrokenRelease:
    """A release whose workflow code has a fault."""

    @workflow.run
    async def run(self, _order: messages.TrackVerification) -> None:
        raise RuntimeError("a fault of ours")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    attributes = [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
    # Temporal's own number is 5, which takes minutes.
    failures = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2"
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()),
        dev_server_extra_args=["--dynamic-config-value", failures, *attributes],
        data_converter=CONVERTER,
    ) as environment:
        yield World(environment.client, tmp_path, account=own_account(), plan=quick())


async def stuck(world: World) -> list[tuple[str, bool, bool]]:
    runs = iterate_verifications(world.client, Filters(account=world.account, stuck=True))
    return [(run.encoded_reference, run.is_stuck, run.is_interrupted) async for run in runs]


def count_in(metrics: Metrics, name: str = "vigil_stuck_workflows") -> float | None:
    return metrics.registry.get_sample_value(name)


@asynccontextmanager
async def counting(world: World) -> AsyncIterator[Metrics]:
    metrics = Metrics()
    task = asyncio.create_task(keep_counting_stuck(world.tracker, metrics, every=timedelta(milliseconds=200)))
    try:
        yield metrics
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_workflow_whose_task_fails_is_listed_as_stuck_and_counted_until_it_works_again(world: World) -> None:
    await world.register()
    broken = Worker(
        world.client,
        task_queue=messages.VERIFICATIONS_QUEUE,
        workflows=[BrokenRelease],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with counting(world) as metrics:
        async with serving(broken), asyncio.timeout(60):
            while not (listed := await stuck(world)) or count_in(metrics) == 0:
                await asyncio.sleep(0.2)
            counted = count_in(metrics)
        async with world.workers(), asyncio.timeout(60):
            while await stuck(world) or count_in(metrics) != 0:
                await asyncio.sleep(0.2)

    assert listed == [(world.key.reference, True, False)]
    assert counted == 1


async def test_a_verification_whose_run_was_terminated_is_counted_until_another_run_continues_it(world: World) -> None:
    name = "vigil_interrupted_verifications"
    await world.register()
    await world.tracker.handle(world.key).terminate("by an operator")
    async with counting(world) as metrics, asyncio.timeout(60):
        while not (counted := count_in(metrics, name)):
            await asyncio.sleep(0.1)
        await world.register()
        while count_in(metrics, name) != 0:
            await asyncio.sleep(0.1)

    assert counted == 1
    assert count_in(metrics) == 0


def test_every_workflow_that_there_is_is_counted_when_its_task_fails() -> None:
    names = {workflow._Definition.must_from_class(each).name for each in WORKFLOWS}

    assert set(COUNTED_WORKFLOWS) == names
