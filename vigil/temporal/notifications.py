"""The notifications that Temporal knows: how they stand, and how one is sent again."""

from collections.abc import AsyncIterator
from datetime import datetime

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from vigil.domain.notification import NotificationRow, NotificationState
from vigil.temporal import messages
from vigil.temporal.client import DESCRIBE_TIMEOUT
from vigil.temporal.inspection import read_description

_ENDED = {
    "delivered": NotificationState.DELIVERED,
    "gone": NotificationState.GONE,
    "given_up": NotificationState.GIVEN_UP,
}


async def list_rows(client: Client, path: str) -> list[NotificationRow]:
    """Return how the notifications of one verification stand, as far as Temporal knows them. Raises `RPCError`."""
    prefix = messages.notification_id(path, "")
    query = f"WorkflowType = '{messages.NOTIFICATION_WORKFLOW}' AND WorkflowId STARTS_WITH '{prefix}'"
    rows: dict[tuple[str, int, bool], NotificationRow] = {}
    async for execution in client.list_workflows(query, rpc_timeout=DESCRIBE_TIMEOUT):
        if execution.id.startswith(prefix):
            row = await _read_row(client, execution)
            if row is not None:
                rows.setdefault(row.identity, row)  # the newest run comes first
    return list(rows.values())


async def _read_row(client: Client, execution: WorkflowExecution) -> NotificationRow | None:
    notify = await read_notification(client, execution)
    if notify is None:
        return None
    row = NotificationRow(
        endpoint=notify.endpoint,
        revision=notify.revision,
        of_completion=notify.type == "verification.completed",
        state=NotificationState.PENDING,
        attempts=0,
        at=execution.start_time,
    )
    run = client.get_workflow_handle(execution.id, run_id=execution.run_id, result_type=messages.NotificationResult)
    if execution.status is WorkflowExecutionStatus.RUNNING:
        seen = await read_description(await run.describe(rpc_timeout=DESCRIBE_TIMEOUT))
        for step in seen.steps:
            made = step.attempt if step.is_running else step.attempt - 1
            tried = {"attempts": made, "answer": step.last_answer, "next_at": step.next_at}
            row = row.model_validate({**row.model_dump(), **tried})
        return row
    state, attempts = NotificationState.GIVEN_UP, 0  # also if an operator ended it
    if execution.status is WorkflowExecutionStatus.COMPLETED:
        ended = await run.result(rpc_timeout=DESCRIBE_TIMEOUT)
        state, attempts = _ENDED[ended.result], ended.attempts
    at = execution.close_time or execution.start_time
    return row.model_validate({**row.model_dump(), "state": state, "attempts": attempts, "at": at})


async def read_notification(client: Client, execution: WorkflowExecution) -> messages.Notification | None:
    """Return what a workflow was started to send; None: Temporal has forgotten it meanwhile. Raises `RPCError`."""
    run = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    events = run.fetch_history_events(page_size=1, rpc_timeout=DESCRIBE_TIMEOUT)
    try:
        started = (await anext(events)).workflow_execution_started_event_attributes
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    [notify] = await client.data_converter.decode(started.input.payloads, [messages.Notification])
    return notify if isinstance(notify, messages.Notification) else None


async def find_sent(
    client: Client, *, since: datetime, until: datetime, undelivered_only: bool
) -> AsyncIterator[messages.Notification]:
    """Yield each notification that was begun in a range of time, or only what no endpoint has. Raises `RPCError`."""
    query = (
        f"WorkflowType = '{messages.NOTIFICATION_WORKFLOW}' "
        f"AND StartTime >= '{since.isoformat()}' AND StartTime < '{until.isoformat()}'"
    )
    seen: set[str] = set()
    async for execution in client.list_workflows(query):
        if execution.id in seen:
            continue
        seen.add(execution.id)
        if undelivered_only and not await _is_undelivered(client, execution):
            continue
        notify = await read_notification(client, execution)
        if notify is not None:
            yield notify


async def _is_undelivered(client: Client, execution: WorkflowExecution) -> bool:
    run = client.get_workflow_handle(execution.id, run_id=execution.run_id, result_type=messages.NotificationResult)
    if execution.status is WorkflowExecutionStatus.RUNNING:
        seen = await read_description(await run.describe(rpc_timeout=DESCRIBE_TIMEOUT))
        return any(step.attempt > 1 for step in seen.steps)
    if execution.status is not WorkflowExecutionStatus.COMPLETED:
        return True
    ended: messages.NotificationResult = await run.result(rpc_timeout=DESCRIBE_TIMEOUT)
    return ended.result != "delivered"


async def send_again(client: Client, notify: messages.Notification) -> None:
    """Send a notification at once, in the place of one that waits for its next attempt. Raises `RPCError`.

    It has the same id, so that a backend which had it before recognises the repetition.
    """
    await client.start_workflow(
        messages.NOTIFICATION_WORKFLOW,
        notify,
        id=messages.notification_id(notify.message_id, notify.endpoint),
        task_queue=messages.NOTIFICATIONS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"Notify `{notify.endpoint}` of {notify.subject} again",
        rpc_timeout=DESCRIBE_TIMEOUT,
    )
