"""Proving callbacks, and what an account says of itself."""

import json

import httpx
import pytest
from pydantic import ValidationError

from tests.providers.id360.samples import callback, settings
from vigil.domain.errors import CallbackRefused
from vigil.domain.terms import Proof
from vigil.providers.contract import Provider
from vigil.providers.id360.provider import open_account
from vigil.providers.id360.settings import Id360Settings

BODY = b'{"id": 700101, "status": "OK"}'
TWO_HEADERS = {"Authorization": ["new key", "old key"], "X-Tenant": "shop of ours"}


def open_provider(http: httpx.AsyncClient, account: Id360Settings) -> Provider:
    return open_account("id360", account, http)


@pytest.mark.parametrize("key", ["new key", "old key"])
def test_during_a_rotation_either_secret_proves(http: httpx.AsyncClient, key: str) -> None:
    provider = open_provider(http, settings(callback_headers=TWO_HEADERS))

    genuine = provider.prove(callback(BODY, {"authorization": key, "x-tenant": "shop of ours"}))

    assert (genuine.proof, genuine.kept_body) == (Proof.SECRET, BODY)
    assert [each.reference for each in provider.read_callbacks(genuine)] == ["700101"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing_header"),
        ({"authorization": "new key"}, "missing_header"),
        ({"authorization": "forged", "x-other": "shop of ours"}, "missing_header"),
        ({"authorization": "older key", "x-tenant": "shop of ours"}, "wrong_header"),
        ({"authorization": "new key", "x-tenant": "shop of theirs"}, "wrong_header"),
        ({"authorization": "", "x-tenant": ""}, "wrong_header"),
        ({"authorization": "New key", "x-tenant": "shop of ours"}, "wrong_header"),
        ({"authorization": "new key ", "x-tenant": "shop of ours"}, "wrong_header"),
        ({"authorization": "shop of ours", "x-tenant": "new key"}, "wrong_header"),
        ({"authorization": "n\xe9w key", "x-tenant": "shop of ours"}, "wrong_header"),
    ],
)
def test_a_callback_without_every_header_is_refused(
    http: httpx.AsyncClient, headers: dict[str, str], reason: str
) -> None:
    with pytest.raises(CallbackRefused) as caught:
        open_provider(http, settings(callback_headers=TWO_HEADERS)).prove(callback(BODY, headers))

    assert caught.value.reason == reason


def test_after_a_rotation_the_old_secret_proves_nothing(http: httpx.AsyncClient) -> None:
    provider = open_provider(http, settings(callback_headers={"Authorization": "new key"}))

    with pytest.raises(CallbackRefused, match="wrong_header"):
        provider.prove(callback(BODY, {"authorization": "old key"}))


def test_no_header_that_can_hold_a_secret_is_kept(http: httpx.AsyncClient) -> None:
    account = settings(callback_headers={"User-Agent-Key": "x1", "X-Api-Key": "x2"})

    assert open_provider(http, account).kept_headers == {"content-type", "user-agent", "x-request-id"}


@pytest.mark.parametrize("name", ["Content-Type", "User-Agent", "X-Request-Id"])
def test_a_header_that_is_kept_cannot_be_a_secret(name: str) -> None:
    with pytest.raises(ValidationError, match="kept with receipts"):
        settings(callback_headers={name: "a secret of ours"})


def test_the_advice_can_be_pasted_and_shows_no_secret(http: httpx.AsyncClient) -> None:
    account = settings(callback_headers=TWO_HEADERS)

    first, *lines = open_provider(http, account).setup_instructions("https://callbacks.example/callbacks/id360")

    assert "/enrollment" in first
    assert json.loads("\n".join(lines)) == {
        "callback_endpoints": [
            {
                "url": "https://callbacks.example/callbacks/id360",
                "on": ["E", "F", "C", "I", "UP", "SP"],
                "headers": [
                    {"name": "Authorization", "value": "<the secret of accounts.id360.callback_headers.Authorization>"},
                    {"name": "X-Tenant", "value": "<the secret of accounts.id360.callback_headers.X-Tenant>"},
                ],
            }
        ]
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": " "},
        {"password": ""},
        {"password": "changeme"},
        {"password": ["one good password", "another good one"]},
        {"callback_headers": {}},
        {"callback_headers": {"Authorization": ""}},
        {"callback_headers": {"Authorization": "placeholder"}},
        {"callback_headers": {"Authorization": ["k1", "k2", "k3"]}},
        {"callback_headers": {"Not a name": "k1"}},
        {"callback_headers": {"X-Key": "k1", "x-key": "k2"}},
        {"largest_artifact": 0},
        {"base_url": "ftp://id360.example"},
        {"base_url": "https://user:pw@id360.example"},
        {"base_url": "https://id360.example?x=1"},
        {"base_url": "http://id360.example", "environment": "production"},
        {"pasword": "typo"},
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**wrong)

    assert next(iter(wrong)) in str(caught.value)


def test_a_refused_setting_does_not_show_its_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        settings(callback_headers={"Authorization": ["k-one-1", "k-two-2", "k-three-3"]})

    assert "k-" not in str(caught.value) + repr(caught.value)
    assert "k-one" not in repr(settings(callback_headers={"Authorization": "k-one-1"}))


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ({}, "https://preprod.id360docaposte.com"),
        ({"environment": "production"}, "https://id360docaposte.com"),
        ({"base_url": "http://localhost:9000/"}, "http://localhost:9000"),
    ],
)
def test_the_address_follows_from_the_environment(given: dict[str, str], base_url: str) -> None:
    assert settings(**given).base_url == base_url
