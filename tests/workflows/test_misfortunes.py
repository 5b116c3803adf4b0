"""Misfortunes that come singly in other tests and together at night: each leaves a next event behind."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.short_timeouts import with_short_timeouts
from tests.world import APPROVED, DECLINED, World, final, own_account, quick
from vigil.domain.callback_event import StepFinished
from vigil.domain.errors import ProviderRefusesUs, ReferenceUnknown
from vigil.domain.snapshot import Answer
from vigil.domain.terms import Attention, CheckStatus, Decision, Outcome
from vigil.providers.contract import ProviderResponse


@pytest.fixture
def world(client: Client, tmp_path: Path) -> World:
    return World(client, tmp_path, account=own_account(), plan=quick(factor=60))


async def test_storage_that_hangs_longer_than_a_local_step_may_take_delays_and_loses_nothing(
    client: Client, tmp_path: Path
) -> None:
    world = World(with_short_timeouts(client), tmp_path, account=own_account(), plan=quick(factor=60))
    world.reader.say(APPROVED)
    world.storage.close("list verifications")
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.storage.reached["list verifications"].wait()
        async with asyncio.timeout(60):
            # The local attempts are over, and the step has become an activity.
            while "ACTIVITY_TASK_SCHEDULED" not in await world.history():
                await asyncio.sleep(0.1)
        world.storage.open_gate("list verifications")
        record = await world.result()

    assert (record.callbacks.received, record.verdict.decision) == (1, Decision.APPROVED)


async def test_a_numbered_step_of_the_longest_name_is_received(world: World) -> None:
    async with world.workers():
        await world.register()
        await world.hear(StepFinished(done=1, total=2, name="a" * 64, ordinal=1, status=CheckStatus.PASSED))
        record = await world.until(lambda record: record.callbacks.received == 1)

    assert (record.steps, [check.name for check in record.checks]) == ((1, 2), ["a" * 64])


async def test_what_a_late_callback_was_about_is_read_once_the_provider_accepts_us_again(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        world.reader.says = ProviderRefusesUs("http_401")
        await world.hear(final("KO"))
        refused = await world.until(
            lambda record: record.reads.last is not None and record.reads.last.answer is Answer.REFUSED
        )
        world.reader.say(DECLINED)
        record = await world.result()

    assert [note.reason for note in refused.attention] == [Attention.PROVIDER_REFUSES_US]
    assert (record.verdict.decision, record.verdict.revision) == (Decision.DECLINED, 2)


async def test_a_verdict_announced_after_our_deadline_is_read_although_the_report_lags_behind(world: World) -> None:
    async with world.workers():
        await world.register(deadline_at=await world.now() - world.plan.deadline_lag)
        timed_out = await world.result()
        world.reader.says = ProviderResponse(snapshot=None, word="http_202")
        await world.hear(final("OK"))
        await world.until(lambda record: record.reads.last is not None and record.reads.last.answer is Answer.NOT_READY)
        world.reader.say(APPROVED)
        record = await world.result()

    assert timed_out.verdict.outcome is Outcome.TIMED_OUT
    assert (record.verdict.outcome, record.verdict.decision, record.verdict.revision) == (
        Outcome.DECIDED,
        Decision.APPROVED,
        2,
    )


async def test_a_backend_that_registers_late_keeps_its_own_deadline(client: Client, tmp_path: Path) -> None:
    second = timedelta(seconds=1)
    impatient = {
        "registration_grace": second,
        "confirmation_window": second,
        "callback_expected_within": timedelta(0),
    }
    plan = quick(factor=60).model_copy(update=impatient)
    world = World(client, tmp_path, account=own_account(), plan=plan)
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.hear(final("OK"))
        given_up = await world.result()
        deadline_at = await world.now() + timedelta(hours=1)
        await world.register(deadline_at=deadline_at)
        record = await world.until(lambda record: record.is_registered)

    assert given_up.verdict.outcome is Outcome.UNKNOWN_TO_PROVIDER
    assert (record.verdict.outcome, record.verdict.deadline_at) == (None, deadline_at + world.plan.deadline_lag)


async def test_a_notice_that_a_newer_version_has_written_still_leads_to_a_read(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.until(lambda record: record.is_registered)
        callback_event = (await world.callback_event(final("OK"))).model_dump(mode="json") | {"added_later": 1}
        await world.tracker.handle(world.key).signal("callback_received", callback_event)
        record = await world.until(lambda record: record.is_concluded, within=5)

    assert record.verdict.decision is Decision.APPROVED
