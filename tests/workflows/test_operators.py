"""What operators do in Temporal's UI: they cancel, terminate and reset runs. Each is a normal act."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus

from activities.notifications import Endpoint
from tests.activities.backend import Backend
from tests.world import APPROVED, APPROVED_WITH_FILE, World, final, own_account, quick
from vigil.domain.terms import Basis, Decision, Outcome, Stage
from vigil.errors import ConflictingRegistration
from vigil.temporal import messages
from vigil.temporal.client import RegistrationResult


@pytest.fixture
def world(client: Client, tmp_path: Path) -> World:
    return World(client, tmp_path, account=own_account(), plan=quick(factor=60))


def with_endpoint(world: World, backend: Backend) -> World:
    name = f"backend-{uuid4().hex[:8]}"
    url = f"http://127.0.0.1:{backend.port}/"
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    world.endpoints = {name: Endpoint(name=name, url=url, secrets=(secret,), allow_private=True)}
    return world


async def test_cancel_in_temporal_withdraws_an_open_verification_and_notifies_backends(world: World) -> None:
    async with Backend().listening() as backend, with_endpoint(world, backend).workers():
        await world.register(notify=tuple(world.endpoints))
        await world.until(lambda record: record.is_registered)
        await world.tracker.handle(world.key).cancel(reason="Max Mustermann asked for it")
        record = await world.result()
        seen = await world.tracker.handle(world.key).describe()
        await backend.was_told(1)

    assert [told.json["data"]["outcome"] for told in backend.told] == ["withdrawn"]
    assert seen.status is WorkflowExecutionStatus.COMPLETED
    assert (record.verdict.stage, record.verdict.outcome, record.verdict.basis) == (
        Stage.COMPLETE,
        Outcome.WITHDRAWN,
        Basis.PERSON,
    )
    assert record.verdict.revisions[-1].author == "temporal"
    assert "Mustermann" not in record.model_dump_json()


async def test_a_cancel_that_comes_before_a_worker_has_loaded_the_record_withdraws_too(world: World) -> None:
    await world.register(applicant="customer-1")
    await world.tracker.handle(world.key).cancel()
    async with world.workers():
        record = await world.result()

    assert record.verdict.outcome is Outcome.WITHDRAWN
    assert record.subject.registration is not None
    assert record.subject.registration.applicant == "customer-1"


async def test_cancel_in_temporal_leaves_a_verdict_as_it_is_and_its_files_still_come(world: World) -> None:
    world.reader.say(APPROVED_WITH_FILE)
    world.reader.during_download = asyncio.Event()
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.until(lambda record: record.is_concluded)
        await world.tracker.handle(world.key).cancel()
        await world.until(lambda record: any("withdraw" in entry.words for entry in record.log.entries))
        world.reader.during_download.set()
        record = await world.result()

    assert (record.verdict.decision, record.verdict.revision) == (Decision.APPROVED, 1)
    assert [row.state for row in record.evidence] == ["stored"]
    assert [(e.kind, e.actor) for e in record.log.entries if "withdraw" in e.words] == [("commanded", "temporal")]


async def test_a_callback_after_a_terminate_finds_the_registration_and_a_persons_decision_again(world: World) -> None:
    deadline = datetime(2031, 3, 4, tzinfo=UTC)
    world.reader.say(APPROVED_WITH_FILE)
    world.reader.during_download = asyncio.Event()
    async with Backend().listening() as backend, with_endpoint(world, backend).workers():
        await world.register(
            applicant="customer-1", coordinates={"room": "7"}, deadline_at=deadline, notify=tuple(world.endpoints)
        )
        await world.until(lambda record: bool(record.evidence))
        await command(world, "resolve", messages.Resolve(author="ann", decision=Decision.DECLINED))
        await backend.was_told(2)
        await world.tracker.handle(world.key).terminate("restarting everything")
        world.reader.during_download.set()
        before = await world.tracker.describe(world.key)
        await world.hear(final("OK"))
        record = await world.result()
        await backend.was_told(3)

    assert before is not None
    assert before.summary is not None
    assert record.subject.registration is not None
    assert record.subject.registration.applicant == "customer-1"
    assert record.subject.registration.coordinates == {"room": "7"}
    assert record.subject.registration.deadline_at == deadline
    assert (record.verdict.decision, record.verdict.basis) == (Decision.DECLINED, Basis.PERSON)
    assert record.verdict.revisions[-1].author == "ann"
    # A backend that has seen a revision takes it for a repetition: the id of the notification is the same.
    assert sorted(told.json["data"]["revision"] for told in backend.told) == [1, 2, 3]
    assert record.sequence > before.summary.sequence
    assert [(e.words, e.actor) for e in record.log.entries if "terminate" in e.words] == [(("terminate",), "temporal")]


@pytest.mark.parametrize("is_known_to_a_worker", [True, False])
async def test_a_command_after_a_terminate_finds_the_registration_again(
    world: World, *, is_known_to_a_worker: bool
) -> None:
    await world.register(applicant="customer-1")
    if is_known_to_a_worker:
        async with world.workers():
            await world.until(lambda record: record.is_registered)
    await world.tracker.handle(world.key).terminate()
    async with world.workers():
        await command(world, "poll_now", messages.PollNow(author="ann"))
        record = await world.until(lambda record: record.is_registered)
        seen = await world.tracker.describe(world.key)
        await world.tracker.handle(world.key).terminate()

    assert record.subject.registration is not None
    assert record.subject.registration.applicant == "customer-1"
    assert seen is not None
    assert (seen.is_open, seen.is_interrupted) == (True, False)


async def test_a_run_that_is_terminated_twice_before_it_stored_anything_is_found_again_by_the_third(
    world: World,
) -> None:
    await world.register(applicant="customer-1")
    await world.tracker.handle(world.key).terminate()
    await world.hear(final("OK"))
    between = await world.tracker.describe(world.key)
    await world.tracker.handle(world.key).terminate()
    world.reader.say(APPROVED)
    async with world.workers():
        await world.hear(final("OK"))
        record = await world.result()

    assert between is not None
    assert between.summary is not None
    assert between.summary.applicant == "customer-1", "it is published before a worker looks at it"
    assert record.subject.registration is not None
    assert record.subject.registration.applicant == "customer-1"
    assert record.verdict.decision is Decision.APPROVED


async def test_a_registration_after_a_terminate_is_compared_with_the_first_one(world: World) -> None:
    await world.register(applicant="customer-1")
    await world.tracker.handle(world.key).terminate()

    with pytest.raises(ConflictingRegistration):
        await world.register(applicant="customer-2")

    assert await world.register(applicant="customer-1") is RegistrationResult.KNOWN
    world.reader.say(APPROVED)
    async with world.workers():
        await world.hear(final("OK"))
        record = await world.result()
    assert record.is_registered
    assert record.attention == ()


async def test_a_reset_verification_goes_on_with_its_registration(world: World) -> None:
    async with world.workers():
        await world.register(applicant="customer-1")
        await world.until(lambda record: record.is_registered)
        await reset(world)
        seen = await world.tracker.describe(world.key)
        world.reader.say(APPROVED)
        await world.hear(final("OK"))
        record = await world.result()

    assert seen is not None
    assert (seen.is_open, seen.is_interrupted) == (True, False)
    assert record.subject.registration is not None
    assert record.subject.registration.applicant == "customer-1"
    assert record.verdict.decision is Decision.APPROVED


async def test_a_reset_of_a_complete_verification_ends_as_before(world: World) -> None:
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers():
        await world.register(applicant="customer-1")
        await world.hear(final("OK"))
        before = await world.result()
        await reset(world)
        after = await world.result()

    assert before.judgement() == after.judgement()
    assert after.subject.registration is not None
    assert after.subject.registration.applicant == "customer-1"


async def command(world: World, name: str, argument: messages.AnyCommand) -> None:
    await world.tracker.command(world.key, name, argument, command_id=uuid4().hex, within=timedelta(seconds=30))


async def reset(world: World) -> None:
    """Reset to the first workflow task, as Temporal's UI does."""
    handle = world.tracker.handle(world.key)
    events = [event async for event in handle.fetch_history_events()]
    first = next(e.event_id for e in events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
    await world.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=world.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=(await handle.describe()).run_id),
            reason="a test",
            workflow_task_finish_event_id=first,
            request_id=uuid4().hex,
        )
    )
