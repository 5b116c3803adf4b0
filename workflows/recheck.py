"""Reading verdicts again that may be reopened, since the callback of a reopening may be lost."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from vigil.temporal import messages

    from workflows import options


@workflow.defn(name=messages.RECHECK_WORKFLOW)
class RecheckWorkflow:
    """Has one verdict read again at the ages that its contract names; another verdict has a workflow of its own."""

    @workflow.run
    async def run(self, order: messages.RecheckSchedule) -> int:
        """Return how often it was read again."""
        for number, at in enumerate(order.due_at):
            wait = max(at - workflow.now(), timedelta(0))
            await workflow.sleep(wait, summary=f"Until {at:%d %b %H:%M:%S}: read it again")
            is_last = await workflow.execute_activity(
                messages.RECHECK,
                messages.RecheckInput(key=order.key, revision=order.revision),
                result_type=bool,
                start_to_close_timeout=options.REREAD_TIMEOUT,
                retry_policy=options.REREAD_RETRY,
                summary=f"Read `{order.key.account}` again",
            )
            if not is_last:
                return number
        return len(order.due_at)
