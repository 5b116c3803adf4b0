"""What a backend does with any Temporal client and plain JSON, on a real server."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.sealed import SEAL_AND_PLAIN, connect
from tests.workflows.verifying import registrar_of, verifying
from tests.world import APPROVED, APPROVED_WITH_FILE, World, final, own_account
from vigil.registration import RegistrationRequest
from vigil.temporal.client import RegistrationResult


@pytest.fixture
def world(client: Client, tmp_path: Path) -> World:
    return verifying(World(client, tmp_path, account=own_account()))


def asked(world: World, **changes: Any) -> dict[str, Any]:
    return {"account": world.account, "reference": world.key.reference, "applicant": "customer-7"} | changes


async def verify(plain: Client, request: object) -> WorkflowHandle[Any, Any]:
    return await plain.start_workflow("Verify", request, id=f"order-{uuid4().hex[:8]}", task_queue="verifications")


async def sentence_of(handle: WorkflowHandle[Any, Any]) -> str:
    with pytest.raises(WorkflowFailureError) as failed:
        async with asyncio.timeout(20):
            await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause.message


async def test_a_backend_gets_the_outcome_as_plain_json(world: World, plain: Client) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        handle = await verify(plain, asked(world))
        await world.hear(final())
        async with asyncio.timeout(20):
            state = await handle.result()
        record = await world.result()

    assert {name: state[name] for name in ("account", "reference", "applicant", "decision", "outcome", "basis")} == {
        "account": world.account,
        "reference": world.key.reference,
        "applicant": "customer-7",
        "decision": "approved",
        "outcome": "decided",
        "basis": "read",
    }
    assert (record.subject.registration is not None, state["revision"]) == (True, 1)


async def test_a_backend_that_asks_for_completion_gets_the_files_as_stored(world: World, plain: Client) -> None:
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers():
        handle = await verify(plain, asked(world, until="complete"))
        await world.hear(final())
        async with asyncio.timeout(20):
            state = await handle.result()

    assert (state["stage"], state["evidence"]) == ("complete", {"stored": 1})


@workflow.defn(name="Order", sandboxed=False)
class OrderWorkflow:
    """A workflow of a backend, which has a verification as its child."""

    @workflow.run
    async def run(self, request: dict[str, Any]) -> str:
        state: dict[str, Any] = await workflow.execute_child_workflow("Verify", request, task_queue="verifications")
        return str(state["decision"])


async def test_a_workflow_of_a_backend_has_a_verification_as_its_child(world: World, plain: Client) -> None:
    world.reader.say(APPROVED)
    queue = f"orders-{uuid4().hex[:8]}"
    own = Worker(plain, task_queue=queue, workflows=[OrderWorkflow], workflow_runner=UnsandboxedWorkflowRunner())
    async with world.workers(), own:
        order = await plain.start_workflow("Order", asked(world), id=f"order-{uuid4().hex[:8]}", task_queue=queue)
        await world.hear(final())
        async with asyncio.timeout(20):
            decision = await order.result()

    assert decision == "approved"


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"account": "nobody", "reference": "v-1"}, "There is no account of that name; the settings have"),
        ({"reference": "v-1"}, "account: is required"),
        ({"account": "acme", "reference": "v-1", "until": "soon"}, "until: must be 'outcome' or 'complete'"),
        ({"account": "acme", "Jane Doe": 1}, "*: does not exist here: look for a misspelt name"),
        ({"account": "acme", "reference": "v-1", "applicant": "Jane Doe"}, "applicant: must be your opaque id"),
        ("4711", "It must be one JSON object, as POST /verifications takes it."),
        (None, "It must be one JSON object, as POST /verifications takes it."),
    ],
)
async def test_a_wrong_input_fails_the_run_with_a_sentence(
    world: World, plain: Client, request_: object, sentence: str
) -> None:
    async with world.workers():
        said = await sentence_of(await verify(plain, request_))

    assert said.startswith("The input does not fit. ")
    assert sentence in said
    assert "Jane" not in said


async def test_a_reference_that_the_provider_cannot_have_fails_the_run(world: World, plain: Client) -> None:
    async with world.workers():
        said = await sentence_of(await verify(plain, asked(world, reference="hello")))

    assert "reference: no verification of this provider has it: it begins with v-" in said


async def test_a_reference_that_opens_a_session_is_refused_in_clear_and_taken_as_its_digest(
    world: World, plain: Client
) -> None:
    world.accounts[world.account] = replace(world.accounts[world.account], reference_is_capability=True)
    world.reader.say(APPROVED)
    async with world.workers():
        said = await sentence_of(await verify(plain, asked(world)))
        await world.register()
        digest = world.tracker.path(world.key).removeprefix(f"{world.account}/")
        handle = await verify(plain, asked(world, reference=digest))
        await world.hear(final())
        async with asyncio.timeout(20):
            state = await handle.result()

    assert "register it over HTTP, and give the digest in the Location of the answer as the reference" in said
    assert (state["reference"], state["decision"]) == (digest, "approved")
    assert digest.startswith("~")


# ---------------------------------------------------------------- VerificationWorkflow itself


async def start_plainly(world: World, plain: Client, request: object, **changes: Any) -> WorkflowHandle[Any, Any]:
    given = {"id": f"verification/{world.account}/{world.key.reference}", "task_queue": "verifications"} | changes
    return await plain.start_workflow("VerificationWorkflow", request, **given)


async def test_a_plain_start_is_completed_by_the_worker_and_is_no_conflict_over_http(
    world: World, plain: Client
) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await start_plainly(world, plain, asked(world))
        await world.hear(final())
        record = await world.result()
        request = RegistrationRequest.model_validate(asked(world))
        _, again = await registrar_of(world).register(request, by="checkout")

    assert (record.verdict.decision, record.callbacks.received) == ("approved", 1)
    assert record.subject.registration is not None
    assert (record.subject.registration.applicant, again) == ("customer-7", RegistrationResult.KNOWN)
    assert "conflicting_registration" not in [note.reason for note in record.attention]


async def test_a_signalled_registration_without_a_fingerprint_is_no_conflict_over_http(
    temporal_address: str, tmp_path: Path, plain: Client
) -> None:
    client = await connect(temporal_address, "default", seal=SEAL_AND_PLAIN)
    world = verifying(World(client, tmp_path, account=own_account()))
    async with world.workers():
        await world.hear(final())
        at = "2031-03-04T09:00:00Z"
        key = {"account": world.account, "reference": world.key.reference}
        await plain.get_workflow_handle(world.tracker.handle(world.key).id).signal(
            "register", {"key": key, "applicant": "customer-7", "registered_at": at, "registered_by": "shop"}
        )
        await world.until(lambda record: record.is_registered)
        request = RegistrationRequest.model_validate(asked(world))
        _, again = await registrar_of(world).register(request, by="checkout")

    assert again is RegistrationResult.KNOWN


@pytest.mark.parametrize("request_", [{"account": "acme", "reference": 7}, {"key": {"account": "a"}}, "v-1", None])
async def test_a_plain_start_with_a_wrong_input_fails_instead_of_its_task(
    world: World, plain: Client, request_: object
) -> None:
    async with world.workers():
        said = await sentence_of(await start_plainly(world, plain, request_))

    assert said.startswith("The input does not fit. ")


async def test_a_plain_start_under_another_id_is_refused_naming_the_id(world: World, plain: Client) -> None:
    async with world.workers():
        said = await sentence_of(await start_plainly(world, plain, asked(world), id=f"mine-{uuid4().hex[:8]}"))

    assert f"The workflow id must be verification/{world.account}/{world.key.reference}" in said


async def test_a_plain_start_that_an_operator_terminates_keeps_its_registration(world: World, plain: Client) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        await start_plainly(world, plain, asked(world))
        async with asyncio.timeout(20):
            while not (seen := await world.tracker.describe(world.key)) or not seen.summary:
                await asyncio.sleep(0.05)
        await world.until(lambda record: record.is_registered)
        await world.tracker.handle(world.key).terminate()
        await world.hear(final())
        record = await world.result()

    assert record.subject.registration is not None
    assert (record.subject.registration.applicant, record.verdict.decision) == ("customer-7", "approved")


async def test_a_plain_start_that_an_operator_terminates_before_a_worker_saw_it_blocks_nobody(
    world: World, plain: Client
) -> None:
    world.reader.say(APPROVED)
    await start_plainly(world, plain, asked(world))
    await world.tracker.handle(world.key).terminate()
    async with world.workers():
        await world.register(applicant="customer-8")
        await world.hear(final())
        record = await world.result(within=30)

    assert record.subject.registration is not None
    assert record.subject.registration.applicant == "customer-8"
