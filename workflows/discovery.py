"""One sweep over what a provider lists, so that a verification which nobody told us of is tracked too."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from vigil.temporal import messages

    from workflows import options


@workflow.defn(name=messages.DISCOVERY_WORKFLOW)
class DiscoveryWorkflow:
    """Adopts what was created since the last sweep, and long enough ago that its backend had time to register it."""

    @workflow.run
    async def run(self, order: messages.DiscoveryInput) -> messages.DiscoveryResult:
        """Sweep once; what the last sweep reached is its result, so that no sweep that failed leaves a gap."""
        until = workflow.now() - order.grace
        since = _since(order, until)
        adopted: messages.DiscoveryResult = await workflow.execute_activity(
            messages.DISCOVER,
            messages.DiscoverInput(account=order.account, since=since, until=until, starts_every=order.starts_every),
            task_queue=messages.provider_queue(order.account),
            result_type=messages.DiscoveryResult,
            start_to_close_timeout=options.SWEEP_TIMEOUT,
            heartbeat_timeout=options.SWEEP_HEARTBEAT,
            retry_policy=options.SWEEP_RETRY,
            priority=options.POLLS,
            summary=f"Adopt what `{order.account}` lists since {since:%d %b %H:%M:%S}",
        )
        return adopted


def _since(order: messages.DiscoveryInput, until: datetime) -> datetime:
    last = workflow.get_last_completion_result(messages.DiscoveryResult)
    # What is listed late, as lists are, is found by looking a little further back than the last sweep reached.
    # A grace that was made longer meanwhile ends before that: then nothing is new, and the window is empty.
    return until - order.looks_back if last is None else min(until, last.until - order.overlap)
