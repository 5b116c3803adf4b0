"""Reading JSON from outside: bounded, strict, with `NotReadable` as the only error."""

import json
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

from vigil.domain.callback_event import MOST_UNKNOWN_FIELDS
from vigil.domain.terms import Word, as_word, in_utc
from vigil.domain.verification_key import LONGEST

MAX_DEPTH: Final = 40
MOST_VALUES: Final = 20_000
"""How many commas and opening brackets the body of a callback may have. A photo of 1.5 MB in base64 has 2, a bomb of
that size a million."""


class NotReadable(Exception):
    """The bytes are not JSON that we accept; `why` is the reason as a code."""

    def __init__(self, why: Literal["not_json", "wrong_shape", "too_deep", "too_complex"]) -> None:
        """Take the reason. The content is never part of the message."""
        super().__init__(why)
        self.why = why

    @property
    def refusal(self) -> str:
        """The reason to refuse a callback whose proof would be in these bytes."""
        return "too_complex" if self.why == "too_complex" else "unprovable"


class CallbackBody(bytes):
    """The body of a callback, which anybody may have sent.

    `parse_json` parses it once, however often it is called, and only if it has at most `MOST_VALUES`: the parser needs
    a hundred times as long for a bomb as for a photo of the same size.
    """

    _parsed: Any
    unread_encoding: Word | None
    """The content coding or the charset that we cannot read, such as `content-encoding.br`."""
    received: bytes
    """The bytes that a signature covers: before their charset was converted to UTF-8."""

    def __new__(
        cls, content: bytes | bytearray = b"", *, received: bytes | None = None, unread_encoding: Word | None = None
    ) -> Self:
        """Take the body, and what is to be known of how it was received."""
        body = super().__new__(cls, content)
        body.received = body if received is None else received
        body.unread_encoding = unread_encoding
        return body

    def parse(self) -> Any:
        """Return the same object at each call. Raises `NotReadable`."""
        if "_parsed" not in self.__dict__:
            try:
                self._parsed = _parse(self) if self._has_few_values() else NotReadable("too_complex")
            except NotReadable as error:
                self._parsed = error
        if isinstance(self._parsed, NotReadable):
            raise NotReadable(self._parsed.why)
        return self._parsed

    def _has_few_values(self) -> bool:
        return len(self) <= MOST_VALUES or count_values(self) <= MOST_VALUES


def received_bytes(body: bytes) -> bytes:
    """Return the bytes of a callback that a signature covers."""
    return body.received if isinstance(body, CallbackBody) else body


def unread_encoding(body: bytes) -> Word | None:
    """Return the encoding because of which a callback's body is not readable; None: it is readable, or no JSON."""
    if not isinstance(body, CallbackBody) or body.unread_encoding is None:
        return None
    with suppress(NotReadable):
        body.parse()
        return None  # the header was wrong: proxies decode a body and leave the header
    return body.unread_encoding


def count_values(body: bytes) -> int:
    """Return how many commas and opening brackets a body has: a measure of the time that its parser takes."""
    return sum(map(body.count, (b",", b"[", b"{")))


class _RepeatedName(Exception):
    """An object has one name twice, so two parsers may read two different values."""


def parse_json(body: bytes) -> Any:
    """Parse UTF-8 JSON. The value of a `CallbackBody` is shared: do not change it.

    Raises:
        NotReadable: `not_json`, also for other encodings; `wrong_shape` if an object has a name twice; `too_deep`
            beyond `MAX_DEPTH` levels; `too_complex` if a `CallbackBody` has more than `MOST_VALUES`.

    """
    return body.parse() if isinstance(body, CallbackBody) else _parse(body)


def as_object(value: Any) -> dict[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """Return an id in one spelling: a text in Unicode's NFC without blanks around it, a whole number in decimal.

    None for any other value, for an empty text, and for a text of more than `LONGEST` characters.
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**LONGEST:
        return str(value)
    if not isinstance(value, str) or len(value) > 2 * LONGEST:
        return None
    text = unicodedata.normalize("NFC", value).strip()
    return text if 0 < len(text) <= LONGEST else None


def as_count(value: Any, *, largest: int = 10_000) -> int | None:
    """Return the value if it is an integer from 0 to `largest`, else None. `true` is no integer."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest
    return value if is_count else None


def as_instant(value: Any) -> datetime | None:
    """Return the value as an instant if it is an ISO 8601 time, else None. A time without a zone is in UTC."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parsed and in_utc(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except ValueError:
        return None


def is_encodable(value: Any) -> bool:
    """Whether our JSON answer can hold a value. It cannot hold lone surrogates and infinite numbers."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True


def unknown_names(content: Any, known: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Return the names in a body, or in an object of it, that `known` does not list, such as `enrollment_step.score`.

    `known` lists names by the object that holds them; "" is the body itself. A name is returned once, and only if it
    looks like a word: it may be anybody's text.
    """
    body = as_object(content)
    names = {
        word
        for holder, own in known.items()
        for name in (as_object(body.get(holder)) if holder else body)
        if name not in own and as_word(name) and (word := as_word(f"{holder}.{name}" if holder else name))
    }
    return tuple(sorted(names))[:MOST_UNKNOWN_FIELDS]


def _parse(body: bytes) -> Any:
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_replace_constant, object_pairs_hook=_build_object)
    except RecursionError:
        raise NotReadable("too_deep") from None
    except _RepeatedName:
        raise NotReadable("wrong_shape") from None
    except ValueError:
        raise NotReadable("not_json") from None
    if _is_deeper_than(value, MAX_DEPTH):
        raise NotReadable("too_deep")
    return value


def _replace_constant(name: str) -> None:
    """Return None for NaN and the infinities, which some providers write as a score."""


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RepeatedName
    return found


def _is_deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
