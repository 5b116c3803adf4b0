"""Polls leave no trace in history, and say in the pending activity what they were told."""

import asyncio
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client

from tests.workflows.conftest import SkippedTime
from tests.world import APPROVED, World, final, own_account, quick
from vigil.domain.errors import ProviderUnavailable
from vigil.domain.explanation import explain
from vigil.domain.log import EntryKind
from vigil.domain.terms import Attention, Decision, Stage
from vigil.domain.tracking_plan import HOUR, MINUTE, PollPlan, PollStep
from vigil.temporal import messages

OFTEN = PollPlan(steps=(PollStep(until=None, every=timedelta(milliseconds=2)),))
EAGER = quick(factor=60).model_copy(
    update={
        "callback_expected_within": timedelta(0),
        "polls": {Stage.AWAITING_APPLICANT: OFTEN, Stage.PROCESSING: OFTEN},
        "min_read_interval": timedelta(milliseconds=1),
    }
)


async def polled(skipped: SkippedTime, times: int) -> tuple[int, list[str]]:
    world = skipped.world.another()
    async with world.workers():
        await world.register(deadline_at=await world.now() + timedelta(days=60))
        async with asyncio.timeout(60):
            while world.reader.reads < times:
                await skipped.passes(timedelta(minutes=5))
        world.reader.say(APPROVED)
        while (seen := await world.tracker.describe(world.key)) is None or seen.is_open:
            await skipped.passes(timedelta(minutes=10))
    return world.reader.reads, await world.history()


async def test_a_verification_polled_500_times_has_as_many_events_as_one_polled_once(skipped: SkippedTime) -> None:
    asked_once, once = await polled(skipped, 1)
    asked_often, often = await polled(skipped, 500)

    # Time is skipped in steps, so one more poll may fit in.
    assert asked_once <= 3
    assert asked_often > 500
    assert often == once


async def test_a_read_that_a_callback_asks_for_has_a_higher_priority_than_a_poll(world: World) -> None:
    world = world.with_plan(quick(factor=60).model_copy(update={"callback_expected_within": timedelta(0)}))
    async with world.workers():
        await world.register()
        await world.until(lambda record: record.reads.snapshot is not None)
        world.reader.say(APPROVED)
        await world.hear(final("OK"))
        await world.result()
    asked = [
        event.activity_task_scheduled_event_attributes
        async for event in world.tracker.handle(world.key).fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]

    assert {(each.activity_type.name, each.priority.priority_key) for each in asked} == {
        (messages.POLL, 3),
        (messages.READ, 1),
    }


async def test_a_sleeping_poll_shows_its_last_answer_and_when_it_asks_next(world: World) -> None:
    world = world.with_plan(quick(factor=60).model_copy(update={"callback_expected_within": timedelta(0)}))
    async with world.workers():
        await world.register()
        await world.until(lambda record: record.reads.snapshot is not None)
        situation = await world.tracker.describe_with_queues(world.key)
        async with asyncio.timeout(60):
            while situation is None or not situation.steps or situation.steps[0].last_answer is None:
                await asyncio.sleep(0.05)
                situation = await world.tracker.describe_with_queues(world.key)
        explanation = explain(situation, plan=world.plan, now=await world.now())

    step = situation.steps[0]
    assert (step.step, step.last_answer, step.queue) == ("poll", "answered:STARTED", f"provider/{world.account}")
    assert step.next_at is not None
    assert explanation.next_event == "we ask the provider"
    assert explanation.next_at == step.next_at


async def test_a_provider_that_is_down_for_long_is_an_attention_that_goes_by_itself(
    client: Client, tmp_path: Path
) -> None:
    world = World(
        client,
        tmp_path,
        account=own_account(),
        plan=EAGER.model_copy(update={"unreachable_after": timedelta(seconds=1)}),
    )
    world.reader.says = ProviderUnavailable("http_503", retry_after=timedelta(milliseconds=1))
    async with world.workers():
        await world.register()
        down = await world.until(lambda record: bool(record.attention))
        world.reader.say(APPROVED)
        record = await world.result()

    assert [note.reason for note in down.attention] == [Attention.PROVIDER_UNREACHABLE]
    assert record.attention == ()
    assert record.verdict.decision is Decision.APPROVED


async def test_two_short_troubles_are_not_one_long_trouble(skipped: SkippedTime) -> None:
    world = skipped.world
    answer = world.reader.says
    async with world.workers():
        await world.register()
        await skipped.passes(world.plan.callback_expected_within + MINUTE)
        for _ in range(2):
            world.reader.says = ProviderUnavailable("http_503")
            await skipped.passes(10 * MINUTE)
            world.reader.says = answer
            await skipped.passes(HOUR)
        world.reader.says = ProviderUnavailable("http_503")
        await skipped.passes(30 * MINUTE)
        long_trouble = await world.record()
        world.reader.say(APPROVED)
        record = await skipped.result()

    assert [note.reason for note in long_trouble.attention] == [Attention.PROVIDER_UNREACHABLE]
    raised = [entry for entry in record.log.entries if entry.kind is EntryKind.ATTENTION]
    assert [entry.words for entry in raised] == [(Attention.PROVIDER_UNREACHABLE,)]


async def test_a_retry_after_of_a_day_is_not_waited_for(client: Client, tmp_path: Path) -> None:
    world = World(
        client,
        tmp_path,
        account=own_account(),
        plan=EAGER.model_copy(update={"longest_retry_after": timedelta(milliseconds=50)}),
    )
    world.reader.says = ProviderUnavailable("http_429", retry_after=timedelta(days=1))
    async with world.workers():
        await world.register()
        async with asyncio.timeout(60):
            while world.reader.reads < 3:
                await asyncio.sleep(0.01)
        world.reader.say(APPROVED)
        record = await world.result()

    assert record.verdict.decision is Decision.APPROVED
