"""Backends are told of every verdict once, however it came about and whatever else fails, on a real server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Interceptor as WorkerInterceptor
from temporalio.worker import (
    StartChildWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ChildWorkflowHandle

from activities.notifications import Endpoint
from tests.activities.backend import Backend
from tests.world import APPROVED, APPROVED_WITH_FILE, DECLINED, World, final
from vigil.domain.terms import Attention, Decision, Outcome
from vigil.domain.tracking_plan import DAY
from vigil.storage.notifications import NotificationRows
from vigil.temporal import messages
from vigil.temporal.notifications import find_sent, list_rows, read_notification, send_again

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest_asyncio.fixture
async def backend() -> AsyncIterator[Backend]:
    async with Backend().listening() as backend:
        yield backend


def endpoint(port: int) -> Endpoint:
    # The queue is shared by all tests, and so a name must not be.
    name = f"backend-{uuid4().hex[:8]}"
    return Endpoint(name=name, url=f"http://127.0.0.1:{port}/", secrets=(SECRET,), allow_private=True)


@pytest.fixture
def told_world(world: World, backend: Backend) -> World:
    """A world that tells one backend."""
    only = endpoint(backend.port)
    world.endpoints = {only.name: only}
    return world


def notification(world: World, revision: int, name: str) -> WorkflowHandle[object, messages.NotificationResult]:
    workflow_id = f"notification/{world.tracker.path(world.key)}/{revision}/{name}"
    return world.client.get_workflow_handle(workflow_id, result_type=messages.NotificationResult)


async def sent(world: World, revision: int) -> list[str]:
    """Wait until every endpoint's notification of a revision has ended, and say how."""
    async with asyncio.timeout(60):
        return [(await ended(notification(world, revision, name))).result for name in world.endpoints]


async def ended(handle: WorkflowHandle[object, messages.NotificationResult]) -> messages.NotificationResult:
    while True:
        try:
            return await handle.result()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            await asyncio.sleep(0.05)  # the server starts a child a moment after its parent asked for it


def said(backend: Backend) -> list[tuple[int, str | None, str | None]]:
    data = [told.json["data"] for told in backend.told]
    return [(each["revision"], each["outcome"], each["decision"]) for each in data]


async def test_every_endpoint_is_notified_once_of_a_verdict(told_world: World, backend: Backend) -> None:
    async with Backend().listening() as audit:
        second = endpoint(audit.port)
        told_world.endpoints = {**told_world.endpoints, second.name: second}
        async with told_world.workers():
            await told_world.register(notify=tuple(told_world.endpoints))
            told_world.reader.say(APPROVED)
            await told_world.hear(final("OK"))
            record = await told_world.result()
            ended = await sent(told_world, 1)

    assert ended == ["delivered", "delivered"]
    assert said(backend) == said(audit) == [(1, "decided", "approved")]
    data = backend.told[0].json["data"]
    assert (data["account"], data["reference"]) == (told_world.key.account, told_world.key.reference)
    assert data["sequence"] <= record.sequence


async def completions(world: World, revision: int) -> list[str]:
    """Wait until every endpoint's notification of the completion has ended, and say how."""
    path = world.tracker.path(world.key)
    handles = [
        world.client.get_workflow_handle(
            f"notification/{path}/{revision}/complete/{name}", result_type=messages.NotificationResult
        )
        for name in world.endpoints
    ]
    async with asyncio.timeout(60):
        return [(await ended(handle)).result for handle in handles]


async def test_who_wants_it_is_notified_once_that_the_files_are_there(told_world: World, backend: Backend) -> None:
    told_world.reader.say(APPROVED_WITH_FILE)
    names = tuple(told_world.endpoints)
    async with told_world.workers():
        await told_world.register(notify=names, notify_complete=names, applicant="customer-7")
        await told_world.hear(final("OK"))
        first = await told_world.result()
        results = await sent(told_world, 1), await completions(told_world, 1)
        await told_world.hear(final("OK"))
        again = await told_world.result()

    assert (results, again.callbacks.received - first.callbacks.received) == ((["delivered"], ["delivered"]), 1)
    assert sorted((told.json["type"], told.json["data"]["stage"]) for told in backend.told) == [
        ("verification.completed", "complete"),
        ("verification.revised", "concluded"),
    ]
    completed = next(told.json for told in backend.told if told.json["type"] == "verification.completed")
    assert (completed["version"], completed["data"]["applicant"]) == (1, "customer-7")
    assert completed["data"]["sequence"] == first.sequence


async def test_the_completion_of_a_later_revision_is_reported_too(told_world: World, backend: Backend) -> None:
    names = tuple(told_world.endpoints)
    async with told_world.workers():
        await told_world.register(notify=names, notify_complete=names)
        told_world.reader.say(APPROVED)
        await told_world.hear(final("OK"))
        await told_world.result()
        resolve = messages.Resolve(author="ada", decision=Decision.DECLINED)
        await told_world.tracker.command(
            told_world.key, "resolve", resolve, command_id=f"resolve-{uuid4().hex}", within=timedelta(seconds=20)
        )
        await told_world.result()
        results = await sent(told_world, 2), await completions(told_world, 2)

    assert results == (["delivered"], ["delivered"])


async def test_nobody_is_notified_before_there_is_a_verdict(told_world: World, backend: Backend) -> None:
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.until(lambda record: record.reads.snapshot is not None)
        told_early = len(backend.told)
        told_world.reader.say(APPROVED)
        await told_world.hear(final("OK"))
        await told_world.result()
        await sent(told_world, 1)

    assert told_early == 0
    assert said(backend) == [(1, "decided", "approved")]


async def test_an_end_without_a_decision_is_announced_too(told_world: World, backend: Backend) -> None:
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.until(lambda record: record.is_registered)
        await told_world.tracker.handle(told_world.key).execute_update(
            "withdraw", messages.Withdraw(author="checkout"), result_type=messages.CommandAccepted
        )
        await told_world.result()
        await sent(told_world, 1)

    assert said(backend) == [(1, "withdrawn", None)]


async def test_workers_that_restart_notify_nobody_twice(told_world: World, backend: Backend) -> None:
    told_world.max_cached_workflows = 0
    told_world.reader.during_download = asyncio.Event()
    told_world.reader.say(APPROVED_WITH_FILE)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.until(lambda record: record.is_concluded)
        await sent(told_world, 1)
        async with asyncio.timeout(60):
            while not told_world.reader.downloads:
                await asyncio.sleep(0.02)
        told_world.reader.during_download.set()
    async with told_world.workers():
        await told_world.hear(final("OK"))
        record = await told_world.result()

    assert (record.verdict.decision, record.verdict.revision) == (Decision.APPROVED, 1)
    assert said(backend) == [(1, "decided", "approved")]


async def test_a_notification_that_outlives_its_worker_is_delivered_by_the_next(
    told_world: World, backend: Backend
) -> None:
    endpoints, told_world.endpoints = told_world.endpoints, {}
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(endpoints))
        await told_world.hear(final("OK"))
        await told_world.result()
    told_early = len(backend.told)
    told_world.endpoints = endpoints
    async with told_world.workers():
        ended = await sent(told_world, 1)

    assert (told_early, ended) == (0, ["delivered"])
    assert said(backend) == [(1, "decided", "approved")]


async def test_an_endpoint_that_failed_once_receives_the_same_again(told_world: World, backend: Backend) -> None:
    backend.answers.append(503)
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.result()
        ended = await sent(told_world, 1)

    assert ended == ["delivered"]
    assert said(backend) == [(1, "decided", "approved")] * 2
    assert len({told.headers["webhook-id"] for told in backend.told}) == 1


async def test_a_dead_endpoint_holds_up_nothing(told_world: World, backend: Backend) -> None:
    dead = endpoint(port=1)
    told_world.endpoints = {dead.name: dead, **told_world.endpoints}
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        record = await told_world.result()
        await backend.was_told(1)
        still_trying = await notification(told_world, 1, dead.name).describe()
        await notification(told_world, 1, dead.name).terminate()

    assert record.verdict.outcome is Outcome.DECIDED
    assert still_trying.status is WorkflowExecutionStatus.RUNNING
    assert said(backend) == [(1, "decided", "approved")]


async def test_an_endpoint_that_is_gone_is_notified_of_nothing_again(told_world: World, backend: Backend) -> None:
    backend.answers.append(410)
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.result()
        ended = await sent(told_world, 1)

    assert ended == ["gone"]
    assert len(backend.told) == 1


async def test_a_second_verdict_is_announced_with_a_higher_revision_and_sequence(
    told_world: World, backend: Backend
) -> None:
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.result()
        await sent(told_world, 1)
        told_world.reader.say(DECLINED)
        await told_world.hear(final("KO"))
        await told_world.result()
        await sent(told_world, 2)

    assert said(backend) == [(1, "decided", "approved"), (2, "decided", "declined")]
    first, second = (told.json["data"] for told in backend.told)
    assert second["sequence"] > first["sequence"]
    assert len({told.headers["webhook-id"] for told in backend.told}) == 2


class SlowToStartChildren(ClientInterceptor, WorkerInterceptor):
    """Makes a workflow wait before it starts a child, as a busy server does."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 -- the SDK's name
    ) -> type[WorkflowInboundInterceptor] | None:
        return _SlowInbound


class _SlowInbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_SlowOutbound(outbound))


class _SlowOutbound(WorkflowOutboundInterceptor):
    async def start_child_workflow(
        self,
        input: StartChildWorkflowInput,  # noqa: A002 -- the SDK's name
    ) -> ChildWorkflowHandle[Any, Any]:
        await asyncio.sleep(1)
        return await super().start_child_workflow(input)


async def test_a_verdict_that_comes_while_another_is_being_announced_is_announced_too(
    told_world: World, backend: Backend, tmp_path: Path
) -> None:
    client = told_world.client
    slow = Client(client.service_client, data_converter=client.data_converter, interceptors=[SlowToStartChildren()])
    world = World(slow, tmp_path, endpoints=told_world.endpoints)
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register(notify=tuple(world.endpoints))
        await world.hear(final("OK"))
        await world.until(lambda record: record.verdict.notified_revision == 1)
        await world.tracker.handle(world.key).execute_update(
            "resolve",
            messages.Resolve(author="checkout", decision=Decision.DECLINED),
            result_type=messages.CommandAccepted,
        )
        record = await world.result()
        await backend.was_told(2)

    assert (record.verdict.revision, record.verdict.notified_revision) == (2, 2)
    assert said(backend) == [(1, "decided", "approved"), (2, "decided", "declined")]
    first, second = (told.json["data"] for told in backend.told)
    assert second["sequence"] > first["sequence"]


async def test_a_verdict_that_a_person_gives_while_the_run_completes_is_announced_too(
    told_world: World, backend: Backend, tmp_path: Path
) -> None:
    client = told_world.client
    slow = Client(client.service_client, data_converter=client.data_converter, interceptors=[SlowToStartChildren()])
    plan = told_world.plan.model_copy(update={"reopens": (DAY,)})
    world = World(slow, tmp_path, plan=plan, endpoints=told_world.endpoints)
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register(notify=tuple(world.endpoints))
        await world.hear(final("OK"))
        # The run has settled, and waits until the workflow that reads the verdict again has been started.
        await world.until(lambda record: record.verdict.rechecked_revision == 1)
        await world.tracker.handle(world.key).execute_update(
            "resolve",
            messages.Resolve(author="checkout", decision=Decision.DECLINED),
            result_type=messages.CommandAccepted,
        )
        record = await world.result()
        await backend.was_told(2)

    assert (record.verdict.revision, record.verdict.notified_revision, record.verdict.rechecked_revision) == (2, 2, 2)
    assert said(backend) == [(1, "decided", "approved"), (2, "decided", "declined")]


async def test_a_late_callback_that_changes_nothing_notifies_nobody(told_world: World, backend: Backend) -> None:
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.result()
        await sent(told_world, 1)
        await told_world.hear(final("OK"))
        record = await told_world.result()

    assert (record.callbacks.late, record.verdict.revision) == (1, 1)
    assert said(backend) == [(1, "decided", "approved")]


async def test_a_registration_after_the_decision_is_notified_of_it(told_world: World, backend: Backend) -> None:
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.hear(final("OK"))
        before = await told_world.result()
        await told_world.register(notify=tuple(told_world.endpoints))
        after = await told_world.result()
        await sent(told_world, 1)

    assert (before.verdict.revision, after.verdict.revision) == (1, 1)
    assert said(backend) == [(1, "decided", "approved")]


async def test_a_verification_that_an_operator_ended_counts_on_beside_a_notification_under_way(
    told_world: World, backend: Backend
) -> None:
    backend.answers.extend([503, 503])
    told_world.reader.say(APPROVED_WITH_FILE)
    told_world.reader.during_download = asyncio.Event()
    registration = await told_world.registration(notify=tuple(told_world.endpoints))
    async with told_world.workers():
        await told_world.tracker.register(registration)
        await told_world.hear(final("OK"))
        await backend.was_told(1)
        # An operator ends the run before it could leave its record. A backend that gets two notifications with the
        # number of one revision takes the second for a repetition.
        await told_world.tracker.handle(told_world.key).terminate()
        told_world.reader.during_download.set()
        await told_world.hear(final("OK"))
        await told_world.tracker.handle(told_world.key).signal("register", registration)
        record = await told_world.result()
        under_way = [await notification(told_world, 1, name).describe() for name in told_world.endpoints]
        await notification(told_world, 1, *told_world.endpoints).terminate()
        await notification(told_world, 2, *told_world.endpoints).terminate()

    assert (record.verdict.decision, record.verdict.notified_revision) == (Decision.APPROVED, 2)
    assert [each.status for each in under_way] == [WorkflowExecutionStatus.RUNNING]


async def until_raised(world: World, *, is_raised: bool) -> None:
    """Wait until the verification asks a backend to look, or does not any more."""
    async with asyncio.timeout(60):
        while True:
            seen = await world.tracker.describe(world.key)
            summary = seen.summary if seen is not None and not seen.is_open else None
            if summary is not None and (Attention.NOT_NOTIFIED in summary.attention) is is_raised:
                return
            await asyncio.sleep(0.05)


async def test_a_complete_verification_says_that_a_backend_is_not_notified_until_it_is(
    told_world: World, backend: Backend
) -> None:
    told_world.not_notified_after = timedelta(0)
    backend.answers.append(503)
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.result()
        await until_raised(told_world, is_raised=True)
        [pending] = await list_rows(told_world.client, told_world.tracker.path(told_world.key))
        await backend.was_told(2)
        await until_raised(told_world, is_raised=False)
        [delivered] = await NotificationRows(told_world.storage).list(told_world.tracker.path(told_world.key))
        record = await told_world.result()

    [name] = told_world.endpoints
    assert (pending.state, pending.answer) == ("pending", "endpoint_answered_503")
    assert (delivered.state, delivered.attempts) == ("delivered", 2)
    assert record.verdict.revision == 1
    assert [entry.words[:3] for entry in record.log.entries if entry.kind == "notification"] == [
        (name, "revision:1", "pending"),
        (name, "revision:1", "delivered"),
    ]


async def test_what_was_given_up_is_sent_again_with_the_same_id(told_world: World, backend: Backend) -> None:
    backend.answers.append(410)
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.result()
        gone = await sent(told_world, 1)
        await until_raised(told_world, is_raised=True)
        since = datetime.now(UTC) - timedelta(hours=1)
        path = told_world.tracker.path(told_world.key)
        found: list[messages.Notification] = []
        async with asyncio.timeout(30):
            while not found:  # until Temporal's list has it
                spans = find_sent(told_world.client, since=since, until=datetime.now(UTC), undelivered_only=True)
                found = [each async for each in spans if each.path == path]
        for notify in found:
            await send_again(told_world.client, notify)
        await backend.was_told(2)
        again = await sent(told_world, 1)
        await until_raised(told_world, is_raised=False)

    assert (gone, again) == (["gone"], ["delivered"])
    assert [told.headers["webhook-id"] for told in backend.told] == [f"{path}/1"] * 2


async def test_sending_again_does_not_wait_for_the_next_attempt(told_world: World, backend: Backend) -> None:
    backend.answers.extend([503, 503, 503])
    told_world.reader.say(APPROVED)
    async with told_world.workers():
        await told_world.register(notify=tuple(told_world.endpoints))
        await told_world.hear(final("OK"))
        await told_world.result()
        await backend.was_told(1)
        [name] = told_world.endpoints
        first = await notification(told_world, 1, name).describe()
        notify = await read_notification(told_world.client, first)
        assert notify is not None
        for times in (2, 3, 4):  # its own attempts come after 5, 10 and 20 seconds
            await send_again(told_world.client, notify)
            await backend.was_told(times, within=4)
        results = await sent(told_world, 1)

    assert (results, len(backend.told)) == (["delivered"], 4)
