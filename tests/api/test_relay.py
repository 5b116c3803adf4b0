"""What was kept is told, whatever was killed when, and by however many relays."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.delivery import Delivered
from api.filing import messages_of
from api.intake import Course
from api.notices import Arrival
from api.relay import Relay
from tests.api.fakes import Acme, Desk, account_of

NOW = datetime(2025, 12, 3, 12, 0, tzinfo=UTC)


def arrival(*references: str, at: datetime = NOW, identity: str | None = None, proof: str = "secret") -> Arrival:
    says = [{"ref": reference, "id": identity} for reference in references]
    return Arrival(
        account="acme",
        correlation=None,
        headers={"x-secret": "right", "x-proof": proof},
        body=json.dumps({"says": says}).encode(),
        source=None,
        received_at=at,
    )


def relay_of(desk: Desk, *, at: datetime = NOW + timedelta(seconds=6), rate: int = 50) -> Relay:
    return Relay(desk.inbox, desk.delivery, desk.metrics, rate=rate, now=lambda: at)


def quarantined(desk: Desk, account: str) -> float | None:
    return desk.metrics.registry.get_sample_value("vigil_callbacks_quarantined_total", {"account": account})


async def kept_only(desk: Desk, *arrivals: Arrival) -> list[Course]:
    """Take callbacks in while Temporal is away, and be killed before anything else."""
    desk.verifications.down = True
    courses = [await desk.intake.take(one) for one in arrivals]
    desk.verifications.down = False
    desk.delivery.breaker.succeeded()
    assert all(course.status == 200 for course in courses)
    return courses


async def test_a_process_killed_between_keeping_and_signalling_loses_nothing(desk: Desk) -> None:
    await kept_only(desk, arrival("r-1", identity="e-1"))

    assert await relay_of(desk).go_round() == 1

    [(reference, notice)] = desk.verifications.told
    assert (reference, notice.received_at) == ("r-1", NOW)
    [rests] = await desk.storage.list("verifications/acme/r-1/receipts/")
    assert notice.receipt == rests
    assert await desk.names("inbox/pending") == []
    assert notice.identity is not None
    assert await desk.inbox.was_seen("acme/r-1", notice.identity, at=notice.received_at)


async def test_a_process_killed_between_signalling_and_filing_leaves_a_receipt_that_is_filed(desk: Desk) -> None:
    await desk.intake.take(arrival("r-1"))
    assert await desk.names("inbox/pending") == ["inbox/pending"]

    await relay_of(desk).go_round()

    assert await desk.names("inbox") == []
    assert await desk.names("verifications") == ["verifications/acme/r-1/receipts"]


async def test_a_process_killed_in_the_middle_of_filing_is_caught_up(desk: Desk) -> None:
    course = await desk.intake.take(arrival("r-1"))
    assert course.receipt is not None
    content = await desk.storage.read(course.receipt)
    filed = course.receipt.replace("inbox/pending", "verifications/acme/r-1/receipts")
    await desk.storage.put_new(filed, content)

    await relay_of(desk).go_round()

    assert await desk.storage.list("") == [filed]


async def test_the_relayed_notice_equals_the_one_that_was_read(desk: Desk) -> None:
    [course] = await kept_only(desk, arrival("r-1", "r-2", identity="e-1"))
    assert course.receipt is not None

    receipt = await desk.inbox.read(course.receipt)

    assert messages_of(receipt) == tuple(course.messages)


async def test_what_has_just_come_is_left_to_the_process_that_took_it(desk: Desk) -> None:
    await kept_only(desk, arrival("r-1"))

    assert await relay_of(desk, at=NOW + timedelta(seconds=4)).go_round() == 0
    assert desk.verifications.told == []


async def test_nothing_is_tried_while_temporal_is_known_to_be_away(desk: Desk) -> None:
    await kept_only(desk, arrival("r-1"))
    for _ in range(5):
        desk.delivery.breaker.failed()
    calls, reads = desk.verifications.calls, desk.storage.reads

    assert await relay_of(desk).go_round() == 0
    assert (desk.verifications.calls, desk.storage.reads) == (calls, reads)
    assert desk.metrics.registry.get_sample_value("vigil_relay_backlog") == 1


async def test_a_round_settles_no_more_than_the_rate(desk: Desk) -> None:
    await kept_only(desk, *(arrival(f"r-{n}") for n in range(5)))
    relay = relay_of(desk, rate=2)

    assert [await relay.go_round() for _ in range(4)] == [2, 2, 1, 0]


async def test_two_relays_side_by_side_settle_everything_and_lose_nothing(desk: Desk) -> None:
    await kept_only(desk, *(arrival(f"r-{n}") for n in range(20)))

    await asyncio.gather(relay_of(desk).go_round(), relay_of(desk).go_round())

    assert {reference for reference, _ in desk.verifications.told} == {f"r-{n}" for n in range(20)}
    assert await desk.names("inbox") == []
    assert len(await desk.names("verifications")) == 20


async def test_what_names_no_verification_is_quarantined_at_last(desk: Desk) -> None:
    await desk.intake.take(arrival())

    await relay_of(desk).go_round()

    assert await desk.names() == ["inbox/quarantined"]
    assert quarantined(desk, "acme") == 1


async def test_a_receipt_that_cannot_be_read_is_quarantined_and_blocks_nobody(desk: Desk) -> None:
    await desk.storage.put_new("inbox/pending/20250101T000000.000000Z-0", b"{}")
    await kept_only(desk, arrival("r-1"))

    assert await relay_of(desk).go_round() == 2
    assert await desk.names("inbox") == ["inbox/quarantined"]
    assert (quarantined(desk, "unknown"), quarantined(desk, "acme")) == (1, None)
    assert [reference for reference, _ in desk.verifications.told] == ["r-1"]


async def test_what_was_capped_is_started_by_the_relay_once_the_cap_allows_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, starts_a_minute=60)
    for _ in range(60):
        desk.delivery._starts["acme"].take()
    course = await desk.intake.take(arrival("r-1"))
    assert (course.status, list(course.delivered)) == (200, [Delivered.CAPPED])
    await asyncio.sleep(1.1)

    assert await relay_of(desk).go_round() == 1
    assert desk.verifications.started == ["r-1"]


async def test_the_cap_on_starts_holds_up_nobody_of_whom_a_record_is_held(tmp_path: Path) -> None:
    desk = Desk(tmp_path, starts_a_minute=1)
    await desk.storage.put_new("verifications/acme/r-1/records/000001", b"{}")
    await desk.intake.take(arrival("r-0"))
    course = await desk.intake.take(arrival("r-1"))

    assert list(course.delivered) == [Delivered.TOLD]
    assert desk.verifications.started == ["r-0", "r-1"]


async def test_a_callback_of_an_account_that_is_no_longer_configured_stays_pending(desk: Desk, tmp_path: Path) -> None:
    await kept_only(desk, arrival("r-1"))
    other = Desk(tmp_path, account_of(Acme("other")))
    relay = Relay(desk.inbox, other.delivery, desk.metrics, now=lambda: NOW + timedelta(seconds=6))

    assert await relay.go_round() == 0
    assert await desk.names("inbox") == ["inbox/pending"]


async def test_what_cannot_be_settled_does_not_keep_the_relay_from_what_came_later(desk: Desk, tmp_path: Path) -> None:
    gone = [arrival(f"r-{n}", at=NOW - timedelta(minutes=n + 1)) for n in range(7)]
    await kept_only(Desk(tmp_path, account_of(Acme("gone"))), *(replace(one, account="gone") for one in gone))
    await kept_only(desk, arrival("r-1"))
    relay = Relay(desk.inbox, desk.delivery, desk.metrics, page=3, now=lambda: NOW + timedelta(seconds=6))

    assert [await relay.go_round() for _ in range(3)] == [0, 0, 1]
    assert [reference for reference, _ in desk.verifications.told] == ["r-1"]
    assert desk.metrics.registry.get_sample_value("vigil_relay_backlog") == 8
    assert len(await desk.storage.list("inbox/pending")) == 7


async def test_the_relay_comes_back_to_what_it_could_not_settle(desk: Desk) -> None:
    await kept_only(desk, *(arrival(f"r-{n}") for n in range(5)))
    relay = Relay(desk.inbox, desk.delivery, desk.metrics, page=2, now=lambda: NOW + timedelta(seconds=6))
    desk.verifications.down = True
    assert [await relay.go_round() for _ in range(3)] == [0, 0, 0]
    desk.verifications.down = False
    desk.delivery.breaker.succeeded()

    assert sum([await relay.go_round() for _ in range(6)]) == 5


async def test_a_weak_callback_of_an_unknown_verification_is_kept_and_starts_nothing(desk: Desk) -> None:
    await kept_only(desk, arrival("r-1", proof="stale"))

    assert await relay_of(desk).go_round() == 1
    assert desk.verifications.started == []
    assert await desk.names() == ["inbox/quarantined"]


async def test_an_event_that_another_process_has_told_meanwhile_starts_no_follow_up_run(desk: Desk) -> None:
    [course] = await kept_only(desk, arrival("r-1", identity="e-1"))
    identity = course.messages[0].notice.identity
    assert identity is not None
    await desk.inbox.mark_seen("acme/r-1", identity, until=NOW + timedelta(minutes=1))

    assert await relay_of(desk).go_round() == 1
    assert desk.verifications.started == []


async def test_an_event_that_was_told_long_ago_is_told_as_a_new_one(desk: Desk) -> None:
    [course] = await kept_only(desk, arrival("r-1", identity="e-1"))
    identity = course.messages[0].notice.identity
    assert identity is not None
    await desk.inbox.mark_seen("acme/r-1", identity, until=NOW - timedelta(days=1))

    assert await relay_of(desk).go_round() == 1
    assert len(desk.verifications.started) == 1


async def test_the_loop_survives_a_storage_outage(desk: Desk) -> None:
    await kept_only(desk, arrival("r-1"))
    desk.storage.down = True
    every = timedelta(milliseconds=10)
    relay = Relay(desk.inbox, desk.delivery, desk.metrics, every=every, now=lambda: NOW + timedelta(seconds=6))
    loop = asyncio.create_task(relay.run())
    await asyncio.sleep(0.05)
    desk.storage.down = False
    async with asyncio.timeout(3):
        while not desk.verifications.told:
            await asyncio.sleep(0.01)
    loop.cancel()

    assert [reference for reference, _ in desk.verifications.told] == ["r-1"]
