"""Proving callbacks of both generations, and what an account says of itself."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.providers.raw_server import json_response
from tests.providers.smile_id.v1.fake_smile_id import FakeSmileId, mark
from tests.providers.smile_id.v1.samples import (
    BIOMETRIC,
    IDENTITY,
    JOB,
    KEY,
    NOW,
    PARTNER,
    STAMP,
    USER,
    callback,
    frame,
    question,
    result,
    settings,
    sign,
)
from vigil.domain.errors import CallbackRefused
from vigil.domain.snapshot import ReadRequest
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import DetailReader, Provider
from vigil.providers.registry import PROVIDERS
from vigil.providers.smile_id.provider import open_account
from vigil.providers.smile_id.senders import CONTRACTS

BOTH = ["v1", "v3"]
JOB_V3 = "job_01kj0000000000000000000001"
HEADERS = {
    "response-timestamp": STAMP,
    "response-signature": mark(STAMP, PARTNER, KEY),
    "job-id": JOB_V3,
}
CLEAR: Mapping[str, Any] = {"status": "clear", "product": "enhanced_kyc", "reason": None}


def open_provider(http: httpx.AsyncClient, **given: Any) -> Provider:
    return open_account("smile", settings(**given), http)


def refusal(http: httpx.AsyncClient, body: object, headers: dict[str, str], **given: Any) -> str:
    with pytest.raises(CallbackRefused) as caught:
        open_provider(http, **given).prove(callback(body, headers=headers))
    return caught.value.reason


def test_a_callback_of_each_generation_is_proven_and_read_as_its_own(http: httpx.AsyncClient) -> None:
    provider = open_provider(http, generations=BOTH)
    for body, headers, reference, sender in (
        (sign(IDENTITY), {}, JOB, "v1"),
        (CLEAR, HEADERS, JOB_V3, "v3"),
        ({}, HEADERS, JOB_V3, "v3"),
    ):
        genuine = provider.prove(callback(body, headers=headers))

        assert genuine.proof is Proof.UNBOUND
        assert [(each.reference, each.sender) for each in provider.read_callbacks(genuine)] == [(reference, sender)]


@pytest.mark.parametrize(
    ("generations", "body", "headers"),
    [(["v3"], sign(IDENTITY), {}), (["v3"], sign(IDENTITY), HEADERS), (["v1"], CLEAR, HEADERS)],
)
def test_a_generation_that_the_account_does_not_take_is_refused(
    http: httpx.AsyncClient, generations: list[str], body: object, headers: dict[str, str]
) -> None:
    assert refusal(http, body, headers, generations=generations) == "generation_not_taken"


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"{", {}, "unprovable"),
        (IDENTITY, {}, "missing_signature"),
        (IDENTITY, HEADERS, "missing_signature"),
        (sign(IDENTITY, key="another"), {}, "wrong_signature"),
        (CLEAR, {}, "missing_signature"),
        (CLEAR, HEADERS | {"response-signature": "none"}, "wrong_signature"),
        (sign(dict(CLEAR)), {}, "missing_signature"),
    ],
)
def test_each_generation_needs_the_proof_of_its_own(
    http: httpx.AsyncClient, body: object, headers: dict[str, str], reason: str
) -> None:
    assert refusal(http, body, headers, generations=BOTH) == reason


@pytest.mark.parametrize("key", [KEY, "a key of tomorrow"])
def test_during_a_rotation_either_key_proves(http: httpx.AsyncClient, key: str) -> None:
    provider = open_provider(http, api_key=[KEY, "a key of tomorrow"])

    assert provider.prove(callback(sign(IDENTITY, key=key))).proof is Proof.UNBOUND


def test_a_key_of_another_environment_proves_nothing(http: httpx.AsyncClient) -> None:
    assert refusal(http, sign(IDENTITY, key="of the sandbox"), {}, environment="production") == "wrong_signature"


def test_an_old_pair_over_a_new_body_is_stale(http: httpx.AsyncClient) -> None:
    old = callback(sign(BIOMETRIC) | {"ResultCode": "1210"}, NOW + timedelta(hours=1))

    assert open_provider(http).prove(old).proof is Proof.STALE


@pytest.mark.parametrize(
    ("generations", "names", "needed"),
    [
        (["v1"], {"user_id", "job_type"}, {"user_id", "job_type"}),
        (["v3"], {"product"}, set()),
        (BOTH, {"user_id", "job_type", "product"}, set()),
    ],
)
def test_what_job_status_asks_for_is_demanded_where_every_job_needs_it(
    http: httpx.AsyncClient, generations: list[str], names: set[str], needed: set[str]
) -> None:
    known = open_provider(http, generations=generations).coordinates

    assert {each.name for each in known} == names
    assert {each.name for each in known if each.is_required} == needed


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("job_type", "1", True),
        ("job_type", "12", True),
        ("job_type", "0", False),
        ("job_type", "13", False),
        ("job_type", "1.0", False),
        ("user_id", "cust-31", True),
        ("user_id", "", False),
        ("user_id", " with a space ", True),
        ("user_id", "jöb", True),
        ("user_id", "with\nbreak", False),
    ],
)
def test_a_coordinate_fits_or_not(http: httpx.AsyncClient, name: str, value: str, fits: object) -> None:
    coordinate = next(each for each in open_provider(http).coordinates if each.name == name)

    assert coordinate.read(value) == (value.strip() if fits else None)


@pytest.mark.parametrize(
    ("generations", "answering", "has_third"),
    [(["v1"], "v1", False), (["v3"], "v3", True), (BOTH, "v1", True)],
)
def test_an_account_has_what_its_generations_have(
    http: httpx.AsyncClient, generations: list[str], answering: str, has_third: object
) -> None:
    provider = open_provider(http, generations=generations)

    assert (set(provider.contracts), provider.default_contract.sender) == (set(generations), answering)
    assert (provider.replayer is not None, isinstance(provider.reader, DetailReader)) == (has_third, has_third)
    assert (provider.finder, provider.message_reader) == (None, None)


async def test_an_account_of_both_generations_asks_each_for_its_own_jobs(
    smile: FakeSmileId, http: httpx.AsyncClient
) -> None:
    provider = open_provider(http, generations=BOTH, base_url=smile.base_url)
    smile.jobs[USER, JOB] = frame(result("0814"), history=[result("1012")])
    smile.will_answer("/v3/token", json_response({"token": "of-today"}))
    smile.will_answer(f"/v3/status/{JOB_V3}", json_response({"status": "processing"}, 202))

    first = await provider.reader.read(question())
    third = await provider.reader.read(ReadRequest(key=VerificationKey(account="smile", reference=JOB_V3)))

    assert first.snapshot is not None
    assert third.snapshot is not None
    assert (first.snapshot.sender, first.snapshot.stage) == ("v1", Stage.IN_REVIEW)
    assert (third.snapshot.sender, third.snapshot.stage) == ("v3", Stage.PROCESSING)


async def test_an_account_of_both_generations_needs_no_callbacks_for_the_first(
    smile: FakeSmileId, http: httpx.AsyncClient
) -> None:
    reader = open_provider(http, generations=BOTH, base_url=smile.base_url).reader
    smile.jobs[USER, JOB] = frame(result("0810", 6))
    assert isinstance(reader, DetailReader)

    assert await reader.read_with_callbacks(question(6), [b"{}"]) == await reader.read(question(6))


def test_the_advice_names_the_address_and_no_secret(http: httpx.AsyncClient) -> None:
    for generations in (["v1"], ["v3"], BOTH):
        said = "\n".join(
            open_provider(http, generations=generations).setup_instructions("https://vigil.example/callbacks/smile")
        )

        assert "https://vigil.example/callbacks/smile" in said
        assert "sandbox" in said
        assert KEY not in said
        assert ("optional_callback" in said) is ("v1" in generations)


def test_the_registry_knows_it() -> None:
    entry = PROVIDERS["smile_id"]

    assert (entry.title, entry.contracts) == ("Smile ID", CONTRACTS)


def test_the_first_generation_is_asked_as_often_as_its_stages_need() -> None:
    watch = CONTRACTS["v1"].tracking
    ages = (timedelta(0), 5 * HOUR, 7 * HOUR, 4 * DAY)

    assert [watch.polls[Stage.IN_REVIEW].every(age) for age in ages] == [15 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR]
    assert watch.polls[Stage.AWAITING_APPLICANT].every(timedelta(0)) == MINUTE
    assert watch.polls[Stage.PROCESSING].every(timedelta(0)) == timedelta(seconds=30)
    assert (watch.callback_expected_within, watch.reopens, watch.finals_may_change) == (3 * MINUTE, (HOUR, DAY), True)


def test_the_first_generation_never_comes_again() -> None:
    contract = CONTRACTS["v1"]

    assert (contract.proof, contract.max_age, contract.redelivery.delays) == (Proof.UNBOUND, 15 * MINUTE, ())
    assert all(contract.answering.meaning_of(code) == "accepted" for code in (200, 204, 299))
