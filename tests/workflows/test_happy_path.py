"""A verification that goes well, on a real server without time-skipping."""

from pathlib import Path

import pytest
from temporalio.client import Client

from tests.sealed import connect
from tests.world import APPROVED_WITH_FILE, World, final, own_account, step
from vigil.domain.terms import ArtifactState, Basis, Decision, Outcome, Stage


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await connect(temporal_address, "default")


async def test_a_callback_leads_to_a_read_whose_decision_and_file_are_brought_home(
    client: Client, tmp_path: Path
) -> None:
    world = World(client, tmp_path, account=own_account())
    async with world.workers():
        await world.register()
        await world.hear(step(1, "id_document"))
        world.reader.say(APPROVED_WITH_FILE)
        await world.hear(final("OK"))
        record = await world.result()

    assert (record.verdict.stage, record.verdict.decision, record.verdict.outcome) == (
        Stage.COMPLETE,
        Decision.APPROVED,
        Outcome.DECIDED,
    )
    assert record.verdict.basis is Basis.READ
    assert [(row.name, row.state) for row in record.evidence] == [("portrait-1", ArtifactState.STORED)]
    assert await world.storage.read(record.evidence[0].stored_as or "") == b"a portrait"
    assert record.attention == ()


async def test_the_happy_path_costs_at_most_36_events(client: Client, tmp_path: Path) -> None:
    world = World(client, tmp_path, account=own_account())
    async with world.workers():
        await world.register()
        await world.until(lambda record: record.is_registered)
        world.reader.say(APPROVED_WITH_FILE)
        await world.hear(final("OK"))
        await world.result()

    assert len(await world.history()) <= 36
