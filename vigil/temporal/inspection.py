"""What one look at the Temporal server shows of a verification, read in our terms."""

from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import PendingActivityState, PendingWorkflowTaskState, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse
from temporalio.client import WorkflowExecution, WorkflowExecutionDescription, WorkflowExecutionStatus

from vigil.domain.situation import Interruption, PendingStep, PendingTask, Queue, Situation
from vigil.domain.summary import Summary
from vigil.temporal import messages


async def read_summary(execution: WorkflowExecution) -> tuple[Summary | None, bool]:
    """Return the published state, and whether there is one that this release cannot read.

    One unreadable memo must hide neither the rest of a list nor what else the server knows.
    """
    try:
        return await execution.memo_value(messages.MEMO, None, type_hint=Summary), False
    except (ValueError, KeyError, RuntimeError, TypeError):
        return None, True


def read_interruption(execution: WorkflowExecution) -> Interruption | None:
    """Return how a run was ended in Temporal; None: it is open, or ended by itself."""
    status = execution.status
    if status is None or status in _BY_ITSELF:
        return None
    return Interruption(run=execution.run_id, status=status.name.lower())


_BY_ITSELF: Final = frozenset(
    {
        WorkflowExecutionStatus.RUNNING,
        WorkflowExecutionStatus.COMPLETED,
        WorkflowExecutionStatus.CONTINUED_AS_NEW,
    }
)


async def read_description(description: WorkflowExecutionDescription) -> Situation:
    """Read a description in our terms."""
    raw = description.raw_description
    task = raw.pending_workflow_task if raw.HasField("pending_workflow_task") else None
    summary, is_unreadable = await read_summary(description)
    return Situation(
        summary=summary,
        is_unreadable=is_unreadable,
        is_open=description.status is WorkflowExecutionStatus.RUNNING,
        interruption=read_interruption(description),
        steps=tuple([await _step(description, pending) for pending in raw.pending_activities]),
        task=PendingTask(
            attempt=task.attempt,
            is_running=task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED,
            since=instant_of(task.original_scheduled_time) or datetime.now(UTC),
        )
        if task
        else None,
    )


async def _step(description: WorkflowExecutionDescription, pending: PendingActivityInfo) -> PendingStep:
    details = pending.last_failure.application_failure_info.details.payloads
    unchanged = pending.last_failure.application_failure_info.type == messages.UNCHANGED and details
    answer: str | None = pending.last_failure.application_failure_info.type or None
    is_troubled = answer is not None
    if unchanged:
        converter = description.data_converter
        told = (await converter.decode(details, [messages.Unchanged]))[0]
        answer, is_troubled = told.answer, told.trouble_since is not None
    return PendingStep(
        step=pending.activity_type.name,
        queue=pending.activity_options.task_queue.name or messages.VERIFICATIONS_QUEUE,
        attempt=pending.attempt,
        is_running=pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
        scheduled_at=instant_of(pending.scheduled_time),
        next_at=instant_of(pending.next_attempt_schedule_time),
        last_answer=answer,
        is_troubled=is_troubled,
    )


def read_queue(name: str, answer: DescribeTaskQueueResponse) -> Queue:
    """Read the description of a task queue in our terms. If no build is current, workers without one get work."""
    routing = answer.versioning_info
    served = {routing.current_deployment_version.build_id}
    if routing.ramping_version_percentage:
        served.add(routing.ramping_deployment_version.build_id)
    asked = [(_build_of(poller), instant_of(poller.last_access_time)) for poller in answer.pollers]
    return Queue(
        name=name,
        last_asked_at=max((at for build, at in asked if at and build in served), default=None),
        current_build=routing.current_deployment_version.build_id or None,
        idle_builds=tuple(sorted({build for build, _ in asked} - served - {""})),
    )


def _build_of(poller: PollerInfo) -> str:
    """Return the build of a worker; "" for one without versions."""
    options = poller.deployment_options
    is_versioned = options.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
    return options.build_id if is_versioned else ""


def instant_of(stamp: Timestamp) -> datetime | None:
    """Return a time of the server's; None where it gives none."""
    return stamp.ToDatetime(tzinfo=UTC) if stamp.seconds else None
