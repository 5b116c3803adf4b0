"""Rooms and recordings are found in whatever shape they come, or it is said that one cannot be asked for."""

from typing import Any

import pytest

from vigil.domain.snapshot import MOST_ROOMS, Artifact, Room
from vigil.domain.terms import EvidenceKind
from vigil.providers.identomat.rooms import read_calls


def room(status: str, *, ready: bool | None, file: str | None = None, name: str = "r-1") -> Room:
    shape = {"room": name, "status": status, "composition_ready": False, "file_ready": ready, "file_id": file}
    return Room.model_validate(shape)


CAMEL = {"roomId": "r-1", "roomStatus": "ended", "videoFileStatus": "available", "videoFileId": "vf-1"}
SNAKE = {"room_id": "r-1", "room_status": "ended", "video_file_status": "available", "video_file_id": "vf-1"}
ONE = room("ended", ready=True, file="vf-1")
OTHER = {"roomId": "r-2", "roomStatus": "empty", "videoFileStatus": None, "videoFileId": None}
EMPTY = room("empty", ready=False, name="r-2")


@pytest.mark.parametrize(
    ("status", "rooms", "files"),
    [
        (None, (), []),
        ({}, (), []),
        ([], (), []),
        ("empty", (), []),
        (CAMEL, (ONE,), ["vf-1"]),
        (SNAKE, (ONE,), ["vf-1"]),
        ([CAMEL, OTHER], (ONE, EMPTY), ["vf-1"]),
        ({"rooms": [CAMEL, OTHER]}, (ONE, EMPTY), ["vf-1"]),
        ({"history": {"calls": [[CAMEL]], "operator": {"name": "Ada"}}}, (ONE,), ["vf-1"]),
        (OTHER, (EMPTY,), []),
        ({"roomId": "r-1", "roomStatus": "ended"}, (room("ended", ready=False),), []),
        ({"roomId": "r-1", "roomStatus": "paused"}, (room("unrecognised", ready=False),), []),
        (
            {"roomId": "r-1", "roomStatus": "ended", "fileId": "vf-1"},
            (room("ended", ready=None, file="vf-1"),),
            ["vf-1"],
        ),
        (
            {"roomId": "r-1", "roomStatus": "ended", "files": [{"fileId": "vf-1"}, {"fileId": "vf-2"}]},
            (room("ended", ready=None, file="vf-1"), room("ended", ready=None, file="vf-2")),
            ["vf-1", "vf-2"],
        ),
        ({"videoFileId": "vf-1"}, (), ["vf-1"]),
        ([CAMEL, CAMEL], (ONE,), ["vf-1"]),
    ],
)
def test_rooms_and_recordings_are_found(status: object, rooms: tuple[Room, ...], files: list[str]) -> None:
    calls = read_calls({"videoCallStatus": status})

    assert (calls.rooms, [recording.locator for recording in calls.recordings]) == (rooms, files)
    assert not calls.has_unaddressed


@pytest.mark.parametrize(("status", "ready"), [("available", True), (None, False), ("joining", None)])
def test_whether_the_parts_of_a_call_are_joined_is_read(status: object, *, ready: bool | None) -> None:
    [room] = read_calls({"videoCallStatus": CAMEL | {"compositionStatus": status}}).rooms

    assert room.composition_ready is ready


def test_a_named_recording_that_is_not_available_is_awaited() -> None:
    one = CAMEL | {"videoFileStatus": None}

    assert [each.ready for each in read_calls({"videoCallStatus": one}).recordings] == [False]
    assert [each.ready for each in read_calls({"videoCallStatus": [one, CAMEL]}).recordings] == [True]


def test_the_other_spelling_of_the_field_itself_is_read_too() -> None:
    assert read_calls({"video_call_status": CAMEL}).rooms == (ONE,)


def test_no_field_speaks_of_no_calls() -> None:
    calls = read_calls({"roomId": "r-1"})

    assert (calls.rooms, calls.recordings, calls.has_unaddressed) == ((), (), False)


def test_a_recording_is_named_by_its_file() -> None:
    assert read_calls({"videoCallStatus": CAMEL}).recordings == (
        Artifact(name="recording-vf-1", kind=EvidenceKind.CALL_RECORDING, locator="vf-1", ready=True),
    )


@pytest.mark.parametrize("length", [54, 64])
def test_a_long_file_id_still_makes_a_name(length: int) -> None:
    [recording] = read_calls({"videoCallStatus": CAMEL | {"videoFileId": "f" * length}}).recordings

    assert (recording.locator, len(recording.name)) == ("f" * length, 64)


@pytest.mark.parametrize(
    "status",
    [
        "available",
        "AVAILABLE",
        ["available"],
        {"status": "available"},
        {"recording": {"state": "done"}},
        {"recordingUrl": "https://elsewhere.example/a.mp4"},
        {"compositionStatus": "available"},
        {"videoFileStatus": "available"},
        {"roomId": "r-1", "roomStatus": "ended", "videoFileStatus": "available"},
        {"roomId": "r-1", "videoFileStatus": "available", "videoFileId": "no word"},
        {"roomId": "r-1", "videoFileStatus": "available", "videoFileId": 7},
        [CAMEL, {"roomId": "r-2", "roomStatus": "ended", "videoFileStatus": "available"}],
    ],
)
def test_a_recording_without_a_name_is_said_to_be(status: object) -> None:
    assert read_calls({"videoCallStatus": status}).has_unaddressed


@pytest.mark.parametrize(
    "status",
    [
        "ended",
        7,
        True,
        {"status": "ended"},
        {"compositionStatus": None, "videoFileStatus": None},
        {"files": []},
        {"profile": {"name": "Ada"}},
    ],
)
def test_a_call_without_a_word_on_a_recording_asks_for_nobody(status: Any) -> None:
    calls = read_calls({"videoCallStatus": status})

    assert (calls.rooms, calls.recordings, calls.has_unaddressed) == ((), (), False)


def test_no_more_than_a_record_holds_is_reported() -> None:
    many = [{"roomId": f"r-{number}", "videoFileId": f"vf-{number}"} for number in range(500)]

    assert len(read_calls({"videoCallStatus": many}).rooms) == MOST_ROOMS
