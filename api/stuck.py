"""How many workflows of ours are stuck, as Temporal sees it: a workflow that is stuck cannot say so itself."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Gauge
from temporalio.service import RPCError

from vigil.listing import FAILING_TASKS
from vigil.temporal import messages
from vigil.temporal.client import DESCRIBE_TIMEOUT, VerificationClient

COUNT_EVERY: Final = timedelta(minutes=1)
_WORKFLOWS: Final = (
    messages.VERIFICATION_WORKFLOW,
    messages.NOTIFICATION_WORKFLOW,
    messages.MESSAGE_DELIVERY_WORKFLOW,
    messages.DISCOVERY_WORKFLOW,
    messages.RECHECK_WORKFLOW,
)
_QUERY: Final = f"WorkflowType IN ({', '.join(map(repr, _WORKFLOWS))}) AND {FAILING_TASKS}"

_log = structlog.get_logger("vigil.api")


async def keep_counting_stuck(tracker: VerificationClient, gauge: Gauge, *, every: timedelta = COUNT_EVERY) -> None:
    """Count until canceled. While Temporal gives no answer the gauge keeps its value."""
    while True:
        try:
            gauge.set((await tracker.client.count_workflows(_QUERY, rpc_timeout=DESCRIBE_TIMEOUT)).count)
        except (RPCError, RuntimeError, OSError) as error:  # a lazy client that cannot connect
            _log.warning("stuck.not_counted", error=type(error).__name__)
        await asyncio.sleep(every.total_seconds())
