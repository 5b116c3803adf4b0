"""A callback whose body names nothing is led to its verification by the word in its address."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.callbacks.circuit_breaker import CircuitBreaker
from api.callbacks.correlation import CorrelationLookup
from api.callbacks.intake import Intake
from api.callbacks.receipts import ReceiptArchive
from tests.api.conftest import endpoint_of, in_process
from tests.api.fakes import DIGESTER, SECRET, Desk
from vigil.providers.contract import CallbackRequest
from vigil.registration import digest_correlation
from vigil.storage.correlations import Correlations

PROVEN = {"x-secret": SECRET}
UNNAMED = json.dumps({"says": [{"id": "event-1"}]}).encode()
NAMED = json.dumps({"says": [{"ref": "r-9"}]}).encode()


async def remembered(desk: Desk, correlation: str, reference: str) -> None:
    mark = digest_correlation(DIGESTER, "acme", correlation)
    await Correlations(desk.storage).remember("acme", mark, reference)


async def test_a_callback_without_a_reference_goes_where_its_correlation_was_registered(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    async with in_process(endpoint_of(desk)) as client:
        answer = await client.post("/callbacks/acme/order-2047", content=UNNAMED, headers=PROVEN)

    assert answer.status_code == 200
    assert [(reference, event.correlation) for reference, event in desk.verifications.signaled] == [
        ("r-1", "order-2047")
    ]


async def test_a_reference_in_the_body_weighs_more_than_the_address(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme/order-2047", content=NAMED, headers=PROVEN)

    assert [reference for reference, _ in desk.verifications.signaled] == ["r-9"]


async def test_one_that_nothing_leads_to_is_kept_apart(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    async with in_process(endpoint_of(desk)) as client:
        answers = [
            await client.post(path, content=UNNAMED, headers=PROVEN)
            for path in ("/callbacks/acme/order-9999", "/callbacks/acme")
        ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert desk.verifications.signaled == []
    assert await desk.names("inbox") == ["inbox/quarantined"] * 2


async def test_the_first_that_was_registered_with_a_correlation_keeps_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    await remembered(desk, "order-2047", "r-2")

    mark = digest_correlation(DIGESTER, "acme", "order-2047")
    assert await Correlations(desk.storage).reference("acme", mark) == "r-1"
    assert "order-2047" not in "".join(await desk.storage.list(""))


async def test_after_an_outage_receipts_are_stored_again_although_the_lookup_comes_first(desk: Desk) -> None:
    """After its pause the circuit breaker allows one attempt, and the lookup uses it."""
    clock = 0.0
    breaker = CircuitBreaker(failures=1, open_for=timedelta(seconds=5), clock=lambda: clock)
    services = replace(
        desk.services,
        archive=ReceiptArchive(desk.inbox, breaker, DIGESTER, desk.metrics),
        correlations=CorrelationLookup(Correlations(desk.storage), breaker, DIGESTER),
    )
    breaker.record_failure()
    clock = 5.0

    request = CallbackRequest("acme", "order-2047", PROVEN, UNNAMED, received_at=datetime(2025, 12, 3, tzinfo=UTC))
    progress = await Intake(services).receive(request, None)

    assert progress.receipt is not None


async def test_storage_that_is_away_makes_nobody_elses_callback_of_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    desk.storage.down = True
    async with in_process(endpoint_of(desk)) as client:
        answer = await client.post("/callbacks/acme/order-2047", content=UNNAMED, headers=PROVEN)

    assert answer.status_code == 503
    assert desk.verifications.signaled == []


async def test_an_id_of_the_backends_own_counts_only_if_the_address_leads_nowhere(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    content = json.dumps({"says": [{"own": "a1b2c3d4e5"}]}).encode()
    async with in_process(endpoint_of(desk)) as client:
        for path in ("/callbacks/acme/order-2047", "/callbacks/acme/order-9999", "/callbacks/acme"):
            await client.post(path, content=content, headers=PROVEN)

    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1", "a1b2c3d4e5", "a1b2c3d4e5"]
