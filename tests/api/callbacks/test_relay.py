"""What was kept is told, whatever was killed when, and by however many relays."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from api.callbacks.answers import CallbackProgress
from api.callbacks.dispatch import DispatchResult
from api.callbacks.limits import CallbackLimits
from api.callbacks.relay import DEFAULT_PACE, Relay, RelayPace
from tests.api.fakes import DIGESTER, Acme, Desk, account_of
from vigil.audit import AuditLog, Read, Reader
from vigil.providers.contract import CallbackRequest

NOW = datetime(2025, 12, 3, 12, 0, tzinfo=UTC)


def callback(
    *references: str, at: datetime = NOW, identity: str | None = None, proof: str = "secret"
) -> CallbackRequest:
    body = json.dumps({"says": [{"ref": reference, "id": identity} for reference in references]}).encode()
    return CallbackRequest("acme", None, {"x-secret": "right", "x-proof": proof}, body, received_at=at)


async def receive(desk: Desk, request: CallbackRequest) -> CallbackProgress:
    return await desk.intake.receive(request, None)


def relay_of(desk: Desk, *, at: datetime = NOW + timedelta(seconds=6), pace: RelayPace = DEFAULT_PACE) -> Relay:
    return Relay(desk.services, pace, now=lambda: at)


def quarantined(desk: Desk, account: str) -> float | None:
    return desk.metrics.registry.get_sample_value("vigil_callbacks_quarantined_total", {"account": account})


async def store_only(desk: Desk, *requests: CallbackRequest) -> list[CallbackProgress]:
    """Receive callbacks while Temporal is down, and be killed before anything else."""
    desk.verifications.down = True
    received = [await receive(desk, request) for request in requests]
    desk.verifications.down = False
    desk.dispatcher.breaker.record_success()
    assert all(progress.status == 200 for progress in received)
    return received


async def test_a_process_killed_between_keeping_and_signalling_loses_nothing(desk: Desk) -> None:
    await store_only(desk, callback("r-1", identity="e-1"))

    assert await relay_of(desk).run_round() == 1

    [(reference, event)] = desk.verifications.signaled
    assert (reference, event.received_at) == ("r-1", NOW)
    [filed] = await desk.storage.list("verifications/acme/r-1/receipts/")
    assert event.receipt == filed
    assert await desk.names("inbox/pending") == []
    assert event.identity is not None
    assert await desk.inbox.was_seen("acme/r-1", event.identity, at=event.received_at, within=timedelta(0))


async def test_a_process_killed_between_signalling_and_filing_leaves_a_receipt_that_is_filed(desk: Desk) -> None:
    await receive(desk, callback("r-1"))
    assert await desk.names("inbox/pending") == ["inbox/pending"]

    await relay_of(desk).run_round()

    assert await desk.names("inbox") == []
    assert await desk.names("verifications") == ["verifications/acme/r-1/receipts"]


async def test_a_process_killed_in_the_middle_of_filing_is_caught_up(desk: Desk) -> None:
    progress = await receive(desk, callback("r-1"))
    assert progress.receipt is not None
    content = await desk.storage.read(progress.receipt)
    filed = progress.receipt.replace("inbox/pending", "verifications/acme/r-1/receipts")
    await desk.storage.put_new(filed, content)

    await relay_of(desk).run_round()

    assert await desk.storage.list("inbox") == []
    assert await desk.storage.list("verifications") == [filed]


async def test_the_stored_events_equal_the_events_that_were_read(desk: Desk) -> None:
    [progress] = await store_only(desk, callback("r-1", "r-2", identity="e-1"))
    assert progress.receipt is not None

    receipt = await desk.inbox.read(progress.receipt)

    assert receipt.events == tuple(progress.events)


async def test_what_has_just_come_is_left_to_the_process_that_took_it(desk: Desk) -> None:
    await store_only(desk, callback("r-1"))

    assert await relay_of(desk, at=NOW + timedelta(seconds=4)).run_round() == 0
    assert desk.verifications.signaled == []


async def test_nothing_is_tried_while_temporal_is_known_to_be_away(desk: Desk) -> None:
    await store_only(desk, callback("r-1"))
    for _ in range(5):
        desk.dispatcher.breaker.record_failure()
    calls, reads = desk.verifications.calls, desk.storage.reads

    assert await relay_of(desk).run_round() == 0
    assert (desk.verifications.calls, desk.storage.reads) == (calls, reads)
    assert desk.metrics.registry.get_sample_value("vigil_relay_backlog") == 1


async def test_a_round_settles_no_more_than_the_rate(desk: Desk) -> None:
    await store_only(desk, *(callback(f"r-{n}") for n in range(5)))
    relay = relay_of(desk, pace=RelayPace(per_round=2))

    assert [await relay.run_round() for _ in range(4)] == [2, 2, 1, 0]


async def test_two_relays_side_by_side_settle_everything_and_lose_nothing(desk: Desk) -> None:
    await store_only(desk, *(callback(f"r-{n}") for n in range(20)))

    await asyncio.gather(relay_of(desk).run_round(), relay_of(desk).run_round())

    assert {reference for reference, _ in desk.verifications.signaled} == {f"r-{n}" for n in range(20)}
    assert await desk.names("inbox") == []
    assert len(await desk.names("verifications")) == 20


async def test_what_names_no_verification_is_quarantined_at_last(desk: Desk) -> None:
    await receive(desk, callback())

    await relay_of(desk).run_round()

    assert await desk.names() == ["inbox/quarantined"]
    assert quarantined(desk, "acme") == 1


async def test_a_receipt_of_a_later_release_stays_pending_for_a_day(desk: Desk) -> None:
    await store_only(desk, callback("r-1"))
    [name] = await desk.storage.list("inbox/pending/")
    receipt = json.loads(await desk.storage.read(name))
    receipt["events"][0]["event"]["observation"] = {"kind": "moonrise"}
    await desk.storage.put(name, json.dumps(receipt).encode())

    for age in (timedelta(seconds=6), timedelta(hours=23)):
        assert await relay_of(desk, at=NOW + age).run_round() == 0
    assert await desk.names("inbox") == ["inbox/pending"]

    assert await relay_of(desk, at=NOW + timedelta(hours=25)).run_round() == 1
    assert await desk.names("inbox") == ["inbox/quarantined"]


async def test_the_text_of_a_message_is_erased_also_by_a_release_that_cannot_read_its_receipt(desk: Desk) -> None:
    name = "inbox/pending/20251203T115700.000000Z-0-message"
    receipt = {"headers": {"a": "b"}, "body": "eW91ciBjb2RlIGlzIDEyMw==", "events": "moonrise", "account": "acme"}
    await desk.storage.put_new(name, json.dumps(receipt).encode())
    await desk.storage.put_new(name.replace("-0-", "-1-"), b"not a receipt of any release")
    await store_only(desk, callback("r-1"))

    assert await relay_of(desk).run_round() == 1

    assert json.loads(await desk.storage.read(name)) == receipt | {"headers": {}, "body": ""}
    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1"]


async def test_a_receipt_that_cannot_be_read_is_quarantined_and_blocks_nobody(desk: Desk) -> None:
    await desk.storage.put_new("inbox/pending/20250101T000000.000000Z-0", b"{}")
    await store_only(desk, callback("r-1"))

    assert await relay_of(desk).run_round() == 2
    assert await desk.names("inbox") == ["inbox/quarantined"]
    assert (quarantined(desk, "unknown"), quarantined(desk, "acme")) == (1, None)
    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1"]


async def test_what_reached_the_limit_of_starts_is_started_by_a_relay_that_has_starts_left(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=CallbackLimits(starts_per_minute=1))
    await receive(desk, callback("r-0"))
    progress = await receive(desk, callback("r-1"))
    assert (progress.status, list(progress.results)) == (200, [DispatchResult.START_LIMIT])
    other = Desk(tmp_path)

    await relay_of(other).run_round()

    assert desk.verifications.started == ["r-0"]
    assert "r-1" in other.verifications.started


async def test_the_limit_of_starts_does_not_delay_a_verification_with_a_record(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=CallbackLimits(starts_per_minute=1))
    await desk.storage.put_new("verifications/acme/r-1/records/000001", b"{}")
    await receive(desk, callback("r-0"))
    progress = await receive(desk, callback("r-1"))

    assert list(progress.results) == [DispatchResult.SIGNALED]
    assert desk.verifications.started == ["r-0", "r-1"]


async def test_a_callback_of_an_account_that_is_no_longer_configured_stays_pending(desk: Desk, tmp_path: Path) -> None:
    await store_only(desk, callback("r-1"))
    other = Desk(tmp_path, account_of(Acme("other")))

    assert await relay_of(other).run_round() == 0
    assert await desk.names("inbox") == ["inbox/pending"]


async def test_what_cannot_be_settled_does_not_keep_the_relay_from_what_came_later(desk: Desk, tmp_path: Path) -> None:
    gone = [callback(f"r-{n}", at=NOW - timedelta(minutes=n + 1)) for n in range(7)]
    await store_only(Desk(tmp_path, account_of(Acme("gone"))), *(replace(one, account="gone") for one in gone))
    await store_only(desk, callback("r-1"))
    relay = relay_of(desk, pace=RelayPace(page=3))

    assert [await relay.run_round() for _ in range(3)] == [0, 0, 1]
    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1"]
    assert desk.metrics.registry.get_sample_value("vigil_relay_backlog") == 8
    assert len(await desk.storage.list("inbox/pending")) == 7


async def test_the_relay_comes_back_to_what_it_could_not_settle(desk: Desk) -> None:
    await store_only(desk, *(callback(f"r-{n}") for n in range(5)))
    relay = relay_of(desk, pace=RelayPace(page=2))
    desk.verifications.down = True
    assert [await relay.run_round() for _ in range(3)] == [0, 0, 0]
    desk.verifications.down = False
    desk.dispatcher.breaker.record_success()

    assert sum([await relay.run_round() for _ in range(6)]) == 5


async def test_a_weak_callback_of_an_unknown_verification_is_kept_and_starts_nothing(desk: Desk) -> None:
    await store_only(desk, callback("r-1", proof="stale"))

    assert await relay_of(desk).run_round() == 1
    assert desk.verifications.started == []
    assert await desk.names() == ["inbox/quarantined"]


async def test_an_event_that_another_process_has_signaled_meanwhile_starts_no_follow_up_run(desk: Desk) -> None:
    [progress] = await store_only(desk, callback("r-1", identity="e-1"))
    identity = progress.events[0].event.identity
    assert identity is not None
    await desk.inbox.mark_seen("acme/r-1", identity, filed="elsewhere", until=NOW + timedelta(minutes=1))

    assert await relay_of(desk).run_round() == 1
    assert desk.verifications.started == []


async def test_a_slow_storage_does_not_make_a_repetition_a_new_event(desk: Desk) -> None:
    [progress] = await store_only(desk, callback("r-1", identity="e-1"))
    identity = progress.events[0].event.identity
    assert identity is not None
    await desk.inbox.mark_seen("acme/r-1", identity, filed="elsewhere", until=NOW + timedelta(minutes=1))
    desk.storage.seconds_for_a_read = 0.7

    assert await relay_of(desk).run_round() == 1
    assert desk.verifications.started == []


async def test_an_event_that_was_signaled_long_ago_is_signaled_as_a_new_one(desk: Desk) -> None:
    [progress] = await store_only(desk, callback("r-1", identity="e-1"))
    identity = progress.events[0].event.identity
    assert identity is not None
    await desk.inbox.mark_seen("acme/r-1", identity, filed="elsewhere", until=NOW - timedelta(days=1))

    assert await relay_of(desk).run_round() == 1
    assert len(desk.verifications.started) == 1


async def test_the_loop_survives_a_storage_outage(desk: Desk) -> None:
    await store_only(desk, callback("r-1"))
    desk.storage.down = True
    relay = relay_of(desk, pace=RelayPace(round_every=timedelta(milliseconds=10)))
    loop = asyncio.create_task(relay.run())
    await asyncio.sleep(0.05)
    desk.storage.down = False
    async with asyncio.timeout(3):
        while not desk.verifications.signaled:
            await asyncio.sleep(0.01)
    loop.cancel()

    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1"]


def _same(at: datetime) -> datetime:
    return at


async def test_lines_of_the_audit_log_are_erased_after_their_time(desk: Desk) -> None:
    reader = Reader("anna", "key")
    for at in (NOW - timedelta(days=730, hours=1), NOW - timedelta(days=729)):
        await AuditLog(desk.storage, DIGESTER, now=partial(_same, at)).note(reader, Read.CLAIMS, path="acme/r-1")

    await relay_of(desk).run_round()

    assert [line.at async for line in AuditLog(desk.storage, DIGESTER).lines()] == [NOW - timedelta(days=729)]
