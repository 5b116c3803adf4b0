"""Identomat's callback bodies: what they hold, and nothing else of what comes with it."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from vigil.domain.callback_event import RoomChanged, StatusSeen, Unreadable
from vigil.domain.terms import as_word
from vigil.providers.contract import Callback
from vigil.providers.identomat import vocabulary
from vigil.providers.parsing import NotReadable, as_object, parse_json, unknown_names

KEY_FIELD: Final = "callbackApiKey"
SESSION_CHANGE: Final = "session-change"
VIDEO: Final = "video-call-status-update"

_EVERYWHERE: Final = frozenset({KEY_FIELD, "type", "sessionId"})
_KNOWN_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    SESSION_CHANGE: _EVERYWHERE | {"result", "sessionType"},
    VIDEO: _EVERYWHERE | {"roomId", "roomStatus", "compositionStatus", "videoFileStatus", "videoFileId"},
}

_SESSION_ID: Final = re.compile(r"[!-~]{1,200}")


def without_key(content: dict[str, Any]) -> bytes:
    """Write a body anew without the secret that came inside it."""
    return json.dumps({name: value for name, value in content.items() if name != KEY_FIELD}).encode()


def read_callback(body: bytes) -> Callback:
    """Say what a callback says; what is not understood is `Unreadable`."""
    try:
        content = parse_json(body)
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why))
    told = as_object(content)
    reference = session_id(told.get("sessionId"))
    kind = told.get("type")
    if reference is None or not isinstance(kind, str) or vocabulary.message_kind(kind) is not None:
        # A request for a message comes here only if it does not say what to send.
        return Callback(reference=reference, observation=Unreadable(why="wrong_shape"))
    read = _READERS.get(kind.lower())
    if read is None:
        return Callback(reference=reference, observation=Unreadable(why="unknown_type"))
    return read(reference, told)


def session_id(raw: object) -> str | None:
    """Return a session's id as a reference. Samples have 40 characters of `a-z0-9`; more is let through."""
    return raw if isinstance(raw, str) and _SESSION_ID.fullmatch(raw) else None


def file_id(raw: object) -> str | None:
    """Return the id of a recording, or None where it is not word-like."""
    return as_word(raw) if isinstance(raw, str) else None


def _status(reference: str, told: dict[str, Any]) -> Callback:
    result = told.get("result")
    observation = (
        StatusSeen(word=as_word(result), looks=vocabulary.looks(result))
        if isinstance(result, str)
        else Unreadable(why="wrong_shape")
    )
    # No identity: the same words may come again after a reopening, and then they are news.
    return Callback(
        reference=reference,
        observation=observation,
        session_kind=vocabulary.session_kind(told.get("sessionType")),
        unknown_fields=_unknown(told, SESSION_CHANGE),
    )


def _room(reference: str, told: dict[str, Any]) -> Callback:
    room = as_word(told.get("roomId"))
    file = file_id(told.get("videoFileId"))
    observation = (
        RoomChanged(
            room=room,
            room_status=vocabulary.room_status(told.get("roomStatus")),
            file_ready=_file_ready(told, file),
            file_id=file,
        )
        if room is not None
        else Unreadable(why="wrong_shape")
    )
    return Callback(reference=reference, observation=observation, unknown_fields=_unknown(told, VIDEO))


def _file_ready(told: dict[str, Any], file: str | None) -> bool | None:
    ready = vocabulary.readiness(told.get("videoFileStatus"))
    # One that is available and cannot be named is not ready for us: the result may name it.
    return None if ready and file is None else ready


def _unknown(told: dict[str, Any], kind: str) -> tuple[str, ...]:
    return unknown_names(told, {"": _KNOWN_FIELDS[kind]})


_READERS: Final[Mapping[str, Callable[[str, dict[str, Any]], Callback]]] = {SESSION_CHANGE: _status, VIDEO: _room}
