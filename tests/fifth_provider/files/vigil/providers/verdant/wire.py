"""Verdant's callback bodies: the token that proves them, and what they say without it."""

import json
import re
from typing import Any, Final

from pydantic import SecretStr

from vigil.domain.errors import CallbackRefused
from vigil.domain.callback_event import MOST_UNKNOWN_FIELDS, StatusSeen, Unreadable
from vigil.domain.secrets import matches
from vigil.domain.terms import as_word
from vigil.providers.contract import Callback
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.verdant import vocabulary

TOKEN: Final = "token"  # noqa: S105 -- the name of a field
_KNOWN_FIELDS: Final = frozenset({"inquiry", "part", "verdict"})


def without_token(body: bytes, tokens: tuple[SecretStr, ...]) -> bytes:
    """Return a body whose token is live, without that token. Raises `CallbackRefused`."""
    try:
        content = parse_json(body)
    except NotReadable:
        raise CallbackRefused("unprovable") from None
    if not isinstance(content, dict):
        raise CallbackRefused("unprovable")
    token = content.pop(TOKEN, None)
    if not matches(token if isinstance(token, str) else None, tokens):
        raise CallbackRefused("missing_token" if token is None else "wrong_token")
    return json.dumps(content).encode()


def read_callback(body: bytes) -> Callback:
    """Say what a callback without its token says; what is not understood is `Unreadable`."""
    try:
        content = as_object(parse_json(body))
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why))
    reference, verdict = inquiry_id(content.get("inquiry")), content.get("verdict")
    part = vocabulary.PARTS.get(str(content.get("part")))
    if reference is None or part is None or not isinstance(verdict, str):
        observation = Unreadable(why="wrong_shape")
        return Callback(reference=reference, observation=observation, unknown_fields=_unknown_fields(content))
    # One part is never the end, whichever comes last: that shows in the inquiry, which holds both.
    looks = StatusSeen(
        word=as_word(verdict), part=part, looks="open" if verdict in vocabulary.VERDICTS else "unrecognised"
    )
    return Callback(
        reference=reference,
        observation=looks,
        identity=json.dumps([part, verdict]),
        unknown_fields=_unknown_fields(content),
    )


def inquiry_id(raw: object) -> str | None:
    """Return the id of an inquiry as a reference."""
    return raw if isinstance(raw, str) and re.fullmatch(r"inq-[a-z0-9]{1,60}", raw) else None


def _unknown_fields(content: dict[str, Any]) -> tuple[str, ...]:
    words = {word for name in content if name not in _KNOWN_FIELDS and (word := as_word(name))}
    return tuple(sorted(words))[:MOST_UNKNOWN_FIELDS]
