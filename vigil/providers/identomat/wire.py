"""Reads the bodies of Identomat's callbacks."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from vigil.domain.callback_event import RoomChanged, StatusSeen, Unreadable
from vigil.domain.terms import as_word
from vigil.providers.contract import Callback
from vigil.providers.identomat import vocabulary
from vigil.providers.parsing import CallbackBody, NotReadable, as_object, as_text, parse_json, unknown_names

KEY_FIELD: Final = "callbackApiKey"
SESSION_CHANGE: Final = "session-change"
VIDEO: Final = "video-call-status-update"

_EVERYWHERE: Final = frozenset({KEY_FIELD, "type", "sessionId"})
_KNOWN_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    SESSION_CHANGE: _EVERYWHERE | {"result", "sessionType"},
    VIDEO: _EVERYWHERE | {"roomId", "roomStatus", "compositionStatus", "videoFileStatus", "videoFileId"},
}

_SESSION_ID: Final = re.compile(r"[!-~]{1,200}")


def without_key(content: dict[str, Any]) -> CallbackBody:
    """Return a body without the secret that it carried."""
    return CallbackBody(json.dumps({name: value for name, value in content.items() if name != KEY_FIELD}).encode())


def read_callback(body: bytes) -> Callback:
    """Return the event that a callback reports; `Unreadable` for a body that we do not understand."""
    try:
        content = as_object(parse_json(body))
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why))
    reference, kind = session_id(content.get("sessionId")), content.get("type")
    if reference is None or not isinstance(kind, str) or vocabulary.message_kind(kind) is not None:
        # A request for a message comes here only if it has no text to send.
        return Callback(reference=reference, observation=Unreadable(why="wrong_shape"))
    read = _READERS.get(kind.lower())
    if read is None:
        return Callback(reference=reference, observation=Unreadable(why="unknown_type"))
    return read(reference, content)


def session_id(raw: object) -> str | None:
    """Return a session's id as a reference. Samples have 40 characters of `a-z0-9`; we accept more."""
    text = as_text(raw)
    return text if text is not None and _SESSION_ID.fullmatch(text) else None


def file_id(raw: object) -> str | None:
    """Return the id of a recording; None if it is not word-like."""
    return as_word(raw) if isinstance(raw, str) else None


def _read_status(reference: str, content: dict[str, Any]) -> Callback:
    result = content.get("result")
    observation = (
        StatusSeen(word=as_word(result), looks=vocabulary.looks(result))
        if isinstance(result, str)
        else Unreadable(why="wrong_shape")
    )
    # No identity: after a reopening the same status may come again, and then it is a new event.
    return Callback(
        reference=reference,
        observation=observation,
        session_kind=vocabulary.session_kind(content.get("sessionType")),
        unknown_fields=_unknown_fields(content, SESSION_CHANGE),
    )


def _read_room(reference: str, content: dict[str, Any]) -> Callback:
    room = as_word(content.get("roomId"))
    file = file_id(content.get("videoFileId"))
    observation = (
        RoomChanged(
            room=room,
            room_status=vocabulary.room_status(content.get("roomStatus")),
            composition_ready=vocabulary.is_available(content.get("compositionStatus")),
            file_ready=_is_file_ready(content, file),
            file_id=file,
        )
        if room is not None
        else Unreadable(why="wrong_shape")
    )
    return Callback(reference=reference, observation=observation, unknown_fields=_unknown_fields(content, VIDEO))


def _is_file_ready(content: dict[str, Any], file: str | None) -> bool | None:
    ready = vocabulary.is_available(content.get("videoFileStatus"))
    # A recording that is available but has no id cannot be downloaded yet: the result may name it.
    return None if ready and file is None else ready


def _unknown_fields(content: dict[str, Any], kind: str) -> tuple[str, ...]:
    return unknown_names(content, {"": _KNOWN_FIELDS[kind]})


_READERS: Final[Mapping[str, Callable[[str, dict[str, Any]], Callback]]] = {
    SESSION_CHANGE: _read_status,
    VIDEO: _read_room,
}
