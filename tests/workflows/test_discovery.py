"""What the provider lists and nobody told us of is tracked, once, and a person is asked to look."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)

from tests.world import APPROVED, World, final
from vigil.domain.errors import ProviderUnavailable
from vigil.domain.terms import Attention, Decision, Outcome
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import FoundVerification
from vigil.temporal import messages


@dataclass
class Listing:
    """A provider that lists what a test tells it to, and remembers for which times it was asked."""

    found: list[FoundVerification] = field(default_factory=list)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)
    failures: int = 0
    by: tuple[str, ...] = ()

    def lists(self, reference: str, *, ago: timedelta = timedelta(hours=1)) -> None:
        self.found.append(FoundVerification(reference=reference, created_at=datetime.now(UTC) - ago))

    async def find(self, coordinates: Mapping[str, str]) -> Sequence[FoundVerification]:
        return self.found

    async def list_created(self, *, since: datetime, until: datetime) -> AsyncIterator[FoundVerification]:
        self.asked.append((since, until))
        if self.failures:
            self.failures -= 1
            raise ProviderUnavailable("http_503", retry_after=timedelta(milliseconds=1))
        for found in self.found:
            if since <= found.created_at < until:
                yield found


@pytest.fixture
def listing(world: World) -> Listing:
    world.finder = listing = Listing()
    return listing


def order(world: World) -> messages.DiscoveryInput:
    return messages.DiscoveryInput(
        account=world.account,
        grace=timedelta(minutes=15),
        looks_back=timedelta(days=1),
        overlap=timedelta(minutes=5),
        starts_every=timedelta(0),
    )


async def swept(client: Client, world: World) -> messages.DiscoveryResult:
    adopted: messages.DiscoveryResult = await client.execute_workflow(
        messages.DISCOVERY_WORKFLOW,
        order(world),
        id=f"discovery/{world.account}/{uuid4().hex[:8]}",
        task_queue=messages.VERIFICATIONS_QUEUE,
        result_type=messages.DiscoveryResult,
    )
    return adopted


def scheduled(world: World, name: str, what: messages.DiscoveryInput) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            messages.DISCOVERY_WORKFLOW, what, id=name, task_queue=messages.VERIFICATIONS_QUEUE
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=1))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )


async def until_asked(listing: Listing, times: int) -> None:
    async with asyncio.timeout(60):
        while len(listing.asked) < times:
            await asyncio.sleep(0.1)


async def test_what_nobody_registered_is_read_at_once_and_asks_its_backend_to_look(
    client: Client, world: World, listing: Listing
) -> None:
    world.reader.say(APPROVED)
    listing.lists(world.key.reference)
    async with world.workers():
        adopted = await swept(client, world)
        record = await world.result()

    assert (adopted.listed, adopted.started) == (1, 1)
    assert (record.verdict.outcome, record.verdict.decision, record.is_registered) == (
        Outcome.DECIDED,
        Decision.APPROVED,
        False,
    )
    assert [note.reason for note in record.attention] == [Attention.NEVER_REGISTERED]
    assert (record.verdict.revisions[-1].cause, record.callbacks.missed) == ("discovery", 1)


async def test_a_late_registration_attaches_to_what_was_discovered_and_calms_the_attention(
    client: Client, world: World, listing: Listing
) -> None:
    listing.lists(world.key.reference)
    async with world.workers():
        await swept(client, world)
        await world.until(lambda record: record.reads.snapshot is not None)
        await world.register()
        record = await world.until(lambda record: record.is_registered)

    assert record.attention == ()


async def test_what_is_tracked_or_finished_already_is_not_discovered(
    client: Client, world: World, listing: Listing
) -> None:
    listing.lists(world.key.reference)
    async with world.workers():
        await world.register()
        await world.until(lambda record: record.is_registered)
        while_open = await swept(client, world)
        world.reader.say(APPROVED)
        await world.tracker.command(
            world.key,
            "poll_now",
            messages.PollNow(author="anna"),
            command_id=uuid4().hex,
            within=timedelta(seconds=10),
        )
        finished = await world.result()
        when_finished = await swept(client, world)

    assert (while_open.listed, while_open.started) == (1, 0)
    assert (when_finished.listed, when_finished.started) == (1, 0)
    assert finished.attention == ()


async def test_one_that_its_backend_may_still_register_is_left_alone(
    client: Client, world: World, listing: Listing
) -> None:
    listing.lists(world.key.reference, ago=timedelta(minutes=5))
    async with world.workers():
        adopted = await swept(client, world)

    assert adopted.listed == 0
    assert await world.tracker.describe(world.key) is None


async def test_a_provider_that_is_down_is_asked_again_for_the_same_time(
    client: Client, world: World, listing: Listing
) -> None:
    listing.failures = 2
    listing.lists(world.key.reference)
    async with world.workers():
        adopted = await swept(client, world)

    assert adopted.started == 1
    assert len(listing.asked) == 3
    assert len(set(listing.asked)) == 1


@pytest.mark.parametrize("odd", ["x" * 201, "", "\ud800"])
async def test_one_that_can_have_no_key_stops_nobody_behind_it(
    client: Client, world: World, listing: Listing, odd: str
) -> None:
    listing.lists(odd)
    listing.lists(world.key.reference)
    async with world.workers():
        async with asyncio.timeout(60):
            adopted = await swept(client, world)

    assert (adopted.listed, adopted.started) == (2, 1)


async def test_one_that_temporal_forgot_stays_as_its_record_says(
    client: Client, world: World, listing: Listing
) -> None:
    world.reader.say(APPROVED)
    listing.lists(world.key.reference)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        known = await world.result()
        # As after Temporal's retention: its record rests in storage, and no history tells of it.
        forgotten = VerificationKey(account=world.account, reference=world.key.reference + "-forgotten")
        before = known.model_copy(update={"key": forgotten})
        await world.records.write(world.tracker.path(forgotten), 1, before.model_dump_json().encode())
        listing.found.clear()
        listing.lists(forgotten.reference)
        reads = world.reader.reads
        await swept(client, world)
        after = await world.tracker.handle(forgotten).result()
        seen = await world.tracker.describe(forgotten)

    assert after == before
    assert world.reader.reads == reads
    assert seen is not None
    assert seen.summary is not None
    assert (seen.summary.revision, seen.summary.attention, seen.summary.registered) == (1, (), True)


@pytest.mark.parametrize("first", ["discovery", "backend"])
async def test_a_registration_that_meets_a_discovery_is_attached_and_calms_it(
    client: Client, world: World, listing: Listing, first: str
) -> None:
    world.reader.say(APPROVED)
    listing.lists(world.key.reference)
    if first == "discovery":
        await world.tracker.start_discovered(world.key)
    await world.register()
    async with world.workers():
        await asyncio.gather(swept(client, world), world.register(), world.hear(final("OK")))
        async with asyncio.timeout(60):
            while not (record := await world.result()).is_registered:
                await asyncio.sleep(0.05)

    assert (record.verdict.revision, record.verdict.decision, record.attention) == (1, Decision.APPROVED, ())


async def test_a_registration_while_the_discovered_run_completes_is_not_lost(
    client: Client, world: World, listing: Listing
) -> None:
    world.reader.say(APPROVED)
    async with world.workers():
        world.reader.before_answer = lambda: world.storage.close("/records/")
        await world.tracker.start_discovered(world.key)
        async with asyncio.timeout(60):
            while not world.reader.reads:
                await asyncio.sleep(0.02)
        await world.storage.reached["/records/"].wait()
        await world.register()
        world.storage.open_gate("/records/")
        async with asyncio.timeout(60):
            while not (record := await world.result()).is_registered:
                await asyncio.sleep(0.05)

    assert (record.verdict.revision, record.attention) == (1, ())


async def test_a_grace_that_was_widened_sweeps_no_window_that_ends_before_it_begins(
    client: Client, world: World, listing: Listing
) -> None:
    name = f"discovery/{world.account}"
    async with world.workers():
        handle = await client.create_schedule(name, scheduled(world, name, order(world)))
        try:
            await until_asked(listing, 1)
            widened = order(world).model_copy(update={"grace": timedelta(hours=2)})
            await handle.update(lambda _: ScheduleUpdate(scheduled(world, name, widened)))
            await until_asked(listing, len(listing.asked) + 2)
        finally:
            await handle.delete()

    assert all(since <= until for since, until in listing.asked)
    assert listing.asked[-1][1] - listing.asked[0][1] < -timedelta(hours=1)


async def test_a_scheduled_discovery_goes_on_where_the_last_one_ended(
    client: Client, world: World, listing: Listing
) -> None:
    name = f"discovery/{world.account}"
    async with world.workers():
        handle = await client.create_schedule(name, scheduled(world, name, order(world)))
        try:
            await until_asked(listing, 3)
        finally:
            await handle.delete()

    (first_since, first_until), (second_since, second_until), (third_since, _) = listing.asked[:3]
    assert first_until - first_since == timedelta(days=1)
    assert first_until - second_since == timedelta(minutes=5)
    assert second_until - third_since == timedelta(minutes=5)
