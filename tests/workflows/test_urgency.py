"""After an outage of workers thousands of runs wait for their first task. Those that a callback reached go first."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import cast

from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue, TaskQueueStats
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from tests.sealed import connect
from tests.world import APPROVED, World, final, own_account, step
from vigil.domain.terms import Decision
from vigil.temporal.messages import VERIFICATIONS_QUEUE
from vigil.temporal.urgency import BEHIND_FROM, LOOKS_EVERY, Urgency


async def taken_on_at(world: World) -> datetime:
    """Return when a worker took on the first task of a verification."""
    async for event in world.tracker.handle(world.key).fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            return event.event_time.ToDatetime()
    raise AssertionError("no worker has taken it on")


async def is_first(world: World) -> bool:
    described = await world.tracker.handle(world.key).describe()
    return bool(described.raw_description.workflow_execution_info.priority.priority_key == 1)


async def backlog(world: World) -> int:
    request = DescribeTaskQueueRequest(
        namespace=world.client.namespace,
        task_queue=TaskQueue(name=VERIFICATIONS_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        report_stats=True,
    )
    return (await world.client.workflow_service.describe_task_queue(request)).stats.approximate_backlog_count


async def test_a_callback_goes_before_first_loads_when_workers_are_behind(
    temporal_address: str, tmp_path: Path
) -> None:
    client, account = await connect(temporal_address, None), own_account()
    worlds = [World(client, tmp_path, account=account) for _ in range(BEHIND_FROM + 12)]
    for world in worlds:
        await world.register()
    *others, called, progressed = worlds
    called.reader.say(APPROVED)
    async with asyncio.timeout(30):
        while not await is_first(called):  # the server counts its backlog with a delay
            await called.hear(final(), may_start=False, number=1)
            await progressed.hear(step(1, "step-1"), may_start=False, number=1)
            await asyncio.sleep(0.5)

    async with called.workers():
        record = await called.result()
        await asyncio.gather(*(other.until(lambda record: record.is_registered) for other in [*others, progressed]))
    at = await taken_on_at(called)
    before = [other for other in others if await taken_on_at(other) < at]
    for other in [*others, progressed]:
        await other.tracker.handle(other.key).terminate()

    assert record.verdict.decision is Decision.APPROVED
    assert len(before) < BEHIND_FROM / 2
    assert not await is_first(progressed)
    assert not await is_first(others[0])


async def test_a_callback_changes_no_priority_when_no_run_waits(temporal_address: str, tmp_path: Path) -> None:
    world = World(await connect(temporal_address, None), tmp_path, account=own_account())
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        async with asyncio.timeout(60):
            while await backlog(world) >= BEHIND_FROM:  # what other tests left, and the server counts with a delay
                await asyncio.sleep(0.1)
        await world.hear(final(), may_start=False)
        await world.result()
    history = [event.event_type async for event in world.tracker.handle(world.key).fetch_history_events()]

    assert EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED not in history


class Server:
    """A server that counts a backlog as it is told to, and notes whose priority it raised."""

    namespace = "default"

    def __init__(self) -> None:
        self.backlog: int | None = BEHIND_FROM
        self.raised: list[str] = []

    @property
    def workflow_service(self) -> "Server":
        return self

    async def describe_task_queue(
        self, request: DescribeTaskQueueRequest, **options: object
    ) -> DescribeTaskQueueResponse:
        if self.backlog is None:
            raise RPCError("no frontend is ready", RPCStatusCode.UNAVAILABLE, b"")
        return DescribeTaskQueueResponse(stats=TaskQueueStats(approximate_backlog_count=self.backlog))

    async def update_workflow_execution_options(
        self, request: UpdateWorkflowExecutionOptionsRequest, **options: object
    ) -> None:
        self.raised.append(request.workflow_execution.workflow_id)


async def test_a_look_at_the_backlog_that_fails_is_taken_for_no_backlog() -> None:
    server = Server()
    urgency = Urgency(cast("Client", server))
    urgency.raise_if_behind("before")
    await asyncio.sleep(LOOKS_EVERY.total_seconds() + 0.1)
    server.backlog = None
    urgency.raise_if_behind("whose-look-fails")
    urgency.raise_if_behind("next")
    await asyncio.sleep(0.1)

    assert server.raised == ["before"]
