"""A flood of callbacks for one verification: each is kept, few are signalled, and the last one counts."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.callbacks.dispatch import Dispatcher
from api.callbacks.intake import Intake
from api.callbacks.limits import CallbackLimits
from api.callbacks.relay import Relay, RelayPace
from tests.api.fakes import SECRET, Desk
from vigil.providers.contract import CallbackRequest

NOON = datetime(2026, 11, 28, 12, 0, 10, tzinfo=UTC)
LIMITS = CallbackLimits(signals_per_minute=10)


class Process:
    """One API process; those of a test share a folder and the verifications."""

    def __init__(self, folder: Path, first: "Process | None" = None) -> None:
        self.now = NOON
        self.desk = Desk(folder, limits=LIMITS)
        self.desk.verifications = first.desk.verifications if first else self.desk.verifications
        self.desk.verifications.open.add("r-1")
        dispatcher = Dispatcher(
            self.desk.verifications, self.desk.storage, self.desk.metrics, LIMITS, now=lambda: self.now
        )
        services = replace(self.desk.services, dispatcher=dispatcher)
        self.intake = Intake(services)
        self.relay = Relay(services, RelayPace(per_round=1000), now=lambda: self.now)

    async def receive(self, number: int, *, proof: str = "secret", reference: str = "r-1") -> int:
        body = json.dumps({"says": [{"ref": reference}], "delivery": number}).encode()
        headers = {"x-secret": SECRET, "x-proof": proof}
        at = self.now + timedelta(milliseconds=number)
        progress = await self.intake.receive(CallbackRequest("acme", None, headers, body, at), None)
        await self.intake.finish(progress)
        return progress.status

    def signaled(self, reference: str = "r-1") -> int:
        return sum(each == reference for each, _ in self.desk.verifications.signaled)

    def counted(self, result: str) -> float:
        labels = {"account": "acme", "result": result}
        return self.desk.metrics.registry.get_sample_value("vigil_dispatches_total", labels) or 0


async def test_of_a_flood_each_callback_is_kept_few_are_signalled_and_one_is_signalled_after_the_last(
    tmp_path: Path,
) -> None:
    process = Process(tmp_path)
    answers = [await process.receive(number) for number in range(50)]
    in_the_minute = process.signaled()
    pending = await process.desk.storage.list("inbox/pending/")
    process.now += timedelta(seconds=20)
    settled_early = await process.relay.run_round()
    process.now += timedelta(minutes=1)
    await process.relay.run_round()
    receipts = await process.desk.names("verifications/acme/r-1/receipts/")

    assert answers == [200] * 50
    assert (in_the_minute, len(pending), settled_early) == (10, 1, 0)
    assert process.signaled() == 11
    assert len(receipts) == 50
    assert await process.desk.storage.list("inbox/pending/") == []
    assert (process.counted("signaled"), process.counted("capped"), process.counted("waits")) == (11, 39, 2)


async def test_a_flood_of_one_verification_holds_no_other_back(tmp_path: Path) -> None:
    process = Process(tmp_path)
    process.desk.verifications.open.add("r-2")
    for number in range(20):
        await process.receive(number)
    await process.receive(20, reference="r-2")

    assert (process.signaled("r-1"), process.signaled("r-2")) == (10, 1)


async def test_strangers_use_up_none_of_the_signals_of_proven_callbacks(tmp_path: Path) -> None:
    process = Process(tmp_path)
    for number in range(30):
        await process.receive(number, proof="none")
    assert process.signaled() == 10
    assert await process.receive(30) == 200

    assert process.signaled() == 11


async def test_a_proven_callback_that_the_storage_does_not_keep_is_signalled_beyond_the_cap(tmp_path: Path) -> None:
    process = Process(tmp_path)
    process.desk.storage.down = True
    answers = [await process.receive(number) for number in range(15)]

    assert answers == [200] * 15
    assert process.signaled() == 15


async def test_two_processes_whose_relays_meet_leave_the_older_receipt_pending(tmp_path: Path) -> None:
    one = Process(tmp_path)
    two = Process(tmp_path, one)
    for number in range(12):
        await one.receive(number)
    for number in range(12, 24):
        await two.receive(number)
    both = sorted(await one.desk.storage.list("inbox/pending/"))
    for process in (one, two):
        process.now += timedelta(seconds=20)
        await process.relay.run_round()
    left = await one.desk.storage.list("inbox/pending/")

    assert len(both) == 2
    assert left == both[:1]
