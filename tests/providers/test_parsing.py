"""What the body of a callback may cost before anything is proven."""

import time

import pytest

from vigil.providers.parsing import CallbackBody, NotReadable, parse_json

SIZE = 2 * 1024 * 1024
BOMBS = {
    "arrays": b"[" + b"[]," * 690_000 + b"[]]",
    "objects": b"[" + b"{}," * 690_000 + b"{}]",
    "numbers": b"[" + b"1," * 1_040_000 + b"1]",
    "names": b"{" + b",".join(b'"%d":1' % number for number in range(150_000)) + b"}",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_by_a_look_at_its_bytes_and_is_never_parsed(bomb: bytes) -> None:
    assert len(bomb) <= SIZE
    parse_json(bomb)  # it is JSON
    body = CallbackBody(bomb)
    began = time.process_time()

    with pytest.raises(NotReadable) as caught:
        parse_json(body)

    looked = time.process_time() - began
    assert (caught.value.why, caught.value.refusal) == ("too_complex", "too_complex")
    assert looked < 0.05  # the parser needs 0.2 s and more for each


def test_twenty_thousand_commas_and_brackets_are_taken_and_one_more_is_not() -> None:
    assert len(parse_json(CallbackBody(b"[" + b"0," * 19_999 + b"0]"))) == 20_000
    with pytest.raises(NotReadable, match="too_complex"):
        parse_json(CallbackBody(b"[" + b"0," * 20_000 + b"0]"))


def test_a_photo_of_two_megabytes_is_taken() -> None:
    photo = b"A" * (SIZE - 100)

    assert parse_json(CallbackBody(b'{"Photo": "%s", "status": "OK", "id": 7}' % photo))["status"] == "OK"


def test_a_body_is_parsed_once_however_often_it_is_asked() -> None:
    body, unreadable = CallbackBody(b'{"id": 7}'), CallbackBody(b'{"id": 7')

    assert parse_json(body) is parse_json(body)
    for _ in range(2):
        with pytest.raises(NotReadable, match="not_json"):
            parse_json(unreadable)


def test_the_answer_of_a_provider_may_have_more_values_than_a_callback() -> None:
    assert len(parse_json(b"[" + b"0," * 20_000 + b"0]")) == 20_001


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[" * 42 + b"]" * 42, "too_deep"),
        (b"[" * 19_000, "too_deep"),
        (b'{"a":' * 19_000, "too_deep"),
        (b"[", "not_json"),
    ],
)
def test_depth_is_judged_as_before(body: bytes, why: str) -> None:
    with pytest.raises(NotReadable, match=why):
        parse_json(CallbackBody(body))
    assert parse_json(CallbackBody(b"[" * 40 + b"]" * 40))
