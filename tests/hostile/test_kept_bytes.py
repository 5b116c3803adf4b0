"""What callbacks may leave in the storage: little without a proof, and not for ever."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.callbacks.limits import CallbackLimits
from api.callbacks.relay import Relay
from tests.api.fakes import CONTRACT, SECRET, Acme, Desk, account_of
from vigil.providers.contract import CallbackRequest
from vigil.storage.inbox import Receipt, Refusal

NOW = datetime(2025, 12, 3, 12, 0, tzinfo=UTC)
LARGE = 2_000_000
LONG = timedelta(seconds=30)
PATIENT = CallbackLimits(store_timeout=LONG, signal_timeout=LONG, total_timeout=2 * LONG)
"""A busy machine must not end a wait for the storage: these tests count, they do not measure."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, limits=PATIENT)


async def send(
    desk: Desk, reference: str, proof: str, *, size: int = 0, account: str = "acme", sender: str | None = None
) -> int:
    """Send a callback, and do what follows its answer. Return the status code."""
    body = json.dumps({"says": [{"ref": reference, "sender": sender}], "padding": "x" * size}).encode()
    headers = {"x-secret": SECRET, "x-proof": proof, "user-agent": "y" * 10_000}
    request = CallbackRequest(account, None, headers, body, received_at=NOW)
    progress = await desk.intake.receive(request, None)
    await desk.intake.finish(progress)
    return progress.status


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def over_budget(desk: Desk, proof: str) -> float | None:
    labels = {"account": "acme", "proof": proof}
    return desk.metrics.registry.get_sample_value("vigil_receipts_over_budget_total", labels)


async def receipts(desk: Desk, prefix: str) -> list[Receipt]:
    return [await desk.inbox.read(name) for name in await desk.storage.list(prefix)]


@pytest.mark.parametrize(("proof", "times"), [("none", 40), ("stale", 20)])
async def test_an_unproven_body_of_two_megabytes_leaves_less_than_ten_kilobytes(
    tmp_path: Path, proof: str, times: int
) -> None:
    desk = Desk(tmp_path, limits=PATIENT)
    answers = [await send(desk, f"ghost-{number}", proof, size=LARGE) for number in range(times)]
    stored = await receipts(desk, "inbox/quarantined/")

    assert answers == [200] * times
    assert bytes_in(tmp_path) < 10_000 * times
    assert [len(each.body) for each in stored] == [4096] * times
    assert {each.cut_from for each in stored} == {2_000_061, 2_000_062}
    assert len({each.whole_digest for each in stored}) == times
    assert len((await desk.inbox.quarantined(100)).callbacks) == times


async def test_a_small_unproven_body_is_kept_as_it_is(desk: Desk) -> None:
    await send(desk, "ghost", "none", size=100)
    [stored] = await receipts(desk, "inbox/quarantined/")

    assert stored.body.endswith(b'xxx"}')
    assert (stored.cut_from, stored.whole_digest) == (None, None)


async def test_a_body_that_was_cut_explains_no_verdict(desk: Desk) -> None:
    desk.verifications.open = {"r-1"}
    await send(desk, "r-1", "stale", size=LARGE)
    [cut] = await desk.storage.list("verifications/acme/r-1/receipts/")
    desk.verifications.open = {"r-2"}
    await send(desk, "r-2", "secret", size=10)
    [whole] = await desk.storage.list("verifications/acme/r-2/receipts/")

    assert await desk.inbox.body(cut) is None
    assert await desk.inbox.body(whole) is not None


async def test_beyond_the_budget_an_unproven_callback_is_accepted_only_if_a_verification_has_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=replace(PATIENT, unproven_receipts_per_hour=5))
    desk.verifications.open = {"open"}
    ghosts = [await send(desk, f"ghost-{number}", "none") for number in range(8)]
    known = await send(desk, "open", "none")

    assert ghosts == [200] * 5 + [503] * 3
    assert known == 200
    assert [reference for reference, _ in desk.verifications.signaled] == ["open"]
    assert over_budget(desk, "none") == 4
    assert len(await receipts(desk, "inbox/quarantined/")) == 5


async def test_the_budget_counts_bytes_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=replace(PATIENT, unproven_bytes_per_hour=30_000))
    answers = [await send(desk, f"ghost-{number}", "none", size=LARGE) for number in range(10)]

    assert answers == [200] * 4 + [503] * 6
    assert bytes_in(tmp_path) < 30_000


async def test_a_flood_without_proof_takes_nothing_from_another_proof_or_account(tmp_path: Path) -> None:
    accounts = [account_of(Acme("acme")), account_of(Acme("other"))]
    desk = Desk(tmp_path, *accounts, limits=replace(PATIENT, unproven_receipts_per_hour=1))
    flood = [await send(desk, f"ghost-{number}", "none") for number in range(3)]

    assert flood == [200, 503, 503]
    assert await send(desk, "ghost", "stale") == 200
    assert await send(desk, "ghost", "none", account="other") == 200
    assert await send(desk, "genuine", "secret", size=LARGE) == 200
    [genuine] = await receipts(desk, "verifications/acme/genuine/receipts/")
    assert (len(genuine.body), genuine.cut_from) == (2_000_061, None)


async def test_beyond_the_budget_a_proven_callback_is_accepted_and_its_body_cut(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=replace(PATIENT, proven_bytes_per_hour=3_000_000))
    answers = [await send(desk, "r-1", "secret", size=LARGE) for _ in range(3)]
    stored = await receipts(desk, "verifications/acme/r-1/receipts/")

    assert answers == [200] * 3
    assert sorted(len(each.body) for each in stored) == [4096, 4096, 2_000_057]
    assert len(desk.verifications.signaled) == 3
    assert over_budget(desk, "secret") == 2


async def test_a_proven_body_with_details_is_never_cut(tmp_path: Path) -> None:
    provider = Acme()
    tracking = CONTRACT.tracking.model_copy(update={"details_in_callbacks": True})
    provider.contracts = {"acme": CONTRACT.model_copy(update={"tracking": tracking})}
    desk = Desk(tmp_path, account_of(provider), limits=replace(PATIENT, proven_bytes_per_hour=1))
    status = await send(desk, "r-1", "unbound", size=LARGE, sender="acme")
    [stored] = await receipts(desk, "verifications/acme/r-1/receipts/")

    assert (status, stored.cut_from) == (200, None)
    assert over_budget(desk, "unbound") == 1


async def test_what_belongs_to_no_verification_is_erased_after_fourteen_days(desk: Desk) -> None:
    await send(desk, "ghost", "stale")
    await send(desk, "r-1", "secret")
    await desk.inbox.refuse(Refusal(at=NOW, account="acme", reason="wrong_header", source=None, digest8="a" * 8))
    before = await desk.names("inbox")

    await relay(desk, timedelta(days=14) - timedelta(seconds=1)).run_round()
    on_the_last_day = await desk.names("inbox")
    await relay(desk, timedelta(days=14) + timedelta(seconds=1)).run_round()

    assert before == on_the_last_day == ["inbox/quarantined", "inbox/refused"]
    assert await desk.names("inbox") == []
    assert len(await receipts(desk, "verifications/acme/r-1/receipts/")) == 1


def relay(desk: Desk, later: timedelta) -> Relay:
    return Relay(desk.services, now=lambda: NOW + later)
