"""The video calls of a result, found by the names of their fields, since the shape of `videoCallStatus` is unknown."""

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

# inferred: the names of the callback, in either spelling, and that of the request for a recording
_ROOM: Final = ("roomid",)
_ROOM_STATUS: Final = ("roomstatus",)
_FILE: Final = ("videofileid", "fileid")
_FILE_STATUS: Final = ("videofilestatus", "filestatus")
_ABOUT_RECORDINGS: Final = ("record", "file", "videofile", "composition")
"""How names of fields begin that are about a recording (inferred)."""


@dataclass(frozen=True)
class Calls:
    """What a result tells of video calls."""

    rooms: tuple[Room, ...] = ()
    recordings: tuple[Artifact, ...] = ()
    has_unaddressed: bool = False
    """A recording is spoken of, and nothing names it by which it could be asked for."""


@dataclass(frozen=True)
class _Told:
    """One object that speaks of a room or of its recording."""

    room: str | None
    status: object
    file: str | None
    file_ready: bool | None


def calls_in(result: Mapping[str, Any]) -> Calls:
    """Say what a result tells of video calls. Never raises: what has another shape tells of none."""
    status = next((result[name] for name in _SPELLINGS if result.get(name) is not None), None)
    told = tuple(_told(status, room=None))
    files = dict.fromkeys(each.file for each in told if each.file is not None)
    is_spoken_of = any(each.file is None and each.file_ready for each in told)
    return Calls(
        rooms=merge_rooms(tuple(_room(each.room, each) for each in told if each.room is not None)),
        recordings=tuple(map(recording, files)),
        has_unaddressed=is_spoken_of or (not files and _speaks_of_a_recording(status)),
    )


def _told(value: object, *, room: str | None) -> Iterator[_Told]:
    """Go through all objects at any depth; those inside a room's belong to that room."""
    if isinstance(value, list):
        for item in value:
            yield from _told(item, room=room)
    if not isinstance(value, dict):
        return
    fields = {_plain(name): held for name, held in value.items()}
    room = as_word(_first(fields, _ROOM)) or room
    inner = [each for held in value.values() for each in _told(held, room=room)]
    file = file_id(_first(fields, _FILE))
    if any(name in fields for name in (*_ROOM, *_ROOM_STATUS, *_FILE, *_FILE_STATUS)):
        status = _first(fields, _FILE_STATUS)
        # A file that is only named, here or further inside, says nothing of whether it can be had.
        is_only_named = (file is not None and status is None) or (file is None and any(each.file for each in inner))
        ready = None if is_only_named else vocabulary.readiness(status)
        yield _Told(room=room, status=_first(fields, _ROOM_STATUS), file=file, file_ready=ready)
    yield from inner


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _room(room: str, told: _Told) -> Room:
    status = vocabulary.room_status(told.status)
    return Room(room=room, status=status, file_ready=told.file_ready, file_id=told.file)


def _speaks_of_a_recording(value: object) -> bool:
    match value:
        case str():
            return value.lower() == vocabulary.AVAILABLE
        case list():
            return any(map(_speaks_of_a_recording, value))
        case dict():
            return any(_speaks_of_a_recording(held) or _names_one(name, held) for name, held in value.items())
        case _:
            return False


def _names_one(name: str, held: object) -> bool:
    """Whether a field is by its name about a recording, and holds something."""
    return _plain(name).startswith(_ABOUT_RECORDINGS) and bool(held)


def _plain(name: str) -> str:
    """Return a field's name as all its spellings have it."""
    return name.lower().replace("_", "").replace("-", "")
