"""Thousands of signals may wait for one workflow task, as after an outage of the workers. It must not take too long."""

import asyncio
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType

from tests.sealed import connect
from tests.world import APPROVED, World, own_account, step
from vigil.domain.errors import ProviderUnavailable
from vigil.domain.terms import Decision
from vigil.temporal import messages


async def test_signals_that_come_at_once_are_read_in_parts_and_none_is_lost(
    temporal_address: str, tmp_path: Path
) -> None:
    # Without a cache each task replays all before it, so another order of commands would fail.
    world = World(await connect(temporal_address, None), tmp_path, account=own_account(), max_cached_workflows=0)
    world.reader.says = ProviderUnavailable("http_503")
    await world.hear(step(1, "step-1", total=180))
    run = world.tracker.handle(world.key)
    for first in range(2, 181, 20):
        numbers = range(first, min(first + 20, 181))
        events = [await world.callback_event(step(number, f"step-{number}", total=180)) for number in numbers]
        await asyncio.gather(*(run.signal("callback_received", event) for event in events))
    await run.signal("register", await world.registration(applicant="customer-1"))
    async with world.workers():
        flooded = await world.until(lambda record: record.is_registered)
        history = [event async for event in run.fetch_history_events()]
        world.reader.say(APPROVED)
        poll = messages.PollNow(author="ann")
        await world.tracker.command(world.key, "poll_now", poll, command_id="poll", within=timedelta(seconds=20))
        record = await world.result()

    pauses = [
        event.timer_started_event_attributes.start_to_fire_timeout.ToMilliseconds()
        for event in history
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
    ]
    assert [pause for pause in pauses if pause == 1] == [1, 1]
    assert flooded.callbacks.received == 180
    assert (flooded.callbacks.progress.done, flooded.callbacks.duplicates) == (180, 0)
    assert (record.verdict.decision, record.is_registered) == (Decision.APPROVED, True)
