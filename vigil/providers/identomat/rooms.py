"""Reads the video calls of a result by the names of their fields: the shape of `videoCallStatus` is unknown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vigil.domain.evidence import recording
from vigil.domain.progress import merge_rooms
from vigil.domain.snapshot import Artifact, Room
from vigil.domain.terms import as_word
from vigil.providers.identomat import vocabulary
from vigil.providers.identomat.wire import file_id

FIELD: Final = "videoCallStatus"
_SPELLINGS: Final = (FIELD, "video_call_status")

# inferred: the names of the callback in either spelling, and the name in the request for a recording
_ROOM: Final = ("roomid",)
_ROOM_STATUS: Final = ("roomstatus",)
_COMPOSITION: Final = ("compositionstatus",)
_FILE: Final = ("videofileid", "fileid")
_FILE_STATUS: Final = ("videofilestatus", "filestatus")
_RECORDING_PREFIXES: Final = ("record", "file", "videofile", "composition")
"""Prefixes of the names of fields about a recording (inferred)."""


@dataclass(frozen=True)
class VideoCalls:
    """The video calls of a result."""

    rooms: tuple[Room, ...] = ()
    recordings: tuple[Artifact, ...] = ()
    has_unaddressed: bool = False
    """The result mentions a recording, but no id with which to request it."""


@dataclass(frozen=True)
class _RoomReport:
    """One object about a room or its recording."""

    room: str | None
    status: object
    composition_ready: bool | None
    file: str | None
    file_ready: bool | None


def read_calls(result: Mapping[str, Any]) -> VideoCalls:
    """Return the video calls of a result. Never raises: another shape means no calls."""
    status = next((result[name] for name in _SPELLINGS if result.get(name) is not None), None)
    reports = tuple(_find_reports(status, room=None))
    files: dict[str, bool] = {}
    for each in reports:
        if each.file is not None:
            files[each.file] = files.get(each.file, False) or each.file_ready is not False
    is_mentioned = any(each.file is None and each.file_ready for each in reports)
    return VideoCalls(
        rooms=merge_rooms(tuple(_room(each.room, each) for each in reports if each.room is not None)),
        recordings=tuple(recording(file, ready=ready) for file, ready in files.items()),
        has_unaddressed=is_mentioned or (not files and _mentions_recording(status)),
    )


def _find_reports(value: object, *, room: str | None) -> Iterator[_RoomReport]:
    """Yield the reports at any depth. An object inside a room's object belongs to that room."""
    if isinstance(value, list):
        for item in value:
            yield from _find_reports(item, room=room)
    if not isinstance(value, dict):
        return
    fields = {_plain(name): held for name, held in value.items()}
    room = as_word(_first(fields, _ROOM)) or room
    inner = [each for held in value.values() for each in _find_reports(held, room=room)]
    file = file_id(_first(fields, _FILE))
    if any(name in fields for name in (*_ROOM, *_ROOM_STATUS, *_FILE, *_FILE_STATUS)):
        status = _first(fields, _FILE_STATUS)
        # An id without a status, here or further inside, does not say whether the file is available.
        has_status = any(name in fields for name in _FILE_STATUS)
        is_only_named = (not has_status) if file is not None else any(each.file for each in inner)
        ready = None if is_only_named else vocabulary.is_available(status)
        yield _RoomReport(
            room=room,
            status=_first(fields, _ROOM_STATUS),
            composition_ready=vocabulary.is_available(_first(fields, _COMPOSITION)),
            file=file,
            file_ready=ready,
        )
    yield from inner


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _room(room: str, report: _RoomReport) -> Room:
    status = vocabulary.room_status(report.status)
    return Room(
        room=room,
        status=status,
        composition_ready=report.composition_ready,
        file_ready=report.file_ready,
        file_id=report.file,
    )


def _mentions_recording(value: object) -> bool:
    match value:
        case str():
            return value.lower() == vocabulary.AVAILABLE
        case list():
            return any(map(_mentions_recording, value))
        case dict():
            return any(_mentions_recording(held) or _is_about_recording(name, held) for name, held in value.items())
        case _:
            return False


def _is_about_recording(name: str, held: object) -> bool:
    """Whether a field has the name of one about a recording, and is not empty."""
    return _plain(name).startswith(_RECORDING_PREFIXES) and bool(held)


def _plain(name: str) -> str:
    """Return a field's name without the differences between its spellings."""
    return name.lower().replace("_", "").replace("-", "")
