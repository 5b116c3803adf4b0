"""Verdant's callbacks: the token that proves them, and the event that they report."""

import json
import re
from typing import Final

from pydantic import SecretStr

from vigil.domain.callback_event import StatusSeen, Unreadable
from vigil.domain.errors import CallbackRefused
from vigil.domain.secrets import matches
from vigil.domain.terms import as_word
from vigil.providers.contract import Callback, event_identity
from vigil.providers.parsing import NotReadable, as_object, as_text, parse_json, unknown_names
from vigil.providers.verdant import vocabulary
from vigil.providers.vocabulary import Looks

TOKEN: Final = "token"  # noqa: S105 -- the name of a field
_KNOWN_FIELDS: Final = {"": frozenset({"inquiry", "part", "verdict"})}


def without_token(body: bytes, tokens: tuple[SecretStr, ...]) -> bytes:
    """Return a body with a current token, without that token. Raises `CallbackRefused`."""
    try:
        content = parse_json(body)
    except NotReadable as error:
        raise CallbackRefused(error.refusal) from None
    if not isinstance(content, dict):
        raise CallbackRefused("unprovable")
    token = content.get(TOKEN)
    if not matches(token if isinstance(token, str) else None, tokens):
        raise CallbackRefused("missing_token" if token is None else "wrong_token")
    return json.dumps({name: value for name, value in content.items() if name != TOKEN}).encode()


def read_callback(body: bytes) -> Callback:
    """Return the event that a callback reports; `Unreadable` for a body that we do not understand."""
    try:
        content = as_object(parse_json(body))
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why))
    reference, verdict = inquiry_id(content.get("inquiry")), content.get("verdict")
    part = vocabulary.PARTS.get(str(content.get("part")))
    unknown = unknown_names(content, _KNOWN_FIELDS)
    if reference is None or part is None or not isinstance(verdict, str):
        return Callback(reference=reference, observation=Unreadable(why="wrong_shape"), unknown_fields=unknown)
    # One part never ends an inquiry, whichever comes last. The inquiry itself shows both parts.
    looks: Looks = "open" if verdict in vocabulary.VERDICTS else "unrecognised"
    return Callback(
        reference=reference,
        observation=StatusSeen(word=as_word(verdict), part=part, looks=looks),
        identity=event_identity(part, verdict),
        unknown_fields=unknown,
    )


def inquiry_id(raw: object) -> str | None:
    """Return the id of an inquiry as a reference."""
    text = as_text(raw)
    return text if text is not None and re.fullmatch(r"inq-[a-z0-9]{1,60}", text) else None
