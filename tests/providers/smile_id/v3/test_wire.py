"""Proving callbacks of the third generation, and reading them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.any_json import JSON
from tests.providers.smile_id.v3.samples import (
    HEADERS,
    JOB,
    KEY,
    RECEIVED_AT,
    SIGNATURE,
    SIGNED_AT,
    as_bytes,
    attention,
    block,
    callback,
    clear,
    error,
    settings,
)
from vigil.domain.callback_event import Observation, StatusSeen, Unreadable
from vigil.domain.errors import CallbackRefused
from vigil.domain.terms import Outcome, Proof
from vigil.providers.smile_id.signature import Signatures
from vigil.providers.smile_id.v3.wire import prove_v3, read_v3


def signatures(partner_id: str = "2041", *keys: str) -> Signatures:
    account = settings(partner_id=partner_id, api_key=list(keys or (KEY,)))
    return Signatures(account.partner_id, account.api_key)


def refusal(headers: dict[str, str], body: object = None) -> str:
    with pytest.raises(CallbackRefused) as caught:
        prove_v3(signatures(), callback(clear() if body is None else body, headers))
    return caught.value.reason


def observe(body: object, headers: dict[str, str] | None = None) -> Observation:
    return read_v3(as_bytes(body), HEADERS if headers is None else headers).observation


def test_the_vendors_own_signature_proves_a_callback_but_not_its_body() -> None:
    genuine = prove_v3(signatures(), callback(clear()))

    assert genuine.proof is Proof.UNBOUND
    assert genuine.kept_body == as_bytes(clear())
    assert prove_v3(signatures(), callback(block())).proof is Proof.UNBOUND


def test_either_of_two_live_keys_proves_a_callback() -> None:
    assert prove_v3(signatures("2041", "another-key-7", KEY), callback(clear())).proof is Proof.UNBOUND


def test_an_id_that_is_kept_with_zeros_in_front_is_also_tried_without_them() -> None:
    assert prove_v3(signatures("0002041"), callback(clear())).proof is Proof.UNBOUND


@pytest.mark.parametrize(
    ("age", "proof"),
    [
        (timedelta(0), Proof.UNBOUND),
        (timedelta(minutes=14, seconds=59), Proof.UNBOUND),
        (timedelta(minutes=15, seconds=1), Proof.STALE),
        (timedelta(days=400), Proof.STALE),
        (timedelta(minutes=-14), Proof.UNBOUND),
        (timedelta(minutes=-16), Proof.STALE),
    ],
)
def test_a_signature_proves_less_when_it_is_old(age: timedelta, proof: Proof) -> None:
    request = replace(callback(clear()), received_at=RECEIVED_AT - timedelta(milliseconds=500) + age)

    assert prove_v3(signatures(), request).proof is proof


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing_signature"),
        ({"response-timestamp": SIGNED_AT}, "missing_signature"),
        ({"response-signature": SIGNATURE}, "missing_signature"),
        ({"response-signature": "", "response-timestamp": SIGNED_AT}, "missing_signature"),
        ({"response-signature": SIGNATURE, "response-timestamp": "2026-10-01T09:00:03.501Z"}, "wrong_signature"),
        ({"response-signature": SIGNATURE, "response-timestamp": "2026-10-01T09:00:03.5Z"}, "wrong_signature"),
        ({"response-signature": SIGNATURE[:-1], "response-timestamp": SIGNED_AT}, "wrong_signature"),
        ({"response-signature": "ü\udc80", "response-timestamp": SIGNED_AT}, "wrong_signature"),
    ],
)
def test_a_callback_without_a_good_signature_is_refused(headers: dict[str, str], reason: str) -> None:
    assert refusal(headers) == reason


def test_a_signature_inside_the_body_proves_nothing_here() -> None:
    body = clear(signature=SIGNATURE, timestamp=SIGNED_AT)

    assert refusal({"job-id": JOB}, body) == "missing_signature"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (clear(), StatusSeen(word="clear", looks="final", part="whole")),
        (attention(), StatusSeen(word="attention", code="document_expired", looks="final", part="whole")),
        (block(), StatusSeen(word="block", code="face_verification_failed", looks="final", part="whole")),
        (
            error(),
            StatusSeen(word="error", code="service_unavailable", looks="final", ended=Outcome.FAILED, part="whole"),
        ),
        (
            block(product="aml_monitoring_update", reason="aml_match_found"),
            StatusSeen(word="block", code="aml_match_found", looks="final", part="whole"),
        ),
        (clear(status="processing"), StatusSeen(word="processing", looks="open", part="whole")),
        (clear(status="complete"), StatusSeen(word="complete", looks="final", part="whole")),
        (clear(status="Clear"), StatusSeen(word="Clear", looks="unrecognised", part="whole")),
        (clear(status="manual_review"), StatusSeen(word="manual_review", looks="unrecognised", part="whole")),
        (clear(status="some body's words"), StatusSeen(looks="unrecognised", part="whole")),
        (clear(status="approved"), StatusSeen(word="approved", looks="unrecognised", part="whole")),
        (clear(status="pending"), StatusSeen(word="pending", looks="unrecognised", part="whole")),
        (clear(status="rejected"), StatusSeen(word="rejected", looks="unrecognised", part="whole")),
        (clear(status=None), Unreadable(why="wrong_shape")),
        (clear(status=1), Unreadable(why="wrong_shape")),
        ({}, Unreadable(why="wrong_shape")),
        ([], Unreadable(why="wrong_shape")),
        (b'{"status": "cl', Unreadable(why="not_json")),
        (b'{"status": "clear", "status": "block"}', Unreadable(why="wrong_shape")),
        (b"[" * 60 + b"]" * 60, Unreadable(why="too_deep")),
    ],
)
def test_a_callback_says(body: object, expected: Observation) -> None:
    assert observe(body) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (JOB, JOB),
        ("job_01h2xcejqtf2nbrexx3vqjhp41", "job_01h2xcejqtf2nbrexx3vqjhp41"),
        (None, None),
        ("", None),
        ("job_01KJ0000000000000000000001", "job_01kj0000000000000000000001"),
        ("job_01kj000000000000000000000l", None),
        ("job_01kj00000000000000000000011", None),
        ("job_01kj0000000000000000000001/../../v3/token", None),
        ("chk-8a01", None),
    ],
)
def test_the_reference_is_the_header_or_nothing(given: str | None, expected: str | None) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "job-id"}
    if given is not None:
        headers["job-id"] = given
    # Some have seen ids in here, and others that they are taken out.
    body = clear(partner_params={"job_id": "job_01h2xcejqtf2nbrexx3vqjhp41"}, job_id="job_01h2xcejqtf2nbrexx3vqjhp41")

    assert read_v3(as_bytes(body), headers).reference == expected


def test_a_body_that_cannot_be_read_still_has_the_reference_of_its_header() -> None:
    read = read_v3(b"nothing of ours", HEADERS)

    assert (read.reference, read.sender, read.identity) == (JOB, "v3", None)


def test_every_callback_is_of_the_same_sender_whatever_the_product() -> None:
    products = ("enhanced_kyc", "one_time_aml", "aml_monitoring_update", "something_new", None)

    assert {read_v3(as_bytes(clear(product=product)), HEADERS).sender for product in products} == {"v3"}


def identity(body: dict[str, Any], **headers: str) -> str | None:
    return read_v3(
        as_bytes(body), HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    ).identity


def test_the_same_delivery_twice_has_one_identity_and_a_replay_another() -> None:
    replayed = identity(clear(), response_timestamp="2026-10-01T10:00:00.000Z")

    assert identity(clear()) == identity(clear(message="Checked again"))
    # A replay brings fresh links: if it counted as heard before, nobody would look at them.
    assert identity(clear()) != replayed
    assert identity(clear()) != identity(clear(product="aml_monitoring_update"))
    assert identity(block()) != identity(block(reason="spoof_detected"))
    assert identity(clear()) != identity(clear(), job_id="job_01h2xcejqtf2nbrexx3vqjhp41")


def details(body: dict[str, Any]) -> str | None:
    return read_v3(as_bytes(body), HEADERS).details


@pytest.mark.parametrize(
    ("changes", "is_alike"),
    [
        ({}, True),
        ({"message": "Checked again", "completed_at": "2026-10-01T10:00:03.000Z"}, True),
        ({"kyc_receipt": "https://files.invalid/receipt/8a01?expires=2"}, True),
        ({"kyc_receipt": "https://files.invalid/receipt/8a02"}, False),
        ({"kyc_receipt": "https://elsewhere.invalid/receipt/8a01"}, False),
        ({"kyc_receipt": None}, False),
        ({"image_links": {"selfie_image": "https://files.invalid/a"}}, False),
        ({"reason": "name_mismatch"}, False),
        ({"no_of_persons_found": 0}, False),
    ],
)
def test_two_callbacks_agree_if_reason_checks_and_files_are_the_same(changes: dict[str, Any], is_alike: object) -> None:
    assert (details(attention(**changes)) == details(attention())) is is_alike


def test_news_of_a_watched_list_has_a_topic_of_its_own() -> None:
    found = read_v3(as_bytes(clear(product="aml_monitoring_update")), HEADERS)

    assert (found.topic, read_v3(as_bytes(clear()), HEADERS).topic) == ("monitoring", None)


def test_fields_that_no_document_has_are_named() -> None:
    links = {"selfie_image": "https://files.invalid/a", "visa_image": "x"}
    body = attention(risk={"x": 1}, image_links=links, partner_params={"user_id": "cust-31"})

    assert read_v3(as_bytes(body), HEADERS).unknown_fields == ("image_links.visa_image", "risk")


@pytest.mark.parametrize(
    ("header", "reference", "other"),
    [
        (JOB, JOB, None),
        ("a1b2c3d4e5", None, "a1b2c3d4e5"),
        ("job_01kj000000000000000000000l", None, "job_01kj000000000000000000000l"),
        ("../token", None, None),
        ("x" * 65, None, None),
    ],
)
def test_a_job_id_of_the_partners_own_counts_after_the_correlation(
    header: str, reference: str | None, other: str | None
) -> None:
    found = read_v3(as_bytes(clear()), {**HEADERS, "job-id": header})

    assert (found.reference, found.other_reference) == (reference, other)


def test_what_a_partner_added_is_no_unknown_field() -> None:
    found = read_v3(as_bytes(attention(partner_params={"tenant": "north"})), HEADERS)

    assert found.unknown_fields == ()
    assert "north" not in repr(found)


@given(body=JSON)
def test_reading_never_fails_whatever_a_stranger_sends(body: object) -> None:
    assert read_v3(as_bytes(body), HEADERS).reference == JOB


@given(field=st.sampled_from(sorted(attention())), value=JSON)
def test_reading_never_fails_whatever_a_field_holds(field: str, value: object) -> None:
    assert read_v3(as_bytes(attention(**{field: value})), HEADERS).reference == JOB
