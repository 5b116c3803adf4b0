"""What operators do in Temporal's UI: they cancel, terminate and reset runs. Each is a normal act."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from activities.notifications import Endpoint
from tests.activities.backend import Backend
from tests.world import APPROVED_WITH_FILE, World, final, own_account, quick
from vigil.domain.terms import Basis, Decision, Outcome, Stage


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
        await world.until(lambda record: any("cancel" in entry.words for entry in record.log.entries))
        world.reader.during_download.set()
        record = await world.result()

    assert (record.verdict.decision, record.verdict.revision) == (Decision.APPROVED, 1)
    assert [row.state for row in record.evidence] == ["stored"]
    assert [(e.kind, e.actor) for e in record.log.entries if "cancel" in e.words] == [("commanded", "temporal")]
