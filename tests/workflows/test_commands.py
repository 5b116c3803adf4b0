"""What backends and operators may command, on open, loading and finished verifications."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.workflows.conftest import SkippedTime
from tests.world import APPROVED, DECLINED, World, final, own_account, quick
from vigil.domain.record import Record
from vigil.domain.terms import Attention, Basis, Decision, Outcome, ReasonCode, Stage
from vigil.errors import CommandRefused, NoWorkerInTime
from vigil.temporal import messages


@pytest.fixture
def world(client: Client, tmp_path: Path) -> World:
    return World(client, tmp_path, account=own_account(), plan=quick(factor=60))


async def command(
    world: World, name: str, argument: messages.AnyCommand, *, number: str = "1", within: float = 60
) -> messages.CommandAccepted:
    return await world.tracker.command(world.key, name, argument, command_id=number, within=timedelta(seconds=within))


RESOLVE = messages.Resolve(author="ann", decision=Decision.DECLINED, reason=ReasonCode.SPOOF)


async def test_withdrawing_ends_it_and_says_so(world: World) -> None:
    async with world.workers():
        await world.register()
        accepted = await command(world, "withdraw", messages.Withdraw(author="ann"))
        record = await world.result()

    assert (accepted.outcome, accepted.stage) == (Outcome.WITHDRAWN, Stage.CONCLUDED)
    assert (record.verdict.outcome, record.verdict.basis, record.verdict.revisions[-1].author) == (
        Outcome.WITHDRAWN,
        Basis.PERSON,
        "ann",
    )


async def test_a_repeated_command_is_carried_out_once(world: World) -> None:
    async with world.workers():
        await world.register()
        first = await command(world, "resolve", RESOLVE, number="same")
        await world.result()
        second = await command(world, "resolve", RESOLVE, number="same")
        record = await world.result()

    assert first == second
    assert record.verdict.revision == 1


async def test_withdrawing_a_finished_one_is_refused_and_says_why(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        with pytest.raises(CommandRefused, match="concluded already: decided"):
            await command(world, "withdraw", messages.Withdraw(author="ann"))


async def test_a_person_overrules_a_finished_one_by_a_follow_up_run(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        accepted = await command(world, "resolve", RESOLVE)
        record = await world.result()

    assert (accepted.revision, accepted.decision) == (2, Decision.DECLINED)
    assert (record.verdict.decision, record.verdict.basis, record.verdict.revision) == (
        Decision.DECLINED,
        Basis.PERSON,
        2,
    )


async def test_a_provider_that_differs_from_the_person_is_an_attention_and_no_new_verdict(world: World) -> None:
    async with world.workers():
        await world.register()
        await command(world, "resolve", RESOLVE)
        await world.result()
        world.reader.say(APPROVED)
        await world.hear(final("OK"))
        record = await world.result()

    assert (record.verdict.decision, record.verdict.basis) == (Decision.DECLINED, Basis.PERSON)
    assert [note.reason for note in record.attention] == [Attention.DISAGREES_WITH_PERSON]


async def test_polling_now_asks_at_once(world: World) -> None:
    world.reader.say(DECLINED)
    async with world.workers():
        await world.register()
        await command(world, "poll_now", messages.PollNow(author="ann"))
        record = await world.result()

    assert (record.verdict.decision, world.reader.reads) == (Decision.DECLINED, 1)
    assert (record.verdict.revisions[-1].cause, record.callbacks.missed) == ("command", 0)


async def test_polling_a_finished_one_now_reads_it_once_and_completes_again(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        first = await world.result()
        reads = world.reader.reads
        await command(world, "poll_now", messages.PollNow(author="ann"))
        second = await world.result()

    assert world.reader.reads == reads + 1
    assert second.judgement() == first.judgement()


async def test_an_extended_deadline_is_the_one_that_counts(skipped: SkippedTime) -> None:
    world = skipped.world
    async with world.workers():
        soon = await world.now() + timedelta(hours=1)
        await world.register(deadline_at=soon)
        later = soon + timedelta(days=1)
        await command(world, "extend_deadline", messages.ExtendDeadline(author="ann", deadline_at=later))
        await skipped.passes(timedelta(hours=2) + world.plan.deadline_lag)
        record = await world.record()

    assert (record.verdict.outcome, record.verdict.deadline_at) == (None, later)


async def test_a_deadline_in_the_past_is_refused(world: World) -> None:
    async with world.workers():
        await world.register()
        past = await world.now() - timedelta(hours=1)
        with pytest.raises(CommandRefused, match="has passed"):
            await command(world, "extend_deadline", messages.ExtendDeadline(author="ann", deadline_at=past))


async def test_a_command_to_a_run_that_is_loading_waits_and_is_carried_out(world: World) -> None:
    world.storage.close("list verifications")
    async with world.workers():
        await world.register()
        commanded = asyncio.create_task(command(world, "withdraw", messages.Withdraw(author="ann"), within=20))
        await world.storage.reached["list verifications"].wait()
        await asyncio.sleep(0.5)
        waited = not commanded.done()
        world.storage.open_gate("list verifications")
        accepted = await commanded
        record = await world.result()

    assert waited
    assert accepted.outcome is Outcome.WITHDRAWN
    assert record.verdict.outcome is Outcome.WITHDRAWN


async def test_a_command_to_a_loading_follow_up_run_of_a_finished_one_is_refused(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        world.storage.close("list verifications")
        commanded = asyncio.create_task(command(world, "withdraw", messages.Withdraw(author="ann"), within=20))
        await world.storage.reached["list verifications"].wait()
        world.storage.open_gate("list verifications")
        with pytest.raises(CommandRefused):
            await commanded


async def test_without_a_worker_a_command_says_that_it_may_be_repeated_and_then_is_carried_out_once(
    world: World,
) -> None:
    await world.register()
    with pytest.raises(NoWorkerInTime):
        await command(world, "resolve", RESOLVE, number="again", within=1)
    async with world.workers():
        accepted = await command(world, "resolve", RESOLVE, number="again")
        record = await world.result()

    assert (accepted.revision, record.verdict.revision) == (1, 1)


async def test_a_command_that_comes_while_the_record_is_written_is_in_the_record(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        world.storage.close("/records/")
        await world.hear(final("OK"))
        await world.storage.reached["/records/"].wait()
        await asyncio.gather(
            command(world, "resolve", RESOLVE, within=20), _after(1.0, lambda: world.storage.open_gate("/records/"))
        )
        record = await world.result()
        stored = await world.records.latest(world.tracker.path(world.key))

    assert record.verdict.decision is Decision.DECLINED
    assert stored is not None
    assert Record.model_validate_json(stored[1]).verdict.decision is Decision.DECLINED


async def _after(delay: float, act: object) -> None:
    await asyncio.sleep(delay)
    assert callable(act)
    act()
