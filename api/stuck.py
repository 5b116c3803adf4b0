"""How many workflows are stuck and verifications interrupted, as Temporal sees it: they cannot say so themselves."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from temporalio.service import RPCError

from vigil.listing import FAILING_TASKS, count_interrupted
from vigil.observability import Metrics
from vigil.temporal import messages
from vigil.temporal.client import DESCRIBE_TIMEOUT, VerificationClient

COUNT_EVERY: Final = timedelta(minutes=1)
MOST_RUNS: Final = 200
"""Ended runs that are looked at each time: one call of Temporal for each."""
COUNTED_WORKFLOWS: Final = (
    messages.VERIFICATION_WORKFLOW,
    messages.NOTIFICATION_WORKFLOW,
    messages.MESSAGE_DELIVERY_WORKFLOW,
    messages.CONTINUOUS_DISCOVERY_WORKFLOW,
    messages.DISCOVERY_WORKFLOW,
    messages.RECHECK_WORKFLOW,
    messages.ERASURE_WORKFLOW,
    messages.RETENTION_WORKFLOW,
    messages.VERIFY_WORKFLOW,
)
_QUERY: Final = f"WorkflowType IN ({', '.join(map(repr, COUNTED_WORKFLOWS))}) AND {FAILING_TASKS}"

_log = structlog.get_logger("vigil.api")


async def keep_counting_stuck(tracker: VerificationClient, metrics: Metrics, *, every: timedelta = COUNT_EVERY) -> None:
    """Count until canceled. While Temporal gives no answer the gauges keep their values."""
    client = tracker.client
    while True:
        try:
            metrics.stuck_workflows.set((await client.count_workflows(_QUERY, rpc_timeout=DESCRIBE_TIMEOUT)).count)
            metrics.interrupted_verifications.set(await count_interrupted(client, most_runs=MOST_RUNS))
        except (RPCError, RuntimeError, OSError) as error:  # a lazy client that cannot connect
            _log.warning("stuck.not_counted", error=type(error).__name__)
        await asyncio.sleep(every.total_seconds())
