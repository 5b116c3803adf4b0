"""Discovery of an account: one workflow that stays open, and is started and ended as the settings say."""

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from vigil.config.accounts import OpenAccount
from vigil.temporal import messages

LOOKS_BACK: Final = timedelta(days=1)
"""How far the first round of an account looks back; each later one continues where the last one ended."""


async def keep_discovering(client: Client, account: OpenAccount) -> None:
    """Start the discovery of an account, or end it, as the settings say. Idempotent.

    Releases before this one started a run for each round, by a schedule with the same name. It is deleted.
    """
    name = messages.discovery_id(account.name)
    if account.provider.finder is None or not account.discovery:
        await _ignore_missing(client.get_workflow_handle(name).terminate(reason="discovery is off in the settings"))
    else:
        await client.start_workflow(
            messages.CONTINUOUS_DISCOVERY_WORKFLOW,
            messages.ContinuousDiscoveryInput(account=account.name, since=await _since(client, name)),
            id=name,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            task_queue=messages.VERIFICATIONS_QUEUE,
            static_summary=f"Find what `{account.name}` lists and nobody registered",
        )
    await _ignore_missing(client.get_schedule_handle(name).delete())


async def _since(client: Client, name: str) -> datetime:
    """Return where the first round begins: where the last run of a schedule ended, or a day ago."""
    day = datetime.now(UTC) - LOOKS_BACK
    try:
        known = await client.get_schedule_handle(name).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return day
    runs = [each.action for each in known.info.recent_actions]
    for run in reversed([each for each in runs if isinstance(each, ScheduleActionExecutionStartWorkflow)]):
        handle = client.get_workflow_handle(
            run.workflow_id, run_id=run.first_execution_run_id, result_type=messages.DiscoveryResult
        )
        try:
            if (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED:
                last: messages.DiscoveryResult = await handle.result()
                return min(day, last.until)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
    return day


async def _ignore_missing(call: Awaitable[object]) -> None:
    try:
        await call
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
