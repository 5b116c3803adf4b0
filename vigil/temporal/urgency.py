"""Puts verifications that a callback reached before those that only wait for their first task."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import Priority, WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, UpdateWorkflowExecutionOptionsRequest
from temporalio.client import Client
from temporalio.service import RPCError

from vigil.temporal.messages import VERIFICATIONS_QUEUE

BEHIND_FROM: Final = 50
"""Runs that wait for a worker: as many as a worker takes on within about a second."""
LOOKS_EVERY: Final = timedelta(seconds=2)
WITHIN: Final = timedelta(seconds=5)
MOST_UNDER_WAY: Final = 200
FIRST: Final = Priority(priority_key=1)


class Urgency:
    """Raises the priority of a run whose task is waiting, while workers are behind. One for each process.

    A signal makes no second task where the first one waits, so that a registered verification whose callback came
    would wait for every registration before it. The server puts the waiting task to the priority of its run.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._looked_at = -LOOKS_EVERY.total_seconds()
        self._is_behind = False
        self._look = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()

    def raise_if_behind(self, workflow_id: str) -> None:
        """Raise the priority of an open run if workers are behind. Returns at once; what fails is left as it is."""
        if len(self._under_way) < MOST_UNDER_WAY:
            task = asyncio.create_task(self._raise(workflow_id))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _raise(self, workflow_id: str) -> None:
        # An older server has no such call, and a role may lack the right to it: then runs are taken in their order.
        with suppress(RPCError, RuntimeError):
            if await self._are_workers_behind():
                request = UpdateWorkflowExecutionOptionsRequest(
                    namespace=self._client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=workflow_id),
                    workflow_execution_options=WorkflowExecutionOptions(priority=FIRST),
                    update_mask=FieldMask(paths=["priority"]),
                )
                await self._client.workflow_service.update_workflow_execution_options(request, timeout=WITHIN)

    async def _are_workers_behind(self) -> bool:
        async with self._look:
            if time.monotonic() - self._looked_at >= LOOKS_EVERY.total_seconds():
                self._looked_at, self._is_behind = time.monotonic(), False  # a look that fails says nothing
                self._is_behind = await self._count_waiting() >= BEHIND_FROM
        return self._is_behind

    async def _count_waiting(self) -> int:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=VERIFICATIONS_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            report_stats=True,
        )
        answer = await self._client.workflow_service.describe_task_queue(request, timeout=WITHIN)
        return answer.stats.approximate_backlog_count
