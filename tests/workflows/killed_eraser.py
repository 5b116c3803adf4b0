"""A worker process that kills itself in a step of an erasure or of retention. Run by their tests only."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.plugin import SimplePlugin
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
POINTS = (*(f"end {name}" for name in ENDS), *(f"middle {name}" for name in MIDDLES))


AT_ONCE = KeepRules(
    receipts=None,
    results=timedelta(0),
    artifacts=timedelta(0),
    records=None,
    tombstones=timedelta(days=3650),
    at_least=timedelta(0),
)


def killed() -> None:
    """End this process as a power failure does."""
    os.kill(os.getpid(), signal.SIGKILL)


class _Killing(Interceptor):
    """Kills the process when an activity has done its work and not reported it, or at its first heartbeat."""

    def __init__(self, point: str) -> None:
        self._point = point

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- the SDK's name
        return _Activity(next, self._point)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 -- the SDK's name
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Workflow


class _Activity(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, point: str) -> None:  # noqa: A002 -- the SDK's name
        super().__init__(next)
        self._point, self._name = point, ""

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        super().init(_Heart(outbound, self))

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        self._name = getattr(input.fn, "__temporal_activity_definition").name
        done = await super().execute_activity(input)
        self.reach("end")
        return done

    def reach(self, where: str) -> None:
        """Kill the process if this is the place."""
        if f"{where} {self._name}" == self._point:
            killed()


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
    """Serve until a workflow is finished, or until the point."""
    address, folder, account, reference, point, until = arguments
    plugin = SimplePlugin("killing", interceptors=[_Killing(point)])
    plain = await connect(address, "default")
    client = type(plain)(plain.service_client, data_converter=plain.data_converter, plugins=[plugin])
    world = World(client, Path(folder), account=account)
    world.key = VerificationKey(account=account, reference=reference)
    world.rules = {account: AT_ONCE}
    async with world.workers():
        await client.get_workflow_handle(until).result()
    exit_now(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
