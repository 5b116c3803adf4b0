"""What is accepted, and what is left to the relay, when a callback comes only part of the way."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.service import RPCStatusCode

from api.callbacks.limits import CallbackLimits
from api.callbacks.relay import Relay
from tests.api.fakes import SECRET, Desk
from vigil.providers.contract import CallbackRequest

NOW = datetime(2025, 12, 3, 12, 0, tzinfo=UTC)


def callback(*references: str) -> CallbackRequest:
    body = json.dumps({"says": [{"ref": reference} for reference in references]}).encode()
    return CallbackRequest("acme", None, {"x-secret": SECRET}, body, received_at=NOW)


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
