"""A worker process that kills itself in a step of an erasure or of retention. Run by their tests only."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from temporalio.plugin import SimplePlugin
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

from tests.sealed import connect
from tests.world import World
from vigil.domain.retention import KeepRules
from vigil.domain.verification_key import VerificationKey
from vigil.process_exit import exit_now
from vigil.temporal import messages

SHORT = timedelta(seconds=5)
ENDS = (
    messages.END_RUNS,
    messages.WRITE_TOMBSTONE,
    messages.FORGET_KEY,
    messages.ERASE_OBJECTS,
    messages.DELETE_RUNS,
    messages.LIST_LEFT,
    messages.FINISH_ERASURE,
)
MIDDLES = (messages.END_RUNS, messages.ERASE_OBJECTS, messages.DELETE_RUNS)
POINTS = (
    *(f"start {name}" for name in ENDS),
    *(f"middle {name}" for name in MIDDLES),
    *(f"end {name}" for name in ENDS),
)

AT_ONCE = KeepRules(
    receipts=None,
    results=timedelta(0),
    artifacts=timedelta(0),
    records=None,
    tombstones=timedelta(days=3650),
    at_least=timedelta(0),
)


class _Killing(Interceptor):
    """Kills the process before an activity, at its first heartbeat, or when it has done its work and not reported it.

    Before that the process writes its metrics, which are gone with it.
    """

    def __init__(self, point: str, metrics: MetricBuffer) -> None:
        self._point = point
        self._metrics = metrics

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- the SDK's name
        return _Activity(next, self.reach)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 -- the SDK's name
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Workflow

    def reach(self, point: str) -> None:
        """Kill the process, as a power failure does, if this is the point."""
        if point == self._point:
            self.write_metrics()
            os.kill(os.getpid(), signal.SIGKILL)

    def write_metrics(self) -> None:
        """Write every metric with its labels."""
        for update in self._metrics.retrieve_updates():
            sys.stdout.write(f"{update.metric.name} {update.value} {dict(update.attributes)}\n")
        sys.stdout.flush()


class _Activity(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, reach: Callable[[str], None]) -> None:  # noqa: A002 -- the SDK's name
        super().__init__(next)
        self._reach, self._name = reach, ""

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        super().init(_Heart(outbound, self))

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        self._name = getattr(input.fn, "__temporal_activity_definition").name
        self.reach("start")
        done = await super().execute_activity(input)
        self.reach("end")
        return done

    def reach(self, where: str) -> None:
        """Say where in the activity it is."""
        self._reach(f"{where} {self._name}")


class _Heart(ActivityOutboundInterceptor):
    def __init__(self, next: ActivityOutboundInterceptor, activity: _Activity) -> None:  # noqa: A002 -- the SDK's name
        super().__init__(next)
        self._activity = activity

    def heartbeat(self, *details: Any) -> None:
        super().heartbeat(*details)
        self._activity.reach("middle")


class _Workflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Starts(outbound))


class _Starts(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:  # noqa: A002 -- the SDK's name
        # Temporal learns of a killed worker only when a time-out is over, and ours are long.
        if input.heartbeat_timeout is not None:
            input.heartbeat_timeout = SHORT
        elif input.activity == messages.FINISH_ERASURE:
            input.start_to_close_timeout = SHORT
        return super().start_activity(input)


async def main(arguments: Sequence[str]) -> None:
    """Serve until a workflow is finished, or until the point. Logs and metrics go to stdout, unfiltered."""
    address, folder, keys, account, reference, point, until = arguments
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stdout))
    metrics = MetricBuffer(10_000)
    killing = _Killing(point, metrics)
    plain = await connect(address, "default", runtime=Runtime(telemetry=TelemetryConfig(metrics=metrics)))
    plugin = SimplePlugin("killing", interceptors=[killing])
    client = type(plain)(plain.service_client, data_converter=plain.data_converter, plugins=[plugin])
    world = World(client, Path(folder), account=account, keys=Path(keys) if keys else None)
    world.key = VerificationKey(account=account, reference=reference)
    world.rules = {account: AT_ONCE}
    async with world.workers():
        await client.get_workflow_handle(until).result()
    killing.write_metrics()
    exit_now(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
