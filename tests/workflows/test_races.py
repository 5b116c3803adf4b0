"""Callbacks and commands that come at the worst moment, on a real server, with and without a workflow cache."""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.sealed import connect
from tests.world import APPROVED, APPROVED_WITH_FILE, DECLINED, World, final, own_account, quick, step
from vigil.demo.temporal_server import run_temporal_server
from vigil.domain.record import Record
from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Attention, Decision, Outcome, Stage
from vigil.temporal.messages import SEARCH_ATTRIBUTES

CANCELED = Snapshot(stage=Stage.CONCLUDED, ended=Outcome.CANCELED, word="CANCELED")


@pytest.fixture(params=[1000, 0], ids=["cached", "replayed on every task"])
def world(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World(client, tmp_path, account=own_account(), plan=quick(factor=60), max_cached_workflows=request.param)


def decided(record: Record) -> tuple[Outcome | None, Decision | None]:
    return record.verdict.outcome, record.verdict.decision


async def test_a_callback_during_a_read_leads_to_another_read(world: World) -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    world.reader.before_answer = lambda: answer
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        async with asyncio.timeout(60):
            while world.reader.reads == 0:
                await asyncio.sleep(0.02)
        await world.hear(final("OK"))
        world.reader.say(APPROVED)
        answer.set_result(None)
        record = await world.result()

    assert world.reader.reads >= 2
    assert decided(record) == (Outcome.DECIDED, Decision.APPROVED)
    assert record.verdict.revision == 1


async def test_a_callback_during_a_download_is_received_before_it_completes(world: World) -> None:
    world.reader.during_download = asyncio.Event()
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.until(lambda record: record.is_concluded and world.reader.downloads == 1)
        await world.hear(step(1, "id_document"))
        await world.hear(final("OK"))
        await world.until(lambda record: record.callbacks.late == 2)
        world.reader.during_download.set()
        record = await world.result()

    assert (record.callbacks.received, record.callbacks.late, record.verdict.revision) == (3, 2, 1)
    assert [row.state.value for row in record.evidence] == ["stored"]
    assert world.reader.downloads == 1


async def test_a_callback_at_completion_is_in_the_record_that_completes(world: World) -> None:
    world.reader.say(APPROVED)
    world.storage.close("put verifications")
    async with world.workers():
        await world.register()
        # The result of the read is the first thing that is put, the record the second.
        await world.hear(final("OK"))
        await world.storage.reached["put verifications"].wait()
        world.storage.close("/records/")
        world.storage.open_gate("put verifications")
        await world.storage.reached["/records/"].wait()
        await world.hear(step(6, "liveness"))
        await world.until(lambda record: bool(record.verdict.stage is Stage.COMPLETE))
        world.storage.open_gate("/records/")
        record = await world.result()
        stored = await world.records.latest(world.tracker.path(world.key))

    assert record.callbacks.received == 2
    assert stored is not None
    assert Record.model_validate_json(stored[1]) == record


async def test_a_callback_after_completion_opens_a_follow_up_run_that_changes_nothing(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"), number=1)
        first = await world.result()
        await world.hear(final("OK"), number=2)
        second = await world.result()

    assert (second.callbacks.late, second.verdict.revision, second.callbacks.received) == (1, 1, 2)
    assert second.judgement() == first.judgement()


async def test_a_late_callback_that_the_provider_confirms_is_a_second_revision(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        world.reader.say(DECLINED)
        await world.hear(final("KO"))
        record = await world.result()

    assert decided(record) == (Outcome.DECIDED, Decision.DECLINED)
    assert [revision.decision for revision in record.verdict.revisions] == [Decision.APPROVED, Decision.DECLINED]
    assert {note.reason for note in record.attention} == {Attention.SECOND_FINAL}


async def test_a_late_intermediate_is_counted_without_asking_the_provider(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        first = await world.result()
        reads = world.reader.reads
        await world.hear(step(2, "liveness"))
        second = await world.result()

    assert world.reader.reads == reads
    assert (second.callbacks.late, second.callbacks.received) == (1, 2)
    assert second.judgement().decision == first.judgement().decision


async def test_a_callback_after_the_history_is_gone_finds_the_record(world: World, tmp_path: Path) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
    # A server that has never heard of it is what Temporal's retention leaves behind.
    async with run_temporal_server(log=tmp_path / "other.log", search_attributes=SEARCH_ATTRIBUTES) as server:
        later = World(await connect(server.address, "default"), tmp_path, plan=world.plan, account=world.account)
        later.key = world.key
        later.reader.say(APPROVED)
        async with later.workers():
            await later.hear(final("OK"), number=99)
            record = await later.result()

            await later.register()
            await later.result()
            seen = await later.tracker.describe(later.key)

    assert (record.callbacks.received, record.callbacks.late, record.verdict.revision) == (2, 1, 1)
    assert record.is_registered
    assert seen is not None
    assert seen.summary is not None
    assert (seen.summary.stage, seen.summary.decision) == (Stage.COMPLETE, Decision.APPROVED)


async def test_the_same_final_five_times_is_one_revision_and_four_duplicates(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        for _ in range(5):
            await world.hear(final("OK"), number=7)
        await world.result()
        record = await _quiet(world)

    assert (record.callbacks.received, record.callbacks.duplicates, record.verdict.revision) == (5, 4, 1)


async def test_a_callback_before_the_registration_is_attached_to_it(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.hear(final("OK"))
        unregistered = await world.result()
        await world.register()
        record = await world.result()

    assert not unregistered.is_registered
    assert record.is_registered
    assert decided(record) == (Outcome.DECIDED, Decision.APPROVED)
    assert record.verdict.revision == 1


async def test_a_registration_that_is_repeated_while_it_is_open_sends_it_nothing(world: World) -> None:
    registration = await world.registration()
    for _ in range(5):
        await world.tracker.register(registration)

    history = await world.history()

    assert "WORKFLOW_EXECUTION_SIGNALED" not in history


async def test_callbacks_are_accepted_while_no_worker_is_alive(world: World) -> None:
    await world.register()
    await world.hear(step(1, "id_document"))
    world.reader.say(APPROVED)
    await world.hear(final("OK"))
    async with world.workers():
        record = await world.result()

    assert (record.callbacks.received, record.verdict.decision) == (2, Decision.APPROVED)


async def test_storage_that_fails_for_a_while_delays_completion_and_loses_nothing(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.until(lambda record: record.is_registered)
        world.storage.fail_next("/records/", times=5)
        await world.hear(final("OK"))
        record = await world.result()

    assert world.storage.failed == 5
    assert record.verdict.decision is Decision.APPROVED


async def _quiet(world: World) -> Record:
    """Wait until no run is open, and return the newest result."""
    async with asyncio.timeout(60):
        while (seen := await world.tracker.describe(world.key)) is not None and seen.is_open:
            await asyncio.sleep(0.05)
    return await world.result()


async def test_a_registration_after_an_operator_terminated_the_run_starts_it_anew(world: World) -> None:
    await world.register()
    await world.tracker.handle(world.key).terminate("by an operator")
    await world.register()
    world.reader.say(APPROVED)
    async with world.workers():
        await world.hear(final("OK"))
        record = await world.result()

    assert record.is_registered
    assert record.verdict.decision is Decision.APPROVED


async def test_a_registration_leaves_an_end_that_the_provider_reported_as_it_is(world: World) -> None:
    world.reader.say(CANCELED)
    async with world.workers():
        await world.hear(final("CANCELED", ended=Outcome.CANCELED))
        await world.result()
        reads = world.reader.reads
        await world.register()
        record = await world.result()

    assert record.is_registered
    assert (record.verdict.outcome, record.verdict.revision) == (Outcome.CANCELED, 1)
    assert world.reader.reads == reads
