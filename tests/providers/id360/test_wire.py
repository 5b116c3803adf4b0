"""What a callback says, whatever it holds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.any_json import JSON
from tests.providers.id360.samples import step_callback
from vigil.domain.callback_event import StatusSeen, StepFinished, Unreadable
from vigil.providers.contract import Callback
from vigil.providers.id360.wire import read_callback, read_reason


def read(content: object) -> Callback:
    return read_callback(json.dumps(content).encode())


def step(content: object) -> StepFinished:
    observation = read(content).observation
    assert isinstance(observation, StepFinished)
    return observation


def liveness(*documents: str, **changes: Any) -> dict[str, Any]:
    return step_callback(enrollment_step={"name": "liveness", "status": "OK", "documents": documents} | changes)


def test_a_finished_step_is_progress_and_nothing_more() -> None:
    callback = read(step_callback())

    assert (callback.reference, callback.intermediate) == ("700101", True)
    assert callback.observation.model_dump() == {
        "kind": "step",
        "done": 3,
        "total": 7,
        "name": "facecomparison",
        "check": "face_match",
        "ordinal": None,
        "status": "passed",
        "is_unnamed": False,
    }


def test_two_liveness_steps_stay_two() -> None:
    first, second = liveness("liveness_video$0"), liveness("liveness_video$1")

    assert [step(first).check_name, step(second).check_name] == ["liveness$0", "liveness$1"]
    assert read(first).identity != read(second).identity


@pytest.mark.parametrize(
    ("name", "documents", "check_name"),
    [
        ("liveness$1", ["liveness_video$1"], "liveness$1"),
        ("liveness$1", [], "liveness$1"),
        ("liveness", [], "liveness"),
        ("l" * 64, ["liveness_video$1"], "l" * 64),
        ("facecomparison", ["id_document_image", "liveness_video$1"], "facecomparison"),
        ("facecomparison", ["liveness_video$0", "liveness_video$1"], "facecomparison"),
    ],
)
def test_a_step_has_a_number_only_if_it_is_plain_which(name: str, documents: list[str], check_name: str) -> None:
    assert step(liveness(*documents, name=name)).check_name == check_name


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ({"status": "OK"}, "passed"),
        ({"result": "KO"}, "failed"),
        ({"status": "OK", "result": "KO"}, "passed"),
        ({"status": "HALF"}, "unrecognised"),
        ({}, "not_done"),
    ],
)
def test_the_outcome_of_a_step_stands_under_either_name(outcome: dict[str, str], status: str) -> None:
    assert step(step_callback(enrollment_step={"name": "otp"} | outcome)).status == status


@pytest.mark.parametrize("nothing", [None, {}, [], "OK", 7])
def test_a_start_without_a_step_shows_the_count_only(nothing: object) -> None:
    seen = step(step_callback(enrollment_step=nothing))

    assert (seen.done, seen.total, seen.name) == (3, 7, None)


@pytest.mark.parametrize(
    ("counts", "done", "total"),
    [
        ({"done": 0, "total": 7}, 0, 7),
        ({"done": 7}, 7, None),
        ({"done": 8, "total": 7}, None, None),
        ({"done": True, "total": 7}, None, 7),
        ({"done": "3", "total": 7.0}, None, None),
        ({"done": -1, "total": 10**30}, None, None),
        (None, None, None),
    ],
)
def test_only_a_count_that_can_be_true_is_progress(counts: object, done: int | None, total: int | None) -> None:
    seen = step(step_callback(steps_status=counts))

    assert (seen.done, seen.total) == (done, total)


@pytest.mark.parametrize(
    ("status", "looks", "ended", "done"),
    [
        ("OK", "final", None, 7),
        ("ok", "final", None, 7),
        ("KO", "final", None, 7),
        ("FAILED", "final", "failed", None),
        ("CANCELED", "final", "canceled", None),
        ("Canceled", "final", "canceled", None),
        ("CANCELLED", "final", "canceled", None),
        ("DISCONTINUED", "final", "canceled", None),
        ("Discontinued", "final", "canceled", None),
        ("NEW", "open", None, 7),
        ("DELETED", "open", None, None),
        ("SPLENDID", "unrecognised", None, None),
    ],
)
def test_a_status_looks_like_this_and_decides_nothing(
    status: str, looks: str, *, ended: str | None, done: int | None
) -> None:
    callback = read({"id": 700101, "status": status, "steps_status": {"done": 7, "total": 7}})

    assert callback.observation == StatusSeen.model_validate(
        # ID360 counts every step of a file that ended early as done, also the steps that never ran.
        {"word": status, "looks": looks, "ended": ended, "done": done, "total": 7}
    )
    assert (callback.reference, callback.intermediate) == ("700101", False)


@pytest.mark.parametrize(
    ("status", "word"),
    [("UP", "UP"), ("SP", "SP"), ("MIE User Processing", "MIE_USER_PROCESSING"), ("Sys Processing", "SYS_PROCESSING")],
)
def test_a_phase_at_an_external_means_is_progress_and_no_reason_to_read(status: str, word: str) -> None:
    callback = read({"id": 700101, "status": status, "steps_status": {"done": 2, "total": 7}})

    assert callback.observation == StatusSeen(word=word, looks="open", done=2, total=7)
    assert callback.intermediate


@pytest.mark.parametrize("step", [{"name": "", "status": "OK"}, {"status": "OK"}, {"name": "Jean's"}, "OK", 7])
def test_a_step_that_cannot_be_named_is_marked(step: object) -> None:
    assert read(step_callback(enrollment_step=step)).observation.model_dump()["is_unnamed"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"status": "KO", "reason": " 1 validations failed "}, "1 validations failed"),
        ({"status": "KO", "reason": "torn \ud800 emoji"}, "torn ? emoji"),
        ({"status": "KO", "reason": ""}, None),
        ({"status": "OK", "reason": None}, None),
        ({"status": "KO", "reason": ["x"]}, None),
        ([], None),
    ],
)
def test_the_text_of_a_reason_is_read_from_a_report_and_from_a_callback(body: object, text: str | None) -> None:
    assert read_reason(json.dumps(body).encode()) == text


def test_no_text_is_read_from_what_is_no_json() -> None:
    assert read_reason(b"{") is None


def test_a_status_that_is_no_word_is_not_passed_on() -> None:
    seen = read({"id": 700101, "status": "KO because Jeanne moved"}).observation

    assert seen == StatusSeen(word=None, looks="unrecognised")


@pytest.mark.parametrize(
    ("raw", "reference"),
    [
        (700101, "700101"),
        ("700101", "700101"),
        ("000700101", "700101"),
        (" 700101\n", "700101"),
        (0, "0"),
        (10**18, "1" + "0" * 18),
    ],
)
def test_an_id_is_one_reference_however_it_is_written(raw: object, reference: str) -> None:
    assert read({"id": raw, "status": "OK"}).reference == reference


@pytest.mark.parametrize("raw", [None, True, -1, 7.0, "7a", "", "٣", "7 7", [7], {"id": 7}, 10**19, "9" * 20])
def test_without_an_id_a_callback_has_the_wrong_shape(raw: object) -> None:
    callback = read({"id": raw, "status": "OK"})

    assert (callback.reference, callback.observation) == (None, Unreadable(why="wrong_shape"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not_json"),
        (b" ", "not_json"),
        (b"id=700101&status=OK", "not_json"),
        (b'{"id": 700101, "status": "OK"', "not_json"),
        (b'{"id": NaN, "status": "OK"}', "wrong_shape"),
        (b'{"id": Infinity, "status": "OK"}', "wrong_shape"),
        (b'{"id": ' + b"9" * 5000 + b', "status": "OK"}', "not_json"),
        ('{"id": 700101, "status": "é"}'.encode("latin-1"), "not_json"),
        ('{"id": 700101, "status": "OK"}'.encode("utf-16"), "not_json"),
        (b"[]", "wrong_shape"),
        (b'"OK"', "wrong_shape"),
        (b"null", "wrong_shape"),
        (b"{}", "wrong_shape"),
        (b'{"id": 700101}', "wrong_shape"),
        (b'{"id": 700101, "status": null}', "wrong_shape"),
        (b'{"id": 700101, "status": ["OK"]}', "wrong_shape"),
        (b'{"id": 700101, "id": 700102, "status": "OK"}', "wrong_shape"),
        (b'{"id": 700101, "status": "OK", "x": {"y": 1, "y": 2}}', "wrong_shape"),
        (b'{"id": 700101, "status": "OK", "x": ' + b"[" * 45 + b"]" * 45 + b"}", "too_deep"),
        (b"[" * 1_000_000, "too_deep"),
        (b'{"a":' * 200_000, "too_deep"),
    ],
)
def test_a_hostile_body_is_unreadable_for_a_named_reason(body: bytes, why: str) -> None:
    assert read_callback(body).observation == Unreadable.model_validate({"why": why})


def test_a_number_that_is_none_does_no_harm_where_nobody_reads_it() -> None:
    assert read_callback(b'{"id": 700101, "status": "OK", "score": NaN}').reference == "700101"


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_callback(b'\xef\xbb\xbf{"id": 700101, "status": "OK"}').reference == "700101"


def test_fields_that_we_do_not_know_are_named() -> None:
    callback = read(step_callback(extracted_data={}, sequence=4) | {"Jean's field": 1})

    assert callback.unknown_fields == ("extracted_data", "sequence")


def test_fields_that_we_do_not_know_are_named_by_the_object_that_holds_them() -> None:
    steps = {"done": 3, "total": 7, "skipped": 1}
    step = step_callback()["enrollment_step"] | {"score": 0.9, "": 0, "Jean's": 1, "x" * 60: 2}
    final = {"id": 700101, "status": "OK", "steps_status": steps, "enrollment_step": None}

    callback = read(step_callback(steps_status=steps, enrollment_step=step, **{"enrollment_step.score": 1}))

    assert callback.unknown_fields == ("enrollment_step.score", "steps_status.skipped")
    assert read(final).unknown_fields == ("steps_status.skipped",)
    assert read(step_callback()).unknown_fields == ()


def test_no_more_than_20_unknown_fields_are_named() -> None:
    step = {f"a{n}": n for n in range(15)}

    callback = read(step_callback(enrollment_step=step, **{f"b{n}": n for n in range(15)}))

    assert len(callback.unknown_fields) == 20


def test_a_redelivery_has_the_identity_of_the_first_delivery_and_another_event_has_not() -> None:
    first = read(step_callback()).identity
    again = read(dict(reversed(step_callback(reason="worded otherwise").items()))).identity
    others = [
        read(step_callback(id=700109)).identity,
        read(step_callback(steps_status={"done": 4, "total": 7})).identity,
        read(liveness("liveness_video$0")).identity,
        read(liveness("liveness_video$1")).identity,
        read({"id": 700101, "status": "OK"}).identity,
        read({"id": 700101, "status": "KO"}).identity,
    ]

    assert first == again
    assert len({first, *others}) == 7
    assert (
        read({"id": "700101", "status": "ok", "reason": "x"}).identity == read({"id": 700101, "status": "OK"}).identity
    )


FIELDS = ["id", "status", "reason", "steps_status", "enrollment_step"]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)) | JSON)
def test_no_json_raises(content: object) -> None:
    read(content)


@given(
    st.fixed_dictionaries(
        {"name": JSON, "status": JSON, "documents": st.lists(JSON, max_size=30) | JSON, "result": JSON}
    ),
    st.fixed_dictionaries({"done": JSON, "total": JSON}),
)
def test_no_step_raises(step: dict[str, Any], counts: dict[str, Any]) -> None:
    assert read(step_callback(enrollment_step=step, steps_status=counts)).reference == "700101"


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    read_callback(body)
