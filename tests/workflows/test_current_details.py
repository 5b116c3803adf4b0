"""What Temporal's UI says of a verification, under User Metadata: the sentence of `vigil explain` and who acts."""

from datetime import UTC, datetime

from temporalio.api.sdk.v1 import WorkflowMetadata

from tests.world import APPROVED, STARTED, World, final
from vigil.domain.errors import ReferenceUnknown


async def read_details(world: World) -> str:
    """Return what the UI shows under Current Details."""
    metadata: WorkflowMetadata = await world.tracker.handle(world.key).query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return metadata.current_details


async def test_it_begins_with_the_sentence_of_explain_and_who_acts(world: World) -> None:
    world.reader.say(STARTED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.until(lambda record: record.reads.last is not None)
        details = await read_details(world)

    assert details.startswith("**An end was announced; the provider's answers do not show it yet; polls go every ")
    assert "**Who acts** the provider" in details
    assert f"**Last answer** answered at {datetime.now(UTC):%Y-%m-%d}" in details


async def test_it_names_a_reference_that_the_provider_denies_and_its_actor(world: World) -> None:
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.until(lambda record: record.reads.last is not None)
        details = await read_details(world)

    assert "**Who acts** the backend" in details
    assert "**Last answer** not_found:http_404 at" in details


async def test_it_says_so_when_all_is_done(world: World) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        details = await read_details(world)

    assert details.startswith("**It is complete: decided approved.**\n\n**Who acts** nobody\n")
