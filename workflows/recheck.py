"""Recheck: reads a verdict again that the provider may change, since the callback of a change may be lost."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from vigil.temporal import messages

    from workflows import options


@workflow.defn(name=messages.RECHECK_WORKFLOW)
class RecheckWorkflow:
    """Rechecks one verdict at the ages of its sender contract; another verdict has a workflow of its own."""

    @workflow.run
    async def run(self, order: messages.RecheckSchedule) -> int:
        """Return the number of rechecks."""
        for number, at in enumerate(order.due_at):
            wait = max(at - workflow.now(), timedelta(0))
            await workflow.sleep(wait, summary=f"Until {at:%d %b %H:%M:%S}: recheck")
            is_last = await workflow.execute_activity(
                messages.RECHECK,
                messages.RecheckInput(key=order.key, revision=order.revision),
                result_type=bool,
                start_to_close_timeout=options.RECHECK_TIMEOUT,
                retry_policy=options.RECHECK_RETRY,
                summary=f"Recheck at `{order.key.account}`",
            )
            if not is_last:
                return number
        return len(order.due_at)
