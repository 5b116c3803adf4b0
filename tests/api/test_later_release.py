"""What a later release stored and published: this release says that it cannot read it, and never answers 500."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.api.fakes import account_in
from tests.api.test_verifications import backend, body, code, path
from tests.sealed import connect
from tests.world import APPROVED, World, final
from vigil.domain.explanation import explain
from vigil.domain.verification_key import workflow_id
from vigil.errors import RecordUnreadable
from vigil.lookup import VerificationLookup
from vigil.storage.contract import names_under
from vigil.temporal import messages


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


async def store_later_record(world: World) -> None:
    content = b'{"schema_version": 2, "moon": "full"}'
    await world.records.write(world.tracker.path(world.key), 7, content)


async def publish(world: World, state: Any) -> None:
    """Start the workflow of the verification with a memo as a later release may write it."""
    await world.client.start_workflow(
        messages.VERIFICATION_WORKFLOW,
        messages.TrackVerification(
            key=world.key,
            path=world.tracker.path(world.key),
            provider="acme",
            environment="sandbox",
            opened_at=datetime.now(UTC),
        ),
        id=workflow_id(world.tracker.path(world.key)),
        task_queue=messages.VERIFICATIONS_QUEUE,
        memo={messages.MEMO: state},
    )


async def end(world: World) -> None:
    await world.tracker.handle(world.key).terminate()


async def test_a_record_of_a_later_schema_is_answered_503_with_its_own_word(world: World) -> None:
    await store_later_record(world)

    async with backend(world) as client:
        answers = [await client.get(path(world, tail)) for tail in ("", "/explanation", "/evidence", "/timeline")]

    assert [(answer.status_code, code(answer)) for answer in answers] == [(503, "record_not_readable")] * 4


async def test_a_published_state_is_shown_although_the_record_is_of_a_later_schema(world: World) -> None:
    async with backend(world) as client:
        await client.post("/verifications", json=body(world))
        await store_later_record(world)
        shown = await client.get(path(world))
        registered = await client.post("/verifications", json=body(world))
        await end(world)

    assert (shown.status_code, shown.json()["state"]["stage"]) == (200, "awaiting_applicant")
    assert shown.json()["record"] is None
    assert (registered.status_code, registered.json()["registered"]) == (200, "known")


async def test_a_run_that_cannot_read_its_record_waits_and_is_explained_by_that(world: World) -> None:
    await store_later_record(world)
    world.reader.say(APPROVED)
    lookup = VerificationLookup(world.tracker, world.storage, {world.account: account_in(world)})

    async with world.workers():
        await world.register()
        sentence = ""
        while "later release" not in sentence:
            known = await lookup.get(world.key)
            sentence = explain(known.situation, plan=world.plan, now=await world.now()).sentence
        # As if the release that can read it were rolled out.
        async for name in names_under(world.storage, f"verifications/{world.tracker.path(world.key)}/records"):
            await world.storage.erase(name)
        await world.hear(final("OK"))
        record = await world.result()

    assert sentence == "a later release wrote its record, and the workers cannot read it: roll the workers forward"
    assert record.verdict.decision == "approved"


async def test_one_unreadable_published_state_breaks_neither_the_list_nor_its_verification(world: World) -> None:
    await publish(world, {"moon": "full"})
    listed: list[dict[str, Any]] = []

    async with backend(world) as client:
        while not listed:  # the server lists a run a moment after its start
            page = (await client.get("/verifications", params={"limit": 200})).json()["verifications"]
            listed = [each for each in page if each["reference"] == world.key.reference]
        shown = await client.get(path(world))
        explained = await client.get(path(world, "/explanation"))
        registered = await client.post("/verifications", json=body(world))
    await end(world)

    assert [(each["is_open"], each["state"]) for each in listed] == [(True, None)]
    assert (shown.status_code, shown.json()["is_open"], shown.json()["state"]) == (200, True, None)
    assert explained.json()["sentence"] == (
        "a later release published its state, and this one cannot read it: roll this process forward"
    )
    assert (registered.status_code, registered.json()["registered"]) == (200, "known")


async def test_a_key_is_found_in_a_run_whose_input_has_a_word_of_a_later_release(world: World) -> None:
    order = {
        "key": {"account": world.account, "reference": world.key.reference},
        "path": world.tracker.path(world.key),
        "started_by": "full_moon",
    }
    place = world.tracker.path(world.key)
    await world.client.start_workflow(
        messages.VERIFICATION_WORKFLOW, order, id=workflow_id(place), task_queue=messages.VERIFICATIONS_QUEUE
    )

    found = await world.tracker.key_at(place)
    await end(world)

    assert found == world.key


async def test_a_sealed_reference_in_a_later_record_is_not_readable_rather_than_unknown(world: World) -> None:
    lookup = VerificationLookup(world.tracker, world.storage, {world.account: account_in(world)})
    digest = "a" * 26
    await world.records.write(f"{world.account}/~{digest}", 1, b'{"schema_version": 2}')

    with pytest.raises(RecordUnreadable):
        await lookup.resolve_key(world.account, f"~{digest}")
