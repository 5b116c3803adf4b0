"""Proving callbacks of both generations, and what an account says of itself."""

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from tests.providers.signicat.samples import AUTHORIZATION, REFERENCE, callback, event, settings, triple
from vigil.domain.errors import CallbackRefused
from vigil.domain.terms import Proof
from vigil.providers.contract import Provider
from vigil.providers.signicat.provider import open_account

EVENTS_SECRET = {"events_secret": ["newer of two", "older of two"], "events_secret_header": "X-Assure-Proof"}
BODY = json.dumps(event()).encode()


def open_provider(http: httpx.AsyncClient, **given: Any) -> Provider:
    return open_account("assure", settings(**given), http)


def proof(http: httpx.AsyncClient, body: object, headers: dict[str, str], **given: Any) -> Proof:
    return open_provider(http, **given).prove(callback(body, headers)).proof


def refusal(http: httpx.AsyncClient, body: object, headers: dict[str, str], **given: Any) -> str:
    with pytest.raises(CallbackRefused) as caught:
        open_provider(http, **given).prove(callback(body, headers))
    return caught.value.reason


def sign(secret: str, body: bytes = BODY) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


@pytest.mark.parametrize("key", ["Bearer new", "Basic b2xk"])
def test_during_a_rotation_either_header_proves(http: httpx.AsyncClient, key: str) -> None:
    provider = open_provider(http, authorization_header=["Bearer new", "Basic b2xk"])
    request = callback(triple(), {"authorization": key})

    genuine = provider.prove(request)

    assert (genuine.proof, genuine.kept_body) == (Proof.SECRET, request.body)
    assert [(each.reference, each.sender) for each in provider.read_callbacks(genuine)] == [(REFERENCE, None)]


@pytest.mark.parametrize("body", [triple(), {}, b"not JSON", b""])
@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing_header"),
        ({"x-other": AUTHORIZATION}, "missing_header"),
        ({"authorization": ""}, "wrong_header"),
        ({"authorization": "Bearer of new"}, "wrong_header"),
        ({"authorization": AUTHORIZATION + " "}, "wrong_header"),
        ({"authorization": AUTHORIZATION.upper()}, "wrong_header"),
        ({"authorization": "B\xe9arer"}, "wrong_header"),
    ],
)
def test_a_legacy_callback_without_the_header_is_refused(
    http: httpx.AsyncClient, body: object, headers: dict[str, str], reason: str
) -> None:
    assert refusal(http, body, headers) == reason


def test_after_a_rotation_the_old_header_proves_nothing(http: httpx.AsyncClient) -> None:
    headers = {"authorization": "Bearer old"}

    assert proof(http, triple(), headers, authorization_header=["Bearer new", "Bearer old"]) is Proof.SECRET
    assert refusal(http, triple(), headers, authorization_header="Bearer new") == "wrong_header"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer of anybody"}])
def test_a_hint_proves_nothing(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    hinting = {"authorization_header": None, "unauthenticated": "hint"}

    assert proof(http, triple(), headers, **hinting) is Proof.NONE


def test_a_hint_beside_a_secret_is_not_a_way_around_it(http: httpx.AsyncClient) -> None:
    assert proof(http, triple(), {"authorization": AUTHORIZATION}, unauthenticated="hint") is Proof.SECRET
    assert proof(http, triple(), {}, unauthenticated="hint") is Proof.NONE
    assert refusal(http, triple(), {"authorization": "forged"}, unauthenticated="hint") == "wrong_header"


def test_an_event_without_a_secret_proves_nothing(http: httpx.AsyncClient) -> None:
    # Not even with the header of the other generation, which may have leaked from there.
    assert proof(http, event(), {"authorization": AUTHORIZATION}) is Proof.NONE
    assert proof(http, event(), {}, generations=["events"]) is Proof.NONE


@pytest.mark.parametrize("secret", ["newer of two", "older of two"])
@pytest.mark.parametrize("prefix", ["", "sha256=", "SHA256="])
def test_an_event_is_proven_by_its_secret_or_its_signature(http: httpx.AsyncClient, secret: str, prefix: str) -> None:
    signature = sign(secret)
    presented = {
        secret: Proof.SECRET,
        prefix + signature.hex(): Proof.SIGNED_BODY,
        prefix + signature.hex().upper(): Proof.SIGNED_BODY,
        prefix + base64.b64encode(signature).decode(): Proof.SIGNED_BODY,
    }

    found = {value: proof(http, BODY, {"x-assure-proof": value}, **EVENTS_SECRET) for value in presented}

    assert found == presented


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing_header"),
        ({"authorization": AUTHORIZATION}, "missing_header"),
        ({"x-assure-proof": ""}, "wrong_header"),
        ({"x-assure-proof": "oldest of three"}, "wrong_header"),
        ({"x-assure-proof": sign("oldest of three").hex()}, "wrong_header"),
        ({"x-assure-proof": sign("newer of two", BODY + b" ").hex()}, "wrong_header"),
        ({"x-assure-proof": sign("newer of two").hex()[:-2]}, "wrong_header"),
        ({"x-assure-proof": "sha256="}, "wrong_header"),
    ],
)
def test_an_event_with_another_proof_is_refused(http: httpx.AsyncClient, headers: dict[str, str], reason: str) -> None:
    assert refusal(http, BODY, headers, **EVENTS_SECRET) == reason


def test_the_secret_of_one_generation_proves_nothing_in_the_other(http: httpx.AsyncClient) -> None:
    assert refusal(http, triple(), {"x-assure-proof": "newer of two"}, **EVENTS_SECRET) == "missing_header"


def test_a_generation_that_is_not_taken_is_refused_whatever_it_brings(http: httpx.AsyncClient) -> None:
    headers = {"authorization": AUTHORIZATION}

    assert refusal(http, event(), headers, generations=["legacy"]) == "generation_not_taken"
    # A triple is no envelope, so events' own secret is asked of it.
    assert refusal(http, triple(), headers, generations=["events"], **EVENTS_SECRET) == "missing_header"


def test_an_event_is_read_as_one(http: httpx.AsyncClient) -> None:
    provider = open_provider(http)

    (found,) = provider.read_callbacks(provider.prove(callback(event(), {})))

    assert (found.reference, found.sender, found.identity) == (REFERENCE, "events", event()["id"])


@pytest.mark.parametrize(
    ("generations", "contracts", "answering"),
    [
        (["legacy"], {"onfido", "electronic-identification", "readid", "paper", "connect", "other"}, "other"),
        (["events"], {"events"}, "events"),
        (
            ["legacy", "events"],
            {"onfido", "electronic-identification", "readid", "paper", "connect", "other", "events"},
            "other",
        ),
    ],
)
def test_an_account_knows_those_that_can_call_it(
    http: httpx.AsyncClient, generations: list[str], contracts: set[str], answering: str
) -> None:
    provider = open_provider(http, generations=generations)

    assert set(provider.contracts) == contracts
    assert provider.default_contract is provider.contracts[answering]


def test_no_header_that_can_hold_a_secret_is_kept(http: httpx.AsyncClient) -> None:
    assert open_provider(http, **EVENTS_SECRET).kept_headers == {"content-type", "user-agent", "x-request-id"}


def test_the_advice_for_legacy_can_be_pasted_and_shows_no_secret(http: httpx.AsyncClient) -> None:
    lines = open_provider(http, generations=["legacy"]).setup_instructions("https://callbacks.example/callbacks/assure")

    assert "/capture" in lines[0]
    assert json.loads("\n".join(lines[1:-1])) == {
        "notificationUrl": "https://callbacks.example/callbacks/assure",
        "authorizationHeader": "<the secret of accounts.assure.authorization_header>",
    }
    assert "support" in lines[-1]


def test_the_advice_asks_for_no_header_that_nobody_has(http: httpx.AsyncClient) -> None:
    provider = open_provider(http, generations=["legacy"], authorization_header=None, unauthenticated="hint")

    assert "authorizationHeader" not in "\n".join(provider.setup_instructions("https://callbacks.example/"))


@pytest.mark.parametrize(("given", "says"), [({}, "prove nothing"), (EVENTS_SECRET, "X-Assure-Proof must carry it")])
def test_the_advice_for_events_names_the_event_and_its_secret(
    http: httpx.AsyncClient, given: dict[str, Any], says: str
) -> None:
    lines = open_provider(http, generations=["events"], **given).setup_instructions(
        "https://callbacks.example/callbacks/assure"
    )
    text = "\n".join(lines)

    assert "process.complete: https://callbacks.example/callbacks/assure" in text
    assert says in text
    assert "of two" not in text
    assert "notificationUrl" not in text
