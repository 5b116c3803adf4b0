"""What the provider lists and nobody told us of is tracked, once, and a person is asked to look."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle

from tests.world import APPROVED, World, final
from vigil.domain.errors import ProviderUnavailable
from vigil.domain.terms import Attention, Decision, Outcome
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import FoundVerification
from vigil.temporal import messages

Handle = WorkflowHandle[Any, Any]


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


async def discover_once(world: World) -> tuple[Handle, messages.DiscoveryResult]:
    """Start the discovery of the account, and return what its first round found."""
    handle = await world.client.start_workflow(
        messages.CONTINUOUS_DISCOVERY_WORKFLOW,
        messages.ContinuousDiscoveryInput(account=world.account, since=datetime.now(UTC) - timedelta(days=1)),
        id=f"{messages.discovery_id(world.account)}/{uuid4().hex[:8]}",
        task_queue=messages.VERIFICATIONS_QUEUE,
    )
    async with asyncio.timeout(60):
        while (result := await last_round(world.client, handle)) is None:
            await asyncio.sleep(0.05)
    return handle, result


async def last_round(client: Client, handle: Handle) -> messages.DiscoveryResult | None:
    """Return what the last round found, as Temporal shows it under Pending Activities."""
    for pending in (await handle.describe()).raw_description.pending_activities:
        failure = pending.last_failure.application_failure_info
        if failure.type == messages.DISCOVERED:
            [result] = await client.data_converter.decode(failure.details.payloads, [messages.DiscoveryResult])
            assert isinstance(result, messages.DiscoveryResult)
            return result
    return None


async def swept(world: World) -> messages.DiscoveryResult:
    handle, result = await discover_once(world)
    await handle.terminate()
    return result


async def until_asked(listing: Listing, times: int) -> None:
    async with asyncio.timeout(60):
        while len(listing.asked) < times:
            await asyncio.sleep(0.1)


async def test_what_nobody_registered_is_read_at_once_and_asks_its_backend_to_look(
    world: World, listing: Listing
) -> None:
    world.reader.say(APPROVED)
    listing.lists(world.key.reference)
    async with world.workers():
        found = await swept(world)
        record = await world.result()

    assert (found.listed, found.started) == (1, 1)
    assert (record.verdict.outcome, record.verdict.decision, record.is_registered) == (
        Outcome.DECIDED,
        Decision.APPROVED,
        False,
    )
    assert [note.reason for note in record.attention] == [Attention.NEVER_REGISTERED]
    assert (record.verdict.revisions[-1].cause, record.callbacks.missed) == ("discovery", 1)


async def test_a_late_registration_attaches_to_what_was_discovered_and_calms_the_attention(
    world: World, listing: Listing
) -> None:
    listing.lists(world.key.reference)
    async with world.workers():
        await swept(world)
        await world.until(lambda record: record.reads.snapshot is not None)
        await world.register()
        record = await world.until(lambda record: record.is_registered)

    assert record.attention == ()


async def test_what_is_tracked_or_finished_already_is_not_discovered(world: World, listing: Listing) -> None:
    listing.lists(world.key.reference)
    async with world.workers():
        await world.register()
        await world.until(lambda record: record.is_registered)
        while_open = await swept(world)
        world.reader.say(APPROVED)
        await world.tracker.command(
            world.key,
            "poll_now",
            messages.PollNow(author="anna"),
            command_id=uuid4().hex,
            within=timedelta(seconds=10),
        )
        finished = await world.result()
        when_finished = await swept(world)

    assert (while_open.listed, while_open.started) == (1, 0)
    assert (when_finished.listed, when_finished.started) == (1, 0)
    assert finished.attention == ()


async def test_one_that_its_backend_may_still_register_is_left_alone(world: World, listing: Listing) -> None:
    listing.lists(world.key.reference, ago=timedelta(minutes=5))
    async with world.workers():
        found = await swept(world)

    assert found.listed == 0
    assert await world.tracker.describe(world.key) is None


async def test_a_provider_that_is_down_is_asked_again_from_the_same_moment(world: World, listing: Listing) -> None:
    listing.failures = 2
    listing.lists(world.key.reference)
    async with world.workers():
        found = await swept(world)

    assert found.started == 1
    assert len(listing.asked) == 3
    assert len({since for since, _ in listing.asked}) == 1


@pytest.mark.parametrize("odd", ["x" * 201, "", "\ud800"])
async def test_one_that_can_have_no_key_stops_nobody_behind_it(world: World, listing: Listing, odd: str) -> None:
    listing.lists(odd)
    listing.lists(world.key.reference)
    async with world.workers():
        async with asyncio.timeout(60):
            found = await swept(world)

    assert (found.listed, found.started) == (2, 1)


async def test_one_that_temporal_forgot_stays_as_its_record_says(world: World, listing: Listing) -> None:
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
        await swept(world)
        after = await world.tracker.handle(forgotten).result()
        seen = await world.tracker.describe(forgotten)

    assert after == before
    assert world.reader.reads == reads
    assert seen is not None
    assert seen.summary is not None
    assert (seen.summary.revision, seen.summary.attention, seen.summary.registered) == (1, (), True)


@pytest.mark.parametrize("first", ["discovery", "backend"])
async def test_a_registration_that_meets_a_discovery_is_attached_and_calms_it(
    world: World, listing: Listing, first: str
) -> None:
    world.reader.say(APPROVED)
    listing.lists(world.key.reference)
    if first == "discovery":
        await world.tracker.start_discovered(world.key)
    await world.register()
    async with world.workers():
        await asyncio.gather(swept(world), world.register(), world.hear(final("OK")))
        async with asyncio.timeout(60):
            while not (record := await world.result()).is_registered:
                await asyncio.sleep(0.05)

    assert (record.verdict.revision, record.verdict.decision, record.attention) == (1, Decision.APPROVED, ())


async def test_a_registration_while_the_discovered_run_completes_is_not_lost(world: World, listing: Listing) -> None:
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


async def test_each_round_continues_where_the_one_before_ended_and_adds_no_event(
    client: Client, world: World, listing: Listing
) -> None:
    world.discovers_every = timedelta(milliseconds=250)
    async with world.workers():
        handle, _ = await discover_once(world)
        await until_asked(listing, 2)
        length = (await handle.describe()).history_length
        await until_asked(listing, 5)
        after = (await handle.describe()).history_length
        await handle.terminate()

    assert all(before[1] - each[0] == timedelta(minutes=5) for before, each in pairwise(listing.asked))
    assert listing.asked[4][1] > listing.asked[0][1]
    assert after == length


async def test_rounds_that_failed_leave_no_gap(world: World, listing: Listing) -> None:
    world.discovers_every = timedelta(milliseconds=250)
    async with world.workers():
        handle, first = await discover_once(world)
        listing.failures = 2
        await until_asked(listing, 4)
        await handle.terminate()

    assert {since for since, _ in listing.asked[1:4]} == {first.until - timedelta(minutes=5)}


async def test_a_grace_that_was_made_longer_meanwhile_lists_no_period_that_ends_before_it_begins(
    world: World, listing: Listing
) -> None:
    world.discovers_every = timedelta(milliseconds=250)
    async with world.workers():
        handle, _ = await discover_once(world)
    before = len(listing.asked)
    world.registration_grace = timedelta(hours=2)
    async with world.workers():
        await until_asked(listing, before + 2)
        await handle.terminate()

    assert all(since <= until for since, until in listing.asked)
    assert listing.asked[-1][1] - listing.asked[0][1] < -timedelta(hours=1)
