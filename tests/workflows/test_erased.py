"""A verification whose data are erased: what still comes for it is counted, and nobody asks the provider again."""

from datetime import UTC, datetime

import pytest

from tests.world import APPROVED, World, final
from vigil.domain.record import Record
from vigil.temporal import messages


async def erased(world: World) -> Record:
    """Return the record of one that was decided before its data were erased."""
    world.reader.say(APPROVED)
    await world.register()
    await world.hear(final("OK"))
    record = await world.result()
    tombstone = record.model_copy(update={"run": None, "erased_at": datetime.now(UTC), "snapshot": None})
    await world.records.write(world.tracker.path(world.key), 2, tombstone.model_dump_json().encode())
    return record


@pytest.mark.parametrize("by", ["its age", "a callback", "a callback that cannot be read"])
async def test_what_is_erased_is_not_read_again_by(world: World, by: str) -> None:
    async with world.workers():
        record = await erased(world)
        reads = world.reader.reads
        match by:
            case "its age":
                assert await world.tracker.start_recheck(world.key, record.revision)
            case "a callback":
                await world.hear(final("KO"))
            case _:
                order = messages.TrackVerification(
                    key=world.key,
                    path=world.tracker.path(world.key),
                    provider="acme",
                    environment="sandbox",
                    opened_at=datetime.now(UTC),
                )
                await world.client.start_workflow(
                    messages.VERIFICATION_WORKFLOW,
                    order,
                    id=world.tracker.handle(world.key).id,
                    task_queue=messages.VERIFICATIONS_QUEUE,
                    start_signal="callback_received",
                    start_signal_args=[7],
                )
        after = await world.result()
        history = await world.history()

    assert after.erased_at is not None
    assert world.reader.reads == reads
    assert "ACTIVITY_TASK_SCHEDULED" not in history
    assert "START_CHILD_WORKFLOW_EXECUTION_INITIATED" not in history
