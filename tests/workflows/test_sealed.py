"""What can be read of a verification in Temporal itself: names, ids, search attributes, and answers to commands."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from temporalio.api.common.v1 import Memo
from temporalio.api.failure.v1 import Failure
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.conformance.places import parts_of
from tests.sealed import SEAL_AND_PLAIN, codable_payloads, connect
from tests.workflows.verifying import verifying
from tests.world import APPROVED_WITH_FILE, World, final, own_account, quick
from vigil.domain.errors import ProviderUnavailable
from vigil.domain.registration import digest_applicant
from vigil.listing import Filters, ListedRun, iterate_verifications
from vigil.temporal import messages

APPLICANT = "customer-quorvathsson"
SOON = 20


async def raw(client: Client, workflow_id: str) -> list[Message]:
    """Everything that the server says of a workflow, as it keeps it."""
    handle = client.get_workflow_handle(workflow_id)
    description = await handle.describe()
    return [description.raw_description, *(await handle.fetch_history()).events]


def in_clear(told: list[Message]) -> set[bytes]:
    """The payloads that can be read."""
    found = [payload for message in told for payload in codable_payloads(message)]
    return {each.data for each in found if each.metadata["encoding"] != b"binary/encrypted"}


async def until_failed(world: World) -> list[Message]:
    async with asyncio.timeout(SOON):
        while True:
            told = await raw(world.client, world.tracker.handle(world.key).id)
            if [failure for message in told[:1] for failure in parts_of(message, Failure)]:
                return told
            await asyncio.sleep(0.05)


async def test_nothing_that_temporal_holds_of_a_verification_can_be_read(client: Client, tmp_path: Path) -> None:
    world = World(client, tmp_path, account=own_account(), plan=quick())
    world.reader.says = ProviderUnavailable("acme")
    async with world.workers():
        await world.register(applicant=APPLICANT)
        await world.hear(final())
        failing = await until_failed(world)
        world.reader.say(APPROVED_WITH_FILE)
        await world.result()
        told = await raw(client, world.tracker.handle(world.key).id)

    assert [memo for message in told for memo in parts_of(message, Memo)]
    assert in_clear(told) == in_clear(failing) == set()
    assert {failure.message for message in [*failing, *told] for failure in parts_of(message, Failure)} == {
        "Encoded failure"
    }
    assert APPLICANT.encode() not in b"".join(message.SerializeToString() for message in told)


async def test_an_applicant_is_found_by_the_digest_that_temporal_lists(world: World) -> None:
    async with world.workers():
        await world.register(applicant=APPLICANT)
        await world.until(lambda record: record.is_registered)
        listed: list[ListedRun] = []
        async with asyncio.timeout(SOON):
            while not listed:
                filters = Filters(account=world.account, applicant=APPLICANT)
                listed = [run async for run in iterate_verifications(world.client, filters, digester=world.digester)]
                await asyncio.sleep(0.05)
        description = await world.tracker.handle(world.key).describe()

    [run] = listed
    assert run.summary is not None
    assert run.summary.applicant == APPLICANT
    attributes = {pair.key.name: pair.value for pair in description.typed_search_attributes}
    assert attributes["VigilApplicant"] == digest_applicant(APPLICANT, world.digester)


async def test_a_command_in_clear_is_refused_and_one_with_keys_is_answered(world: World, plain: Client) -> None:
    async with world.workers():
        await world.register()
        handle = plain.get_workflow_handle(world.tracker.handle(world.key).id)
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("withdraw", {"author": "mallory"})
        record = await world.record()

    assert record.verdict.outcome is None


async def test_a_command_in_clear_is_answered_in_clear_while_the_settings_accept_it(
    temporal_address: str, plain: Client, tmp_path: Path
) -> None:
    world = World(
        await connect(temporal_address, "default", seal=SEAL_AND_PLAIN), tmp_path, account=own_account(), plan=quick()
    )
    async with world.workers():
        await world.register()
        handle = plain.get_workflow_handle(world.tracker.handle(world.key).id)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("extend_deadline", {"author": "shop", "deadline_at": "2001-01-01T00:00:00Z"})
        answer = await handle.execute_update("withdraw", {"author": "shop"})

    assert (answer["stage"], answer["outcome"]) == ("concluded", "withdrawn")
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.message == "the new deadline has passed"


async def test_a_verify_that_began_sealed_answers_sealed(world: World) -> None:
    verifying(world)
    world.reader.say(APPROVED_WITH_FILE)
    request = {"account": world.account, "reference": world.key.reference, "applicant": APPLICANT}
    async with world.workers():
        handle = await world.client.start_workflow(
            "Verify",
            request,
            id=f"order-{uuid4().hex[:8]}",
            task_queue="verifications",
            result_type=messages.VerifiedState,
        )
        await world.hear(final())
        async with asyncio.timeout(SOON):
            state = await handle.result()
        told = await raw(world.client, handle.id)

    assert (state.applicant, state.outcome) == (APPLICANT, "decided")
    assert in_clear(told) == set()


async def test_of_a_verify_in_clear_only_its_own_input_and_result_can_be_read(world: World, plain: Client) -> None:
    verifying(world)
    world.reader.say(APPROVED_WITH_FILE)
    request = {"account": world.account, "reference": world.key.reference, "applicant": APPLICANT}
    async with world.workers():
        handle = await plain.start_workflow(
            "Verify", request, id=f"order-{uuid4().hex[:8]}", task_queue="verifications"
        )
        await world.hear(final())
        async with asyncio.timeout(SOON):
            await handle.result()
        await world.result()
        own = await raw(plain, handle.id)
        told = await raw(plain, world.tracker.handle(world.key).id)

    assert len(in_clear(own)) == 2
    assert in_clear(told) == set()
