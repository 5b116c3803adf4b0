"""What a callback says, and that nothing a stranger writes makes reading it fail."""

import json
from typing import Any

import pytest
from hypothesis import given

from tests.providers.any_json import JSON
from tests.providers.identomat.samples import SESSION, change, message, video
from vigil.domain.callback_event import RoomChanged, StatusSeen, Unreadable
from vigil.domain.terms import SessionKind
from vigil.providers.identomat.wire import read_callback

MISSING = object()


def body(shape: dict[str, Any]) -> bytes:
    return json.dumps({name: held for name, held in shape.items() if held is not MISSING}).encode()


@pytest.mark.parametrize(
    ("result", "looks"),
    [
        ("APPROVED", "final"),
        ("rejected", "final"),
        ("MANUAL_CHECK", "open"),
        ("ADDITIONAL_INFORMATION_REQUESTED", "open"),
        ("NO_SUCH_WORD", "unrecognised"),
    ],
)
def test_a_change_shows_a_word_and_what_it_looks_like(result: str, looks: str) -> None:
    callback = read_callback(body(change(result=result)))

    assert callback.reference == SESSION
    assert callback.observation == StatusSeen.model_validate({"word": result, "looks": looks})
    assert (callback.intermediate, callback.identity, callback.sender) == (False, None, None)


def test_two_equal_changes_are_never_taken_for_one() -> None:
    first, second = read_callback(body(change())), read_callback(body(change()))

    assert (first.identity, second.identity) == (None, None)


@pytest.mark.parametrize(
    ("session_type", "kind"),
    [
        (MISSING, SessionKind.PERSON),
        (None, SessionKind.PERSON),
        ("Kyb", SessionKind.BUSINESS),
        ("KYX", SessionKind.UNRECOGNISED),
    ],
)
def test_a_change_shows_whom_it_is_about(session_type: object, kind: SessionKind) -> None:
    assert read_callback(body(change(sessionType=session_type))).session_kind is kind


def test_a_room_does_not_show_whom_the_session_is_about() -> None:
    assert read_callback(body(video())).session_kind is None


NOTHING: dict[str, Any] = {"compositionStatus": None, "videoFileStatus": None, "videoFileId": None}
ABSENT = dict.fromkeys(NOTHING, MISSING)


@pytest.mark.parametrize(
    ("fields", "status", "file_ready", "file_id"),
    [
        ({}, "ended", True, "vf-90a1"),
        ({"videoFileStatus": "AVAILABLE"}, "ended", True, "vf-90a1"),
        ({"roomStatus": "empty", **NOTHING}, "empty", False, None),
        ({"roomStatus": "empty", **ABSENT}, "empty", False, None),
        (NOTHING, "ended", False, None),
        (ABSENT, "ended", False, None),
        ({"videoFileStatus": "processing"}, "ended", None, "vf-90a1"),
        ({"videoFileId": None}, "ended", None, None),
        ({"videoFileId": "not a word"}, "ended", None, None),
        ({"videoFileId": 7}, "ended", None, None),
        ({"roomStatus": "paused"}, "unrecognised", True, "vf-90a1"),
        ({"roomStatus": MISSING}, "unrecognised", True, "vf-90a1"),
    ],
)
def test_a_room_shows_how_it_stands_and_of_its_recording(
    fields: dict[str, Any], status: Any, file_ready: Any, file_id: str | None
) -> None:
    callback = read_callback(body(video(**fields)))

    assert callback.observation.model_copy(update={"composition_ready": None}) == RoomChanged(
        room="room-0032",
        room_status=status,
        file_ready=file_ready,
        file_id=file_id,
    )
    assert (callback.reference, callback.intermediate) == (SESSION, False)


@pytest.mark.parametrize(("status", "ready"), [("available", True), (None, False), (MISSING, False), ("joining", None)])
def test_a_room_shows_whether_its_parts_are_joined(status: Any, *, ready: bool | None) -> None:
    seen = read_callback(body(video(compositionStatus=status))).observation

    assert seen.model_dump()["composition_ready"] is ready


@pytest.mark.parametrize(
    ("raw", "why", "reference"),
    [
        (b"{", "not_json", None),
        (b"[" * 100 + b"]" * 100, "too_deep", None),
        (b"[]", "wrong_shape", None),
        (body(change(sessionId=MISSING)), "wrong_shape", None),
        (body(change(sessionId="")), "wrong_shape", None),
        (body(change(sessionId="with a space")), "wrong_shape", None),
        (body(change(sessionId="x" * 201)), "wrong_shape", None),
        (body(change(sessionId=[7])), "wrong_shape", None),
        (body(change(type=MISSING)), "wrong_shape", SESSION),
        (body(change(type=7)), "wrong_shape", SESSION),
        (body(change(result=MISSING)), "wrong_shape", SESSION),
        (body(change(result=["APPROVED"])), "wrong_shape", SESSION),
        (body(video(roomId=MISSING)), "wrong_shape", SESSION),
        (body(video(roomId="a room")), "wrong_shape", SESSION),
        (body(message("one-time-password", text="")), "wrong_shape", SESSION),
        (body(change(type="session-deleted")), "unknown_type", SESSION),
        (body(change(type="")), "unknown_type", SESSION),
    ],
)
def test_what_is_not_understood_is_said_to_be(raw: bytes, why: Any, reference: str | None) -> None:
    callback = read_callback(raw)

    assert (callback.observation, callback.reference) == (Unreadable(why=why), reference)


def test_names_that_the_documents_do_not_have_are_reported_and_what_they_hold_is_not() -> None:
    callback = read_callback(body(change(roomId="room-1", attempt="Ada Example")))

    assert callback.unknown_fields == ("attempt", "roomId")


@given(JSON)
def test_nothing_makes_reading_fail(content: Any) -> None:
    for shape in (content, change(result=content), video(roomId=content, videoFileId=content), {"type": content}):
        assert read_callback(json.dumps(shape).encode()).observation is not None


@given(JSON)
def test_no_odd_word_looks_like_an_end(content: Any) -> None:
    seen = read_callback(json.dumps(change(result=content)).encode()).observation

    assert not isinstance(seen, StatusSeen) or seen.looks == "unrecognised"
