"""Time-outs of a few seconds, for tests that kill a process and wait until Temporal gives up on its tasks."""

from datetime import timedelta
from typing import Any

from temporalio.client import Client, OutboundInterceptor, StartWorkflowInput, WorkflowHandle
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.plugin import SimplePlugin
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    StartLocalActivityInput,
    WorkerConfig,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

SHORT = timedelta(seconds=3)
"""Long enough for any step of these tests on a busy machine."""


def with_short_timeouts(client: Client) -> Client:
    """Return a client whose workflows, and whose workers, wait at most `SHORT` for one attempt at a task.

    Temporal learns that a process was killed only when a time-out of its task is over. Ours are 10 to 25 seconds, and
    what happens afterwards does not depend on their length.
    """
    return Client(client.service_client, data_converter=client.data_converter, plugins=[_ShortTimeouts()])


class _ShortTimeouts(SimplePlugin):
    def __init__(self) -> None:
        super().__init__("short-timeouts", interceptors=[_Workflows(), _Starts()])

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        return {**super().configure_worker(config), "sticky_queue_schedule_to_start_timeout": SHORT}


class _Starts(ClientInterceptor):
    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 -- the SDK's name
        return _Start(super().intercept_client(next))


class _Start(OutboundInterceptor):
    async def start_workflow(
        self,
        input: StartWorkflowInput,  # noqa: A002 -- the SDK's name
    ) -> WorkflowHandle[Any, Any]:
        input.task_timeout = SHORT
        return await super().start_workflow(input)


class _Workflows(Interceptor):
    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 -- the SDK's name
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:  # noqa: A002 -- the SDK's name
        input.start_to_close_timeout = _shorter(input.start_to_close_timeout)
        input.heartbeat_timeout = _shorter(input.heartbeat_timeout)
        return super().start_activity(input)

    def start_local_activity(
        self,
        input: StartLocalActivityInput,  # noqa: A002 -- the SDK's name
    ) -> ActivityHandle[Any]:
        input.start_to_close_timeout = _shorter(input.start_to_close_timeout)
        return super().start_local_activity(input)


def _shorter(timeout: timedelta | None) -> timedelta | None:
    return None if timeout is None else min(timeout, SHORT)
