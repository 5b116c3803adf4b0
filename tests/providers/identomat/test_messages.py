"""What we are asked to send, to whom, and when we are not sure to whom."""

import json
from typing import Any

import pytest
from hypothesis import given

from tests.providers.any_json import JSON
from tests.providers.identomat.samples import SESSION, change, message, video
from vigil.domain.message import MessageKind
from vigil.providers.identomat.messages import IdentomatMessageReader

LINK = "https://widget.example.test/?session_token=" + SESSION


def read(shape: Any, field: str | None = None) -> Any:
    return IdentomatMessageReader(field).read_message(json.dumps(shape).encode())


@pytest.mark.parametrize("kind", ["one-time-password", "one-time-password-request", "One-Time-Password"])
def test_a_code_goes_to_the_phone_as_it_is_written(kind: str) -> None:
    found = read(message(kind, phoneNumber="+12025550147"))

    assert (found.kind, found.reference, found.address) == (MessageKind.ONE_TIME_PASSWORD, SESSION, "+12025550147")
    assert (found.content, found.subject, found.link) == ("4021 is your verification code", None, None)


def test_a_link_is_sent_behind_the_text_that_does_not_hold_it() -> None:
    shape = message("share-session-link-via-sms", text="Dear Ada", phoneNumber="+12025550147", sessionLink=LINK)

    found = read(shape)

    assert (found.kind, found.address) == (MessageKind.SESSION_LINK_BY_SMS, "+12025550147")
    assert found.content == f"Dear Ada\n{LINK}"


@pytest.mark.parametrize("field", ["email", "emailAddress", "recipient"])
def test_an_address_is_found_in_whatever_field_it_stands(field: str) -> None:
    shape = message(
        "share-session-link-via-email", subject="Finish", sessionLink=LINK + "&m=a@b.c", **{field: "a@b.test "}
    )

    found = read(shape)

    assert (found.kind, found.address, found.subject) == (MessageKind.SESSION_LINK_BY_EMAIL, "a@b.test", "Finish")
    assert found.link == LINK + "&m=a@b.c"


OTP = "email-one-time-password-request"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, None),
        ({"email": "a@b.test", "replyTo": "c@d.test"}, None),
        ({"text": "write to help@shop.test"}, None),
        ({"text": "a@b.test"}, None),
        ({"email": "Ada <a@b.test>"}, None),
        ({"email": ["a@b.test"]}, None),
        ({"to": {"email": "a@b.test"}}, None),
        ({"email": "a@b.test"}, "to"),
        ({"to": "Ada", "email": "a@b.test"}, "to"),
        ({"to": 7}, "to"),
    ],
)
def test_an_address_in_doubt_is_none(fields: dict[str, Any], field: str | None) -> None:
    found = read(message(OTP, **fields), field)

    assert (found.kind, found.address) == (MessageKind.EMAIL_ONE_TIME_PASSWORD, None)


def test_the_configured_field_has_the_address_among_others() -> None:
    assert read(message(OTP, to="a@b.test", replyTo="c@d.test"), "to").address == "a@b.test"


def test_one_address_in_two_fields_is_no_doubt() -> None:
    assert read(message(OTP, to="a@b.test", email="a@b.test")).address == "a@b.test"


def test_a_missing_number_leaves_the_receiver_unknown() -> None:
    assert read(message("one-time-password", phone="+12025550147")).address is None


@pytest.mark.parametrize(
    "shape",
    [
        change(),
        video(),
        message("one-time-password-requested"),
        message("one-time-password", sessionId=None),
        message("one-time-password", text=None),
        message("one-time-password", text=" "),
        message("one-time-password", text=["4021"]),
        [],
        "one-time-password",
    ],
)
def test_it_asks_for_no_message(shape: object) -> None:
    assert read(shape) is None


def test_half_a_character_can_still_be_sent() -> None:
    assert read(message("one-time-password", text="code \ud83d")).text.encode() == b"code ?"


def test_half_a_character_in_an_address_keeps_nothing_from_being_asked_for() -> None:
    found = read(message(OTP, email="ada\ud83d@b.test"))

    assert (found.kind, found.address) == (MessageKind.EMAIL_ONE_TIME_PASSWORD, "ada?@b.test")


@given(JSON)
def test_nothing_makes_reading_fail(content: Any) -> None:
    for shape in (content, {"type": content}, message(OTP, text=content), message(OTP, email=content)):
        read(shape)


def test_nothing_of_it_is_shown() -> None:
    found = read(message("share-session-link-via-email", text="Dear Ada", email="ada@b.test", sessionLink=LINK))

    assert not any(part in repr(found) for part in ("Dear", "ada", "widget"))
