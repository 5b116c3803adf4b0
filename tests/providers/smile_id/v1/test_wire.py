"""What a callback of the first generation proves, and what it says."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.providers.any_json import JSON
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
    result,
    sign,
)
from vigil.domain.callback_event import StatusSeen, Unreadable
from vigil.domain.errors import CallbackRefused
from vigil.domain.terms import Proof, SessionKind
from vigil.providers.contract import Callback
from vigil.providers.smile_id.signature import Signatures
from vigil.providers.smile_id.v1.wire import prove_v1, read_v1

SIGNATURES = Signatures(PARTNER, (SecretStr(KEY),))

_PATIENT = given_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(content: object) -> Callback:
    return read_v1(json.dumps(content).encode())


def observe(content: object) -> StatusSeen:
    observation = read(content).observation
    assert isinstance(observation, StatusSeen)
    return observation


def test_a_signature_beside_the_body_proves_its_time_and_not_its_body() -> None:
    body = sign(IDENTITY)

    assert prove_v1(SIGNATURES, callback(body)).proof is Proof.UNBOUND
    assert prove_v1(SIGNATURES, callback(body | {"ResultCode": "1013"})).proof is Proof.UNBOUND


def test_a_pair_that_is_used_again_later_is_stale() -> None:
    assert prove_v1(SIGNATURES, callback(sign(IDENTITY), NOW + timedelta(minutes=16))).proof is Proof.STALE


def test_a_time_that_is_a_number_is_signed_as_it_stands_there() -> None:
    body = sign(IDENTITY, stamp="1770112802110") | {"timestamp": 1770112802110}

    assert prove_v1(SIGNATURES, callback(body)).proof is Proof.UNBOUND


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"ResultCode": ', "unprovable"),
        (b"\xff\xfe", "unprovable"),
        (b"[1]", "unprovable"),
        (b'{"signature": "a", "signature": "b", "timestamp": "c"}', "unprovable"),
        (IDENTITY, "missing_signature"),
        (sign(IDENTITY) | {"timestamp": None}, "missing_signature"),
        (sign(IDENTITY) | {"signature": 5}, "missing_signature"),
        (sign(IDENTITY) | {"signature": ""}, "wrong_signature"),
        (sign(IDENTITY) | {"timestamp": "2026-02-03T10:00:02.111Z"}, "wrong_signature"),
        (sign(IDENTITY, key="another"), "wrong_signature"),
        (sign(IDENTITY, partner="2042"), "wrong_signature"),
        (IDENTITY | {"sec_key": "c2VjcmV0|0f0f", "timestamp": 1770112802}, "sec_key_only"),
    ],
)
def test_what_is_not_signed_is_refused(body: object, reason: str) -> None:
    with pytest.raises(CallbackRefused) as caught:
        prove_v1(SIGNATURES, callback(body))

    assert caught.value.reason == reason


def test_a_signature_is_never_kept_and_all_else_is() -> None:
    kept = prove_v1(SIGNATURES, callback(sign(IDENTITY))).kept_body

    assert json.loads(kept) == IDENTITY | {"timestamp": STAMP}


def test_a_callback_names_its_job_and_what_else_job_status_asks_for() -> None:
    found = read(sign(IDENTITY))

    assert (found.reference, found.coordinates, found.sender) == (JOB, {"user_id": USER, "job_type": "1"}, "v1")
    assert found.session_kind is SessionKind.PERSON
    assert not found.intermediate


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (IDENTITY, StatusSeen(word="1012", code="1012", looks="open", part="identity")),
        (BIOMETRIC, StatusSeen(word="0814", code="0814", looks="open", part="biometric")),
        (result("0810"), StatusSeen(word="0810", code="0810", looks="open", part="biometric")),
        (result("0811"), StatusSeen(word="0811", code="0811", looks="final", part="biometric")),
        (result("1210"), StatusSeen(word="1210", code="1210", looks="final", part="biometric")),
        (result("1013"), StatusSeen(word="1013", code="1013", looks="final", part="identity")),
        (result("1015"), StatusSeen(word="1015", code="1015", looks="open", part="identity")),
        (result("1012", 5), StatusSeen(word="1012", code="1012", looks="final", part="whole")),
        (result("0812", 6), StatusSeen(word="0812", code="0812", looks="final", part="whole")),
        (result("0812", 1), StatusSeen(word="0812", code="0812", looks="open", part="biometric")),
        (result("0846", 4), StatusSeen(word="0846", code="0846", looks="open", part="whole")),
        (result("1012", 11), StatusSeen(word="1012", code="1012", looks="open", part="identity")),
        (
            result("1012", 7, ResultType="Business Verification"),
            StatusSeen(word="1012", code="1012", looks="final", part="whole"),
        ),
        (result("0810", 9), StatusSeen(word="0810", code="0810", looks="unrecognised", part="whole")),
        (
            result("9999", ResultType="SAIA"),
            StatusSeen(word="9999", code="9999", looks="unrecognised", part="biometric"),
        ),
        (
            IDENTITY | {"ResultCode": "9999"},
            StatusSeen(word="9999", code="9999", looks="unrecognised", part="identity"),
        ),
        (
            result("1012", 5, ResultType="Some new type"),
            StatusSeen(word="1012", code="1012", looks="final", part="whole"),
        ),
    ],
)
def test_what_a_result_looks_like_depends_on_its_type_of_job(content: dict[str, Any], expected: StatusSeen) -> None:
    assert observe(content) == expected


@pytest.mark.parametrize("job_type", [6, "6", 6.0, "6.0"])
def test_a_type_of_job_is_read_however_it_is_written(job_type: object) -> None:
    found = read(result("0810", job_type))

    assert found.coordinates["job_type"] == "6"
    assert observe(result("0810", job_type)).looks == "final"


@pytest.mark.parametrize("job_type", [True, None, "six", 0, 13, 1.5, "01", [6]])
def test_what_is_no_type_of_job_decides_nothing(job_type: object) -> None:
    assert "job_type" not in read(result("0810", job_type)).coordinates
    assert observe(result("0810", job_type)).looks == "unrecognised"


def test_a_code_that_lost_its_zero_is_read_with_it() -> None:
    assert observe(result(812, 6)) == StatusSeen(word="0812", code="0812", looks="final", part="whole")


@pytest.mark.parametrize("said", ["true", "false", None, True])
def test_the_word_final_in_a_callback_changes_nothing(said: object) -> None:
    assert observe(BIOMETRIC | {"IsFinalResult": said}) == observe(BIOMETRIC)


def test_two_deliveries_are_one_event_and_two_results_of_a_job_are_two() -> None:
    found = [
        read(sign(content, stamp=stamp)).identity
        for content, stamp in [(IDENTITY, STAMP), (IDENTITY, STAMP), (BIOMETRIC, STAMP), (IDENTITY, "later")]
    ]

    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_names_of_the_partners_own_are_no_unknown_fields() -> None:
    content = sign(IDENTITY)
    content["PartnerParams"] = content["PartnerParams"] | {"tenant": "north", "sandbox_result": "0"}

    found = read(content | {"Novelty": "of 2031"})

    assert found.unknown_fields == ("Novelty",)
    assert "north" not in repr(found)


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ("job 12", "job 12"),
        (" job 12\t", "job 12"),
        ("j\u00f6b-1", "j\u00f6b-1"),
        ("jo\u0308b-1", "j\u00f6b-1"),
        (12, "12"),
    ],
)
def test_a_job_and_its_user_have_any_id_that_a_partner_gives_them(written: object, reference: str) -> None:
    read_of = read(result("1012") | {"PartnerParams": {"job_id": written, "user_id": written, "job_type": 5}})

    assert (read_of.reference, read_of.coordinates) == (reference, {"user_id": reference, "job_type": "5"})


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        "2302",
        result("1012") | {"PartnerParams": None},
        result("1012") | {"PartnerParams": {"job_id": [7]}},
        result("1012") | {"PartnerParams": {"job_id": "with\nbreak", "job_type": 1}},
        result("1012") | {"PartnerParams": {"job_id": "x" * 201, "job_type": 1}},
        result(None),
        result({"a": 1}),
        result("two words"),
    ],
)
def test_what_names_no_job_or_no_code_is_unreadable(content: object) -> None:
    assert read(content).observation == Unreadable(why="wrong_shape")


def test_a_body_with_a_picture_of_one_and_a_half_megabytes_is_read() -> None:
    content = sign(IDENTITY | {"Photo": "A" * 1_500_000})

    kept = prove_v1(SIGNATURES, callback(content)).kept_body

    assert read_v1(kept).reference == JOB


@_PATIENT
@given(st.dictionaries(st.sampled_from(["PartnerParams", "ResultCode", "ResultType", "Actions", "timestamp"]), JSON))
def test_no_content_makes_reading_fail(content: dict[str, Any]) -> None:
    assert read(content).sender == "v1"


@_PATIENT
@given(st.binary(max_size=200))
def test_no_bytes_make_reading_fail(body: bytes) -> None:
    assert read_v1(body).sender == "v1"
