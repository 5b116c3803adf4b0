"""What is accepted, and what is left to the relay, when a callback comes only part of the way."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from temporalio.service import RPCStatusCode

from api.callbacks.dispatch import DispatchResult
from api.callbacks.limits import CallbackLimits
from api.callbacks.relay import Relay
from tests.api.fakes import CONTRACT, SECRET, Acme, Desk, account_of
from vigil.providers.contract import CallbackRequest

NOW = datetime(2025, 12, 3, 12, 0, tzinfo=UTC)
DETAILED = CONTRACT.model_copy(
    update={"sender": "detailed", "tracking": CONTRACT.tracking.model_copy(update={"details_in_callbacks": True})}
)


def callback(*references: str, proof: str = "secret", sender: str | None = None) -> CallbackRequest:
    body = json.dumps({"says": [{"ref": reference, "sender": sender} for reference in references]}).encode()
    return CallbackRequest("acme", None, {"x-secret": SECRET, "x-proof": proof}, body, received_at=NOW)


def detailed_desk(root: Path) -> Desk:
    """A desk of an account with two senders: one of them reports details by callbacks alone."""
    provider = Acme()
    provider.contracts = {"acme": CONTRACT, "detailed": DETAILED}
    return Desk(root, account_of(provider))


async def open_both_breakers(desk: Desk) -> None:
    """Let storage and Temporal fail until neither is called any more, and recover."""
    desk.storage.down = desk.verifications.down = True
    for _ in range(5):
        assert (await desk.intake.receive(callback("r-1"), None)).status == 503
    desk.storage.down = desk.verifications.down = False
    assert desk.dispatcher.breaker.is_open


def accepted_unstored(desk: Desk, proof: str) -> float | None:
    labels = {"account": "acme", "proof": proof}
    return desk.metrics.registry.get_sample_value("vigil_callbacks_accepted_unstored_total", labels)


async def test_a_callback_whose_receipt_is_not_stored_is_accepted_only_if_all_its_events_are_dispatched(
    desk: Desk,
) -> None:
    desk.storage.down = True
    desk.verifications.open = {"r-1", "r-2"}
    desk.verifications.refuses = {"r-2": RPCStatusCode.UNAVAILABLE}

    one_failed = await desk.intake.receive(callback("r-1", "r-2"), None)
    desk.verifications.refuses.clear()
    none_failed = await desk.intake.receive(callback("r-1", "r-2"), None)

    assert (one_failed.status, none_failed.status) == (503, 200)


async def test_a_receipt_stays_pending_for_the_relay_if_the_time_is_up_between_storing_and_dispatching(
    tmp_path: Path,
) -> None:
    patient = timedelta(seconds=60)
    limits = CallbackLimits(store_timeout=patient, signal_timeout=patient, total_timeout=timedelta(seconds=1.5))
    desk = Desk(tmp_path, limits=limits)
    desk.verifications.stalled = True

    progress = await desk.intake.receive(callback("r-1"), None)
    await desk.intake.finish(progress)
    assert (progress.status, list(progress.results)) == (200, [])
    assert await desk.names("inbox") == ["inbox/pending"]

    desk.verifications.stalled = False
    assert await Relay(desk.services, now=lambda: NOW + timedelta(seconds=6)).run_round() == 1
    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1"]


@pytest.mark.parametrize(("sender", "status"), [("detailed", 503), (None, 503), ("never-named", 503), ("acme", 200)])
async def test_a_callback_with_details_that_only_its_body_has_is_accepted_only_if_it_is_stored(
    tmp_path: Path, sender: str | None, status: int
) -> None:
    """A sender that nobody knows may be the one that reports details."""
    desk = detailed_desk(tmp_path)
    desk.verifications.open = {"r-1"}
    desk.storage.down = True

    progress = await desk.intake.receive(callback("r-1", sender=sender), None)

    assert progress.status == status
    assert [event.receipt for _, event in desk.verifications.signaled] == [None]


async def test_a_callback_with_details_is_stored_as_soon_as_the_storage_takes_writes_again(tmp_path: Path) -> None:
    desk = detailed_desk(tmp_path)
    desk.verifications.open = {"r-1"}
    desk.storage.down = True
    for _ in range(6):
        assert (await desk.intake.receive(callback("r-1", sender="detailed"), None)).status == 503
    desk.storage.down = False

    progress = await desk.intake.receive(callback("r-1", sender="detailed"), None)

    assert (progress.status, progress.receipt is not None) == (200, True)
    assert desk.verifications.signaled[-1][1].receipt is not None


@pytest.mark.parametrize("proof", ["none", "stale"])
async def test_an_unproven_callback_of_no_known_verification_is_not_accepted_unless_it_is_stored(
    desk: Desk, proof: str
) -> None:
    desk.storage.down = True
    desk.storage.reads_down = False

    lost = await desk.intake.receive(callback("ghost", proof=proof), None)
    desk.storage.down = False
    kept = await desk.intake.receive(callback("ghost", proof=proof), None)
    await desk.intake.finish(kept)

    assert (lost.status, kept.status) == (503, 200)
    assert await desk.names("inbox") == ["inbox/quarantined"]


@pytest.mark.parametrize("proof", ["none", "stale"])
async def test_an_unproven_callback_of_a_concluded_verification_is_not_accepted_unless_it_is_stored(
    desk: Desk, proof: str
) -> None:
    """It follows up on nothing. A genuine callback may come with a weak proof, so it is kept or repeated."""
    await desk.storage.put_new("verifications/acme/r-1/records/000001", b"{}")
    desk.storage.down = True
    desk.storage.reads_down = False

    lost = await desk.intake.receive(callback("r-1", proof=proof), None)
    desk.storage.down = False
    kept = await desk.intake.receive(callback("r-1", proof=proof), None)

    assert (lost.status, kept.status) == (503, 200)
    assert [*lost.results, *kept.results] == [DispatchResult.CONCLUDED] * 2


async def test_no_callback_is_refused_without_an_attempt_after_both_storage_and_temporal_have_recovered(
    desk: Desk,
) -> None:
    await open_both_breakers(desk)

    progress = [await desk.intake.receive(callback(f"r-{n}"), None) for n in range(20)]

    assert [each.status for each in progress] == [200] * 20
    assert all(each.receipt is not None for each in progress)


async def test_callbacks_that_come_at_once_after_both_have_recovered_are_all_stored(desk: Desk) -> None:
    await open_both_breakers(desk)

    progress = await asyncio.gather(*(desk.intake.receive(callback(f"r-{n}"), None) for n in range(20)))

    assert [each.status for each in progress] == [200] * 20


async def test_temporal_is_called_in_spite_of_its_breaker_if_the_storage_takes_nothing(desk: Desk) -> None:
    await open_both_breakers(desk)
    desk.storage.down = True
    desk.verifications.open = {"r-1"}

    progress = await desk.intake.receive(callback("r-1"), None)

    assert progress.status == 200
    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1"]


async def test_an_outage_of_both_costs_a_stored_callback_no_second_attempt(desk: Desk) -> None:
    desk.verifications.down = True
    for _ in range(5):
        await desk.intake.receive(callback("r-1"), None)
    calls = desk.verifications.calls

    assert (await desk.intake.receive(callback("r-1"), None)).status == 200
    assert desk.verifications.calls == calls


async def test_each_callback_that_is_accepted_without_a_receipt_is_counted_and_logged(
    desk: Desk,
) -> None:
    """Also after the breaker has opened. Strangers are counted alone: they must not fill the log."""
    desk.verifications.open = {"r-1"}
    with structlog.testing.capture_logs() as lines:
        stored = await desk.intake.receive(callback("r-1"), None)
        desk.storage.down = True
        for _ in range(8):
            assert (await desk.intake.receive(callback("r-1"), None)).status == 200
        assert (await desk.intake.receive(callback("r-1", proof="none"), None)).status == 200
        desk.verifications.down = True
        lost = await desk.intake.receive(callback("r-1"), None)

    assert (stored.status, lost.status) == (200, 503)
    assert (accepted_unstored(desk, "secret"), accepted_unstored(desk, "none")) == (8, 1)
    assert [line["account"] for line in lines if line["event"] == "callback.accepted_unstored"] == ["acme"] * 8
