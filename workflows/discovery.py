"""Discovery: finds verifications that a provider lists and no backend registered."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from vigil.temporal import messages

    from workflows import options


@workflow.defn(name=messages.CONTINUOUS_DISCOVERY_WORKFLOW)
class ContinuousDiscoveryWorkflow:
    """Starts tracking what an account lists, round after round, as long as the settings want it."""

    @workflow.run
    async def run(self, order: messages.ContinuousDiscoveryInput) -> None:
        """Schedule the one activity whose attempts are the rounds. It never completes."""
        await workflow.execute_activity(
            messages.KEEP_DISCOVERING,
            order,
            task_queue=messages.provider_queue(order.account),
            start_to_close_timeout=options.DISCOVERY_TIMEOUT,
            heartbeat_timeout=options.DISCOVERY_HEARTBEAT,
            retry_policy=options.DISCOVERY_RETRY,
            priority=options.ROUTINE,
            summary=f"Find what `{order.account}` lists and nobody registered",
        )


@workflow.defn(name=messages.DISCOVERY_WORKFLOW)
class DiscoveryWorkflow:
    """One round, for a schedule of a release before: it may still run, or come back while two releases run."""

    @workflow.run
    async def run(self, order: messages.DiscoveryInput) -> messages.DiscoveryResult:
        """Run discovery once. The result says how far it came, so a run that failed leaves no gap."""
        until = workflow.now() - order.grace
        since = _since(order, until)
        found: messages.DiscoveryResult = await workflow.execute_activity(
            messages.DISCOVER,
            messages.DiscoverInput(account=order.account, since=since, until=until, starts_every=order.starts_every),
            task_queue=messages.provider_queue(order.account),
            result_type=messages.DiscoveryResult,
            start_to_close_timeout=options.DISCOVERY_TIMEOUT,
            heartbeat_timeout=options.DISCOVERY_HEARTBEAT,
            retry_policy=options.DISCOVERY_RETRY,
            priority=options.ROUTINE,
            summary=f"Find what `{order.account}` lists since {since:%d %b %H:%M:%S}",
        )
        return found


def _since(order: messages.DiscoveryInput, until: datetime) -> datetime:
    last = workflow.get_last_completion_result(messages.DiscoveryResult)
    # Providers list some verifications late, so each run overlaps the last one. If the grace was made longer
    # meanwhile, it ends before the last run did: then nothing is new, and the period is empty.
    return until - order.looks_back if last is None else min(until, last.until - order.overlap)
