"""Proving callbacks, what an account says of itself, and settings that cannot work."""

import json

import httpx
import pytest
from pydantic import ValidationError

from tests.providers.identomat.samples import CALLBACK_KEY, SESSION, callback, change, message, settings
from vigil.domain.digest import Digester
from vigil.domain.errors import CallbackRefused
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey, path_of
from vigil.providers.contract import Provider
from vigil.providers.identomat.provider import open_account
from vigil.providers.identomat.settings import IdentomatSettings

TWO_KEYS = ["cbk-9Rn4-of-ours", CALLBACK_KEY]


def open_provider(http: httpx.AsyncClient, found: IdentomatSettings) -> Provider:
    return open_account("identomat", found, http)


@pytest.mark.parametrize("key", TWO_KEYS)
def test_during_a_rotation_either_secret_proves(http: httpx.AsyncClient, key: str) -> None:
    provider = open_provider(http, settings(callback_api_key=TWO_KEYS))

    genuine = provider.prove(callback(change(callbackApiKey=key)))

    assert genuine.proof is Proof.SECRET
    assert [each.reference for each in provider.read_callbacks(genuine)] == [SESSION]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "unprovable"),
        (b"{", "unprovable"),
        (b"\xff\xfe", "unprovable"),
        (b'{"callbackApiKey": "cbk-7Qm2-of-ours", "callbackApiKey": "forged"}', "unprovable"),
        (b"[" * 100 + b"]" * 100, "unprovable"),
        ([CALLBACK_KEY], "missing_key"),
        (CALLBACK_KEY, "missing_key"),
        ({}, "missing_key"),
        ({"CallbackApiKey": CALLBACK_KEY}, "missing_key"),
        ({"session": {"callbackApiKey": CALLBACK_KEY}}, "missing_key"),
        (change(callbackApiKey="forged"), "wrong_key"),
        (change(callbackApiKey=""), "wrong_key"),
        (change(callbackApiKey=None), "wrong_key"),
        (change(callbackApiKey=[CALLBACK_KEY]), "wrong_key"),
        (change(callbackApiKey=CALLBACK_KEY + " "), "wrong_key"),
        (change(callbackApiKey=CALLBACK_KEY.upper()), "wrong_key"),
        (change(callbackApiKey="\ud800"), "wrong_key"),
    ],
)
def test_a_body_without_the_secret_is_refused(http: httpx.AsyncClient, body: object, reason: str) -> None:
    with pytest.raises(CallbackRefused) as caught:
        open_provider(http, settings()).prove(callback(body))

    assert caught.value.reason == reason


def test_after_a_rotation_the_old_secret_proves_nothing(http: httpx.AsyncClient) -> None:
    with pytest.raises(CallbackRefused, match="wrong_key"):
        open_provider(http, settings(callback_api_key="cbk-9Rn4-of-ours")).prove(callback(change()))


def test_the_kept_body_is_the_body_without_the_secret(http: httpx.AsyncClient) -> None:
    body = change(sessionType="KYB", extra={"name": "Gráinne 😀"})

    genuine = open_provider(http, settings()).prove(callback(body))

    assert CALLBACK_KEY.encode() not in genuine.kept_body
    assert json.loads(genuine.kept_body) == {name: held for name, held in body.items() if name != "callbackApiKey"}
    assert CALLBACK_KEY not in repr(genuine)


def test_a_request_for_a_message_shows_nothing_of_the_session(http: httpx.AsyncClient) -> None:
    provider = open_provider(http, settings())

    genuine = provider.prove(callback(message("one-time-password", phoneNumber="+12025550147")))

    assert provider.read_callbacks(genuine) == ()
    assert provider.message_reader is not None
    assert provider.message_reader.read_message(genuine.kept_body) is not None


def test_the_field_of_the_address_follows_the_settings(http: httpx.AsyncClient) -> None:
    provider = open_provider(http, settings(email_address_field="to"))
    body = message("email-one-time-password-request", to="ada@example.test", cc="bob@example.test")

    assert provider.message_reader is not None
    found = provider.message_reader.read_message(provider.prove(callback(body)).kept_body)

    assert found is not None
    assert found.address == "ada@example.test"


def test_the_session_id_is_in_no_workflow_id(http: httpx.AsyncClient) -> None:
    provider = open_provider(http, settings())
    key = VerificationKey(account="identomat", reference=SESSION)

    place = path_of(key, Digester(b"key"), is_capability=provider.reference_is_capability)

    assert SESSION not in place


def test_the_advice_names_the_address_and_shows_no_secret(http: httpx.AsyncClient) -> None:
    advice = open_provider(http, settings()).setup_instructions("https://callbacks.example/callbacks/identomat")

    assert advice[1:] == (
        "Callback URL: https://callbacks.example/callbacks/identomat",
        "Callback API key: <the secret of accounts.identomat.callback_api_key>",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"company_key": ""},
        {"company_key": "changeme"},
        {"company_key": ["one good key", "another good one"]},
        {"callback_api_key": ""},
        {"callback_api_key": "placeholder"},
        {"callback_api_key": ["k1", "k2", "k3"]},
        {"secret_key": ["one good key", "another good one"]},
        {"email_address_field": ""},
        {"largest_artifact": 0},
        {"largest_image": 0},
        {"base_url": "ftp://identomat.example"},
        {"base_url": "http://identomat.example", "environment": "production"},
        {"compani_key": "typo"},
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**wrong)

    assert next(iter(wrong)) in str(caught.value)


def test_no_setting_shows_its_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        settings(callback_api_key=["k-one-1", "k-two-2", "k-three-3"])

    assert "k-" not in str(caught.value) + repr(caught.value)
    assert CALLBACK_KEY not in repr(settings())


def test_without_an_address_the_public_one_is_asked() -> None:
    assert settings(environment="production").base_url == "https://widget.identomat.com/external-api"
