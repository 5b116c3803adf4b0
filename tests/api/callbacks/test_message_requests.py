"""Callbacks that ask for a message: what the API does of them before anybody sends anything."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.callbacks.relay import Relay
from tests.api.fakes import Desk, account_of
from tests.messages import LINK, NUMBER, TEXT, asked, asking
from vigil.domain.message import SEND_WITHIN
from vigil.providers.contract import CallbackRequest

RIGHT = {"x-secret": "right"}


class Confused:
    """A messenger with a fault of its own."""

    def read_message(self, body: bytes) -> None:
        raise ZeroDivisionError("with 4021 in its text")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, account_of(asking()))


async def take(desk: Desk, body: bytes, headers: Mapping[str, str] = RIGHT, *, at: datetime | None = None) -> int:
    request = CallbackRequest("acme", None, {**RIGHT, **headers}, body, received_at=at or datetime.now(UTC))
    progress = await desk.intake.receive(request, None)
    await desk.intake.finish(progress)
    return progress.status


async def test_one_call_to_temporal_says_which_message_and_nothing_of_what_it_says(desk: Desk) -> None:
    at = datetime(2031, 3, 4, 9, 0, tzinfo=UTC)

    status = await take(desk, asked("v-1", "session_link_by_sms", link=LINK), at=at)

    [received] = desk.verifications.messages
    [name] = await desk.inbox.pending(datetime(2040, 1, 1, tzinfo=UTC), 10)
    assert (status, desk.verifications.calls) == (200, 1)
    assert received.receipt == name
    assert received.order.workflow_id == f"message/acme/{received.order.digest}"
    assert (received.order.received_at, received.order.send_before) == (at, at + SEND_WITHIN)
    assert received.model_dump(mode="json")["order"]["kind"] == "session_link_by_sms"
    assert not any(said in received.model_dump_json() for said in (TEXT, NUMBER, LINK, "4021"))
    assert desk.verifications.signaled == []


@pytest.mark.parametrize(
    "change", [{"text": "4022"}, {"to": "+12025550148"}, {"ref": "v-2"}, {"link": LINK}, {"subject": "Code"}]
)
async def test_whatever_differs_in_what_is_sent_makes_another_message(desk: Desk, change: dict[str, Any]) -> None:
    await take(desk, asked("v-1"))
    await take(desk, asked("v-1"))
    await take(desk, asked(**{"reference": change.pop("ref", "v-1"), **change}))

    first, second, other = (received.order.digest for received in desk.verifications.messages)
    assert first == second != other


async def test_what_is_kept_is_accepted_while_temporal_is_away_and_handed_over_later(desk: Desk) -> None:
    desk.verifications.down = True
    status = await take(desk, asked("v-1"))
    ahead = timedelta(seconds=6)
    relay = Relay(desk.services, now=lambda: datetime.now(UTC) + ahead)
    desk.verifications.down = False

    rounds = [await relay.run_round() for _ in range(3)]
    ahead += timedelta(minutes=1)
    rounds.append(await relay.run_round())

    # While its receipt is still there it is handed over again now and then: an operator may have ended its workflow.
    assert status == 200
    assert rounds == [1, 0, 0, 1]
    assert {received.order.key.reference for received in desk.verifications.messages} == {"v-1"}


async def test_what_could_not_be_kept_is_lost_and_temporal_is_not_even_asked(desk: Desk) -> None:
    desk.storage.down = True

    assert await take(desk, asked("v-1")) == 503
    assert desk.verifications.calls == 0


@pytest.mark.parametrize("reference", ["", "v" * 201])
async def test_what_names_no_verification_is_quarantined(desk: Desk, reference: str) -> None:
    assert await take(desk, asked(reference)) == 200
    assert desk.verifications.messages == []
    assert await desk.names() == ["inbox/quarantined"]


async def test_a_fault_in_our_reading_keeps_the_callback(tmp_path: Path) -> None:
    provider = asking()
    provider.message_reader = Confused()
    desk = Desk(tmp_path, account_of(provider))

    assert await take(desk, asked("v-1")) == 200
    assert desk.verifications.messages == []
    assert await desk.names() == ["inbox/quarantined"]


@pytest.mark.parametrize("proof", ["none", "stale", "unbound"])
async def test_who_did_not_prove_to_have_written_it_may_not_ask(desk: Desk, proof: str) -> None:
    assert await take(desk, asked("v-1"), {"x-proof": proof}) == 200
    assert desk.verifications.messages == []


async def test_a_stranger_is_refused(desk: Desk) -> None:
    assert await take(desk, asked("v-1"), {"x-secret": "wrong"}) == 401
    assert desk.verifications.calls == 0
    assert await desk.names("inbox/pending") == []
