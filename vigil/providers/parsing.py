"""Reading JSON that a stranger wrote: bounded, strict, and never raising anything but `NotReadable`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from vigil.domain.callback_event import MOST_UNKNOWN_FIELDS
from vigil.domain.terms import as_word, in_utc

DEEPEST: Final = 40


class NotReadable(Exception):
    """The bytes are not JSON that we take; `why` is a coded reason."""

    def __init__(self, why: Literal["not_json", "wrong_shape", "too_deep"]) -> None:
        """Keep the reason only: what was read is never part of the message."""
        super().__init__(why)
        self.why = why


class _RepeatedName(Exception):
    """An object holds one name twice, so two readers may see two things in it."""


def parse_json(body: bytes) -> Any:
    """Parse UTF-8 JSON.

    Raises:
        NotReadable: `not_json` also for other encodings and for numbers without measure; `wrong_shape` for a name
            that an object holds twice; `too_deep` beyond `DEEPEST` levels.

    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_object_of_pairs)
    except RecursionError:
        raise NotReadable("too_deep") from None
    except _RepeatedName:
        raise NotReadable("wrong_shape") from None
    except ValueError:
        raise NotReadable("not_json") from None
    if _is_deeper_than(value, DEEPEST):
        raise NotReadable("too_deep")
    return value


def as_object(value: Any) -> dict[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def as_count(value: Any, *, largest: int = 10_000) -> int | None:
    """Return the value if it is a whole number from 0 to `largest`; `true` is none."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest
    return value if is_count else None


def as_instant(value: Any) -> datetime | None:
    """Return the value as an instant if it is an ISO 8601 time; one without a zone is UTC."""
    try:
        told = datetime.fromisoformat(value) if isinstance(value, str) else None
        return told and in_utc(told if told.tzinfo else told.replace(tzinfo=UTC))
    except ValueError:
        return None


def unknown_names(content: Any, known: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Return the names that a body, or an object in it, has beside those we know, as `enrollment_step.score`.

    `known` holds names by the object that has them; the body itself is "". Each once, however often it is there; only
    what looks like a word, since a name may be anybody's text.
    """
    body = as_object(content)
    names = {
        word
        for holder, own in known.items()
        for name in (as_object(body.get(holder)) if holder else body)
        if name not in own and as_word(name) and (word := as_word(f"{holder}.{name}" if holder else name))
    }
    return tuple(sorted(names))[:MOST_UNKNOWN_FIELDS]


def _no_number(name: str) -> None:
    """Read NaN and the infinities, which some writers put into a score, as nothing."""


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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
