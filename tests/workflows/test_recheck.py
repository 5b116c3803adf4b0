"""Verdicts that are read again by their age: many at once, and in nobody's way."""

from temporalio.api.enums.v1 import EventType

from tests.world import APPROVED, World, final
from vigil.temporal import messages
from workflows import options


async def read_priorities(world: World) -> list[int]:
    """Return with which priority the newest run asked the provider, each time."""
    scheduled = [
        event.activity_task_scheduled_event_attributes
        async for event in world.tracker.handle(world.key).fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    return [each.priority.priority_key for each in scheduled if each.activity_type.name == messages.READ]


async def test_what_is_read_again_by_its_age_waits_behind_what_callbacks_ask_for(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        record = await world.result()
        heard = await read_priorities(world)
        await world.tracker.start_recheck(world.key, record.verdict.revision)
        await world.result()
        aged = await read_priorities(world)

    assert heard == [options.URGENT.priority_key]
    assert aged == [options.ROUTINE.priority_key]
