"""The workflows of one verification in Temporal, all of them: found, ended and deleted."""

from collections.abc import AsyncIterator
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution as Execution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from vigil.domain.verification_key import workflow_id
from vigil.temporal import messages
from vigil.temporal.client import DESCRIBE_TIMEOUT

_SETTLES: Final = frozenset({messages.VERIFICATION_WORKFLOW, messages.NOTIFICATION_WORKFLOW, messages.VERIFY_WORKFLOW})
"""Types whose runs end soon by themselves, once the verification has an outcome."""


async def list_runs(client: Client, path: str) -> AsyncIterator[WorkflowExecution]:
    """Yield every run that is about the verification at a path, the newest one also before it is listed.

    Not the run that erases it. Raises `RPCError`.
    """
    own, prefixes = workflow_id(path), (f"recheck/{path}/", messages.notification_id(path, ""))
    parts = [f"WorkflowId = '{own}'", f"{messages.VERIFICATION_ATTRIBUTE} = '{path}'"]
    parts += [f"WorkflowId STARTS_WITH '{prefix}'" for prefix in prefixes]
    seen: set[tuple[str, str]] = set()
    newest = await _newest_run(client, own)
    if newest is not None:
        seen.add((newest.id, newest.run_id))
        yield newest
    for query in parts:
        async for run in client.list_workflows(query, rpc_timeout=DESCRIBE_TIMEOUT):
            if (run.id, run.run_id) not in seen:
                seen.add((run.id, run.run_id))
                yield run


async def _newest_run(client: Client, own: str) -> WorkflowExecution | None:
    # The list of the server may be some seconds old.
    try:
        return await client.get_workflow_handle(own).describe(rpc_timeout=DESCRIBE_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def is_settling(client: Client, path: str) -> bool:
    """Whether a run is open that ends soon by itself. Raises `RPCError`."""
    async for run in list_runs(client, path):
        if run.status is WorkflowExecutionStatus.RUNNING and run.workflow_type in _SETTLES:
            return True
    return False


async def terminate_run(client: Client, run: WorkflowExecution) -> None:
    """End a run at once; one that is closed stays as it is. Raises `RPCError`."""
    if run.status is not WorkflowExecutionStatus.RUNNING:
        return
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    try:
        await handle.terminate("the data of its verification is erased", rpc_timeout=DESCRIBE_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def delete_run(client: Client, run: WorkflowExecution) -> None:
    """Delete a run with its history, an open one too. The server does so soon after its answer. Raises `RPCError`."""
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace, workflow_execution=Execution(workflow_id=run.id, run_id=run.run_id)
    )
    try:
        await client.workflow_service.delete_workflow_execution(request, timeout=DESCRIBE_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
