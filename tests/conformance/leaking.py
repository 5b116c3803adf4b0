"""Leaks on purpose, one for each place: what the search must find, or it finds nothing anywhere."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from temporalio import activity, workflow
from temporalio.client import WorkflowHandle
from temporalio.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Worker

from tests.conformance.places import Place
from tests.conformance.rig import Rig

NOBODY = "nobody-serves-this"
Leak: TypeAlias = Callable[[Rig, AsyncExitStack, str], Awaitable[None]]
APPLICANT = SearchAttributeKey.for_keyword("VigilApplicant")


@workflow.defn(sandboxed=False)
class Leaking:
    """Runs one activity that says too much."""

    @workflow.run
    async def run(self, said: str, kind: str) -> None:
        await workflow.execute_activity(
            kind,
            said,
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


@activity.defn
async def fail(said: str) -> None:
    raise ApplicationError(masked(said))


@activity.defn
async def beat(said: str) -> None:
    activity.heartbeat(masked(said))
    await asyncio.sleep(60)


def masked(canary: str) -> str:
    return canary[::-1]


@asynccontextmanager
async def planted(place: Place, rig: Rig, canary: str) -> AsyncIterator[None]:
    """Leak a canary in one place, for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        await LEAKS[place](rig, stack, canary)
        yield


async def _in_a_log(_rig: Rig, _stack: AsyncExitStack, canary: str) -> None:
    logging.getLogger("some.library").debug("read %s", canary)


async def _in_a_metric(rig: Rig, stack: AsyncExitStack, canary: str) -> None:
    callbacks = rig.dependencies.metrics.callbacks
    callbacks.labels(canary, "200", "accepted").inc()
    stack.callback(callbacks.remove, canary, "200", "accepted")


async def _in_an_answer(rig: Rig, stack: AsyncExitStack, canary: str) -> None:
    async def answer(_: Request) -> Response:
        return PlainTextResponse(canary, 500)

    route = Route("/planted", answer)
    rig.app.router.routes.insert(0, route)
    stack.callback(rig.app.router.routes.remove, route)
    await rig.api.get("/planted")


async def _in_a_storage_name(rig: Rig, stack: AsyncExitStack, canary: str) -> None:
    name = f"planted/{canary}"
    await rig.dependencies.storage.put_new(name, b"")
    stack.push_async_callback(rig.dependencies.storage.erase, name)


def _as(**changes: Callable[[str], object]) -> Leak:
    """Leak by a workflow that is started with something of the canary."""

    async def leak(rig: Rig, stack: AsyncExitStack, canary: str) -> None:
        order: dict[str, object] = {"id": uuid4().hex, "task_queue": NOBODY, "args": ["nothing", "of ours"]}
        order |= {name: made(canary) for name, made in changes.items()}
        handle = await rig.tracker.client.start_workflow("Leaking", **order)  # type: ignore[call-overload]
        stack.push_async_callback(handle.terminate)

    return leak


def _by(kind: str) -> Leak:
    """Leak by an activity. Its input is masked once more, so that the search finds only what the activity says."""

    async def leak(rig: Rig, stack: AsyncExitStack, canary: str) -> None:
        client, queue = rig.tracker.client, uuid4().hex
        await stack.enter_async_context(Worker(client, task_queue=queue, workflows=[Leaking], activities=[fail, beat]))
        handle = await client.start_workflow(Leaking.run, args=[masked(canary), kind], id=queue, task_queue=queue)
        stack.push_async_callback(_ended, handle)

    return leak


async def _ended(handle: WorkflowHandle[Leaking, None]) -> None:
    with suppress(RPCError):  # it has ended by itself
        await handle.terminate()


def _applicant(canary: str) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(APPLICANT, canary)])


LEAKS: Final[Mapping[Place, Leak]] = {
    Place.WORKFLOW_IDS: _as(id=str),
    Place.TASK_QUEUES: _as(task_queue=str),
    Place.SEARCH_ATTRIBUTES: _as(search_attributes=_applicant),
    Place.MEMOS: _as(memo=lambda canary: {"said": canary}),
    Place.PAYLOADS: _as(args=lambda canary: [{"deep": [canary]}, "fail"]),
    Place.HISTORIES: _as(static_summary=str),
    Place.FAILURES: _by("fail"),
    Place.HEARTBEATS: _by("beat"),
    Place.LOGS: _in_a_log,
    Place.METRICS: _in_a_metric,
    Place.ERROR_BODIES: _in_an_answer,
    Place.STORAGE_NAMES: _in_a_storage_name,
}
