"""What callbacks may start, when somebody has a proof and sends many: counted over all API processes."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.callbacks.dispatch import Dispatcher
from api.callbacks.intake import Intake
from api.callbacks.limits import CallbackLimits
from api.callbacks.relay import Relay, RelayPace
from tests.api.fakes import SECRET, Desk
from tests.sealed import connect
from tests.world import APPROVED_WITH_FILE, World, final, own_account, quick
from vigil.domain.errors import ArtifactNotReady
from vigil.providers.contract import CallbackRequest

NOON = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)
RECORD = "verifications/acme/r-1/records/000001"


LONG = timedelta(seconds=30)
PATIENT = CallbackLimits(store_timeout=LONG, signal_timeout=LONG, budget_timeout=LONG, total_timeout=2 * LONG)
"""A busy machine must not end a wait for the storage: these tests count, they do not measure."""


class Process:
    """One API process. All processes of a test share a folder, and each knows the same verifications."""

    def __init__(self, folder: Path, limits: CallbackLimits, first: "Process | None" = None) -> None:
        self.now = NOON
        self.desk = Desk(folder, limits=limits)
        if first is not None:
            self.desk.verifications = first.desk.verifications
        dispatcher = Dispatcher(
            self.desk.verifications, self.desk.storage, self.desk.metrics, limits, now=lambda: self.now
        )
        self.services = replace(self.desk.services, dispatcher=dispatcher)
        self.intake = Intake(self.services)
        self.relay = Relay(self.services, RelayPace(per_round=1000), now=lambda: self.now)

    async def receive(self, reference: str, *, proof: str = "secret", delivery: int = 0) -> int:
        body = json.dumps({"says": [{"ref": reference}], "delivery": delivery}).encode()
        headers = {"x-secret": SECRET, "x-proof": proof}
        progress = await self.intake.receive(CallbackRequest("acme", None, headers, body, self.now), None)
        await self.intake.finish(progress)
        return progress.status


async def test_two_processes_start_together_what_one_may_and_the_rest_a_minute_later(tmp_path: Path) -> None:
    limits = replace(PATIENT, starts_per_minute=20)
    one = Process(tmp_path, limits)
    two = Process(tmp_path, limits, one)
    started = one.desk.verifications.started
    answers = []
    for number in range(25):
        sent = [process.receive(f"unknown-{name}-{number}") for name, process in (("1", one), ("2", two))]
        answers += await asyncio.gather(*sent)
    at_first, pending = len(started), len(await one.desk.storage.list("inbox/pending/"))

    one.now += timedelta(minutes=1)
    await one.relay.run_round()

    assert answers == [200] * 50
    assert (at_first, pending) == (20, 30)
    assert len(started) == 40
    assert len(set(started)) == 40
    assert len(await one.desk.storage.list("inbox/pending/")) == 10


async def test_a_spent_budget_of_starts_holds_no_known_verification_back(tmp_path: Path) -> None:
    process = Process(tmp_path, replace(PATIENT, starts_per_minute=1))
    process.desk.verifications.open = {"open"}
    await process.desk.storage.put_new(RECORD, b"{}")
    for reference in ("new", "late", "open", "r-1"):
        assert await process.receive(reference) == 200

    assert [reference for reference, _ in process.desk.verifications.signaled] == ["new", "open", "r-1"]


async def test_forty_replays_of_a_proven_callback_follow_up_24_times_a_day_and_none_is_lost(tmp_path: Path) -> None:
    limits = PATIENT
    one = Process(tmp_path, limits)
    two = Process(tmp_path, limits, one)
    known = one.desk.verifications
    await one.desk.storage.put_new(RECORD, b"{}")
    for number in range(40):
        assert await (one, two)[number % 2].receive("r-1", delivery=number) == 200
        known.open.clear()  # each follow-up run ends at once
    in_the_day, pending = len(known.started), len(await one.desk.storage.list("inbox/pending/"))

    one.now += timedelta(days=1)
    await one.relay.run_round()

    assert (in_the_day, pending) == (24, 16)
    assert len(known.started) == 25, "the others reach the run that is open then"
    assert len(known.signaled) == 40
    assert await one.desk.storage.list("inbox/pending/") == []


@pytest.mark.parametrize("trouble", ["down", "stalled"])
async def test_while_the_storage_gives_no_answer_a_process_counts_its_own_starts(tmp_path: Path, trouble: str) -> None:
    limits = CallbackLimits(
        starts_per_minute=3,
        store_timeout=timedelta(milliseconds=50),
        budget_timeout=timedelta(milliseconds=50),
        signal_timeout=timedelta(seconds=10),
        total_timeout=timedelta(seconds=20),
    )
    process = Process(tmp_path, limits)
    process.desk.storage.down = trouble == "down"
    process.desk.storage.stalled = process.desk.storage.reads_stalled = trouble == "stalled"
    answers = [await process.receive(f"new-{number}") for number in range(5)]

    assert answers == [200] * 3 + [503] * 2
    assert len(process.desk.verifications.started) == 3


async def test_the_units_of_past_periods_are_erased_by_the_relay(tmp_path: Path) -> None:
    process = Process(tmp_path, PATIENT)
    storage = process.desk.storage
    await storage.put_new(RECORD, b"{}")
    await process.receive("new")
    await process.receive("r-1")
    left = []
    for later in (timedelta(0), timedelta(minutes=2), timedelta(minutes=3), timedelta(days=2), timedelta(days=3)):
        process.now = NOON + later
        await process.relay.run_round()
        left.append([name.split("/")[1] for name in await storage.list("budgets")])

    both = ["follow-ups", "starts"]
    assert left == [both, both, ["follow-ups"], ["follow-ups"], []]


async def test_thirty_replays_of_a_proven_callback_cause_24_reads_of_a_verification_that_waits_for_its_files(
    temporal_address: str, tmp_path: Path
) -> None:
    world = World(await connect(temporal_address, "default"), tmp_path, account=own_account(), plan=quick())
    world.reader.say(APPROVED_WITH_FILE)
    world.reader.files["portrait-1"] = ArtifactNotReady("http_404")
    async with world.workers():
        await world.register()
        await world.hear(final())
        await world.until(lambda record: record.is_concluded)
        before = world.reader.reads
        for number in range(30):
            await world.hear(final(), number=number)
            await world.until(lambda record, number=number: record.callbacks.received >= number + 2)  # type: ignore[misc]
            await asyncio.sleep(0.05)
        record = await world.record()
        await world.tracker.handle(world.key).terminate()

    assert record.callbacks.received == 31
    assert len(record.callbacks.late_reads) == 24
    assert 0 < world.reader.reads - before <= 24
