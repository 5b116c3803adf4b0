"""A backend cancels its `Verify`, at each point: it withdraws what it has registered only if its input says so."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from activities.verify import VerifyActivities
from tests.workflows.conftest import SkippedTime
from tests.workflows.test_verify import asked, verify
from tests.workflows.verifying import accounts_of, registrar_of, verifying
from tests.world import APPROVED, World, final, own_account
from vigil.domain.errors import ProviderRefusesUs
from vigil.domain.registration import Registration
from vigil.domain.terms import Name
from vigil.domain.verification_key import VerificationKey
from vigil.lookup import VerificationLookup
from vigil.registration import Registrar, RegistrationRequest
from vigil.storage.contract import StorageUnavailable
from vigil.temporal.client import RegistrationResult
from workflows.options import FIND_WITHIN

EITHER = pytest.mark.parametrize(
    ("withdraws", "outcome"), [(True, "withdrawn"), (False, None), ("yes", "withdrawn"), ("false", None)]
)
"""As the input may say it. A text is true for Python, whatever it says."""
CORRELATION = "a-correlation"
HOUR = timedelta(hours=1)


@pytest.fixture
def world(client: Client, tmp_path: Path) -> World:
    return verifying(World(client, tmp_path, account=own_account()))


class LosingRegistrar(Registrar):
    """Registers, and loses what it wanted to answer: the worker was killed just then."""

    async def register(self, request: RegistrationRequest, *, by: Name) -> tuple[VerificationKey, RegistrationResult]:
        await super().register(request, by=by)
        raise StorageUnavailable("", "as the test wants it")


class FailingRegistrar(Registrar):
    """Registers nothing, however often it tries."""

    async def register(self, request: RegistrationRequest, *, by: Name) -> tuple[VerificationKey, RegistrationResult]:
        raise StorageUnavailable("", "as the test wants it")


class RefusedRegistrar(Registrar):
    """Registers nothing, and finds nothing: the provider refuses our credentials, for ever."""

    async def build(self, request: RegistrationRequest, *, by: Name) -> Registration:
        raise ProviderRefusesUs("http_401")


def with_registrar(world: World, kind: type[Registrar]) -> World:
    lookup = VerificationLookup(world.tracker, world.storage, accounts_of(world))
    registrar = kind(**vars(registrar_of(world)))
    world.more_activities = VerifyActivities(registrar, lookup, world.tracker).all
    return world


async def events_of(handle: WorkflowHandle[Any, Any]) -> list[int]:
    """Return the types of the events of the run."""
    return [event.event_type async for event in handle.fetch_history_events()]


async def was(handle: WorkflowHandle[Any, Any], name: str, *, times: int = 1) -> None:
    """Wait for an event of the run."""
    wanted = EventType.Value(f"EVENT_TYPE_{name}")
    async with asyncio.timeout(20):
        while (await events_of(handle)).count(wanted) < times:
            await asyncio.sleep(0.05)


async def failed_once(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until the first attempt of a step has failed, so that the step waits for its second."""
    async with asyncio.timeout(20):
        while not any(each.attempt > 1 for each in (await handle.describe()).raw_description.pending_activities):
            await asyncio.sleep(0.05)


async def canceled(handle: WorkflowHandle[Any, Any]) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    assert isinstance(failed.value.cause, CancelledError)


@pytest.mark.parametrize("withdraws", [True, False])
async def test_one_that_no_worker_has_seen_registers_nothing(world: World, plain: Client, *, withdraws: bool) -> None:
    handle = await verify(plain, asked(world, withdraw_if_canceled=withdraws))
    await handle.cancel()
    async with world.workers():
        await canceled(handle)

    assert await world.tracker.describe(world.key) is None


@EITHER
async def test_one_that_is_registering_ends_the_registration_first(
    world: World, plain: Client, *, withdraws: bool | str, outcome: str | None
) -> None:
    world.storage.close("/correlations/")
    async with world.workers():
        handle = await verify(plain, asked(world, correlation=CORRELATION, withdraw_if_canceled=withdraws))
        async with asyncio.timeout(20):
            await world.storage.reached["/correlations/"].wait()
        await handle.cancel()
        await was(handle, "ACTIVITY_TASK_CANCEL_REQUESTED")
        world.storage.open_gate("/correlations/")
        await canceled(handle)
        async with asyncio.timeout(20):
            while await world.tracker.describe(world.key) is None:
                await asyncio.sleep(0.05)
        record = await world.until(lambda record: record.is_registered)

    assert record.verdict.outcome == outcome


@EITHER
async def test_what_a_lost_attempt_has_registered_is_found(
    world: World, plain: Client, *, withdraws: bool | str, outcome: str | None
) -> None:
    async with with_registrar(world, LosingRegistrar).workers():
        handle = await verify(plain, asked(world, withdraw_if_canceled=withdraws))
        await failed_once(handle)
        await handle.cancel()
        await canceled(handle)
        record = await world.until(lambda record: record.is_registered)

    assert record.verdict.outcome == outcome


async def test_one_that_could_not_register_withdraws_nothing(world: World, plain: Client) -> None:
    async with with_registrar(world, FailingRegistrar).workers():
        handle = await verify(plain, asked(world, withdraw_if_canceled=True))
        await failed_once(handle)
        await handle.cancel()
        await canceled(handle)

    assert await world.tracker.describe(world.key) is None


async def _registered_by_another(world: World) -> None:
    await world.register(applicant="customer-8")


async def _started_by_a_callback(world: World) -> None:
    await world.hear(final())


@pytest.mark.parametrize("begin", [_registered_by_another, _started_by_a_callback])
async def test_one_that_could_not_register_leaves_what_is_not_its_own(
    world: World, plain: Client, begin: Callable[[World], Any]
) -> None:
    async with with_registrar(world, FailingRegistrar).workers():
        await begin(world)
        handle = await verify(plain, asked(world, withdraw_if_canceled=True))
        await failed_once(handle)
        await handle.cancel()
        await canceled(handle)
        record = await world.record()

    assert record.verdict.outcome is None


@pytest.mark.parametrize("request_", [{"reference": "v-1"}, {"account": "nobody", "reference": "v-1"}])
async def test_one_with_a_wrong_input_is_canceled_too(world: World, plain: Client, request_: dict[str, Any]) -> None:
    handle = await verify(plain, {**request_, "withdraw_if_canceled": True})
    await handle.cancel()
    async with world.workers():
        await canceled(handle)


@EITHER
async def test_one_that_waits_stops_to_wait(
    world: World, plain: Client, *, withdraws: bool | str, outcome: str | None
) -> None:
    async with world.workers():
        handle = await verify(plain, asked(world, withdraw_if_canceled=withdraws))
        async with asyncio.timeout(20):
            while await world.tracker.describe(world.key) is None:
                await asyncio.sleep(0.05)
        await world.until(lambda record: record.is_registered)
        await handle.cancel()
        await canceled(handle)
        record = await world.record()

    assert record.verdict.outcome == outcome


async def test_one_whose_verification_has_its_outcome_leaves_it(world: World, plain: Client) -> None:
    world.reader.say(APPROVED)
    world.storage.close("/records/0")
    async with world.workers():
        handle = await verify(plain, asked(world, until="complete", withdraw_if_canceled=True))
        await world.hear(final())
        await world.until(lambda record: record.is_registered and record.is_concluded)
        await handle.cancel()
        await canceled(handle)
        world.storage.open_gate("/records/0")
        record = await world.result()

    assert (record.verdict.outcome, record.verdict.decision) == ("decided", "approved")


async def test_one_whose_provider_refuses_our_credentials_looks_for_a_day(
    skipped: SkippedTime, caplog: pytest.LogCaptureFixture
) -> None:
    world = with_registrar(skipped.world, RefusedRegistrar)
    async with world.workers():
        handle = await verify(world.client, asked(world, withdraw_if_canceled=True))
        await was(handle, "ACTIVITY_TASK_SCHEDULED")
        await handle.cancel()
        await was(handle, "ACTIVITY_TASK_SCHEDULED", times=2)
        for _ in range(FIND_WITHIN // HOUR - 1):
            await skipped.passes(HOUR)
        early = await events_of(handle)
        await skipped.passes(2 * HOUR)
        await was(handle, "WORKFLOW_EXECUTION_CANCELED")

    assert EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED not in early
    assert "may have registered was not found, and was not withdrawn" in caplog.text
