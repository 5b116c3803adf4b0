"""Registrations without a reference: what leads to it, what is missing, and what the provider says instead."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import build_app
from api.dependencies import Dependencies
from tests.api.conftest import in_process
from tests.api.fakes import Acme, account_in
from tests.sealed import connect
from tests.world import ACCOUNT, World
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.registration import Registration
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import Coordinate, FoundVerification

CREATED_AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


@dataclass
class CaseFile:
    """A provider that finds by a case number what a test tells it to."""

    by: tuple[str, ...] = ("case",)
    says: Sequence[FoundVerification] | ProviderError = ()
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def find(self, coordinates: Mapping[str, str]) -> Sequence[FoundVerification]:
        self.asked.append(dict(coordinates))
        if isinstance(self.says, ProviderError):
            raise self.says
        return self.says

    async def list_created(self, *, since: datetime, until: datetime) -> AsyncIterator[FoundVerification]:
        if since < until:
            return
        yield FoundVerification(reference="never", created_at=since)


class Filing(Acme):
    """A provider that wants to be told a desk, and whose verifications are found by a case."""

    coordinates = (
        Coordinate(name="desk", pattern=r"[0-9]{1,4}", description="the desk that handles it"),
        Coordinate(name="case", pattern=r"[a-z0-9-]{1,40}", description="the case it belongs to", is_required=False),
    )


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


async def asked(world: World, says: Any = None, *, provider: Acme | None = None, **body: Any) -> httpx.Response:
    provider = provider or Filing()
    if says is not None:
        provider.finder = CaseFile(says=says)
    account = account_in(world, provider)
    parts = Dependencies(
        accounts={ACCOUNT: account}, tracker=world.tracker, storage=world.storage, digester=world.digester
    )
    async with in_process(build_app(parts)) as client:
        return await client.post("/verifications", json={"account": ACCOUNT, **body})


def code(answer: httpx.Response) -> str:
    return str(answer.json()["type"].removeprefix("urn:vigil:"))


def fields(answer: httpx.Response) -> set[str]:
    return {each["field"] for each in answer.json()["fields"]}


async def test_the_newest_that_the_coordinates_lead_to_is_registered_and_named(world: World) -> None:
    older = FoundVerification(reference="older", created_at=CREATED_AT)
    newer = FoundVerification(reference=world.key.reference, created_at=CREATED_AT + timedelta(hours=1))

    answer = await asked(world, [newer, older], coordinates={"desk": "7", "case": "c-1"})

    assert answer.status_code == 201
    assert answer.json()["reference"] == world.key.reference
    assert answer.headers["location"].endswith(world.key.reference)


async def test_what_only_led_to_the_reference_is_no_part_of_the_registration(world: World) -> None:
    found = [FoundVerification(reference=world.key.reference, created_at=CREATED_AT)]
    by_case = await asked(world, found, coordinates={"desk": "7", "case": "c-1"})
    by_reference = await asked(world, reference=world.key.reference, coordinates={"desk": "7"})
    async with world.workers():
        record = await world.until(lambda record: record.is_registered)

    assert (by_case.status_code, by_reference.status_code) == (201, 200)
    assert isinstance(record.subject.registration, Registration)
    assert record.subject.registration.coordinates == {"desk": "7"}
    assert record.question(world.plan).coordinates == {"desk": "7"}


async def test_what_need_not_be_given_is_kept_where_it_leads_to_no_reference(world: World) -> None:
    told = {"desk": "7", "case": "c-1"}
    answer = await asked(world, provider=Filing(), reference=world.key.reference, coordinates=told)
    async with world.workers():
        record = await world.until(lambda record: record.is_registered)

    assert answer.status_code == 201
    assert record.question(world.plan).coordinates == told


async def test_nothing_there_yet_is_a_conflict_that_says_when_to_come_again(world: World) -> None:
    answer = await asked(world, [], coordinates={"desk": "7", "case": "c-1"})

    assert (answer.status_code, code(answer)) == (409, "process_not_yet_known")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("says", "status", "problem"),
    [
        (ReferenceUnknown("http_404"), 404, "unknown_to_provider"),
        (ProviderRefusesUs("http_401"), 502, "provider_refuses_us"),
        (ProviderUnavailable("http_503"), 503, "provider_unavailable"),
    ],
)
async def test_what_the_provider_answers_instead_is_reported(
    world: World, says: ProviderError, status: int, problem: str
) -> None:
    answer = await asked(world, says, coordinates={"desk": "7", "case": "c-secret"})

    assert (answer.status_code, code(answer)) == (status, problem)
    assert "c-secret" not in answer.text


async def test_the_time_that_the_provider_names_is_handed_on(world: World) -> None:
    says = ProviderUnavailable("http_429", retry_after=timedelta(seconds=42))

    assert (await asked(world, says, coordinates={"desk": "7", "case": "c-1"})).headers["retry-after"] == "42"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"reference": "r", "coordinates": {}}, {"body.coordinates.desk"}),
        ({"coordinates": {}}, {"body.coordinates.desk", "body.coordinates.case"}),
        ({"reference": "r", "coordinates": {"desk": "seven"}}, {"body.coordinates.desk"}),
        ({"reference": "r", "coordinates": {"desk": "7", "room": "1"}}, {"body.coordinates"}),
    ],
)
async def test_a_coordinate_that_is_missing_or_does_not_fit_is_named(
    world: World, body: dict[str, Any], wrong: set[str]
) -> None:
    answer = await asked(world, [], **body)

    assert (answer.status_code, code(answer)) == (422, "invalid_request")
    assert fields(answer) == wrong
    assert "seven" not in answer.text


async def test_where_nothing_leads_to_a_reference_it_is_required(world: World) -> None:
    answer = await asked(world, provider=Acme())

    assert answer.status_code == 422
    assert fields(answer) == {"body.reference"}


async def test_a_correlation_that_belongs_to_another_verification_is_a_conflict(world: World) -> None:
    first = await asked(world, provider=Acme(), reference=world.key.reference, correlation="order-2047")
    again = await asked(world, provider=Acme(), reference=world.key.reference, correlation="order-2047")
    other = await asked(world, provider=Acme(), reference="another", correlation="order-2047")

    assert (first.status_code, again.status_code) == (201, 200)
    assert (other.status_code, code(other)) == (409, "correlation_taken")
    assert await world.tracker.describe(VerificationKey(account=ACCOUNT, reference="another")) is None
    assert world.key.reference not in other.text


async def test_a_registration_whose_correlation_cannot_be_remembered_is_none_at_all(world: World) -> None:
    world.storage.fail_next("correlations/", times=1)
    answer = await asked(world, provider=Acme(), reference=world.key.reference, correlation="order-2047")

    assert (answer.status_code, code(answer)) == (503, "storage_unavailable")
    assert await world.tracker.describe(world.key) is None


async def test_an_id_with_blanks_around_it_is_the_same_verification_with_the_same_registration(world: World) -> None:
    plain = await asked(world, reference=world.key.reference, coordinates={"desk": "7"})
    spelled = await asked(world, reference=f" {world.key.reference}\t", coordinates={"desk": " 7 "})

    assert (plain.status_code, spelled.status_code) == (201, 200)
    assert spelled.json()["reference"] == world.key.reference
