"""Reads claims from a provider's answer by a table. What is absent stays absent; an unclear value is a source alone."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

from vigil.domain.claims import Claims, ClaimSource, VerifiedClaims
from vigil.providers.parsing import NotReadable, as_object, is_encodable, parse_json

Read: TypeAlias = Callable[[Any], str | None]
"""Returns a claim's value; None if the raw value is not certain."""

DOCUMENT: Final = "/verification/evidence/0/document_details"
"""Where claims about the document belong."""
_DATE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?")
_COUNTRY: Final = re.compile(r"[A-Za-z]{2,3}")
_LONGEST: Final = 1000


@dataclass(frozen=True)
class ClaimRow:
    """A claim and a place of it in the answer, as JSON Pointers. Of a claim's rows the first readable one counts."""

    claim: str
    pointer: str
    read: Read


@dataclass(frozen=True)
class ClaimTable:
    """The claims of one kind of answer, and the words that mean absence there, in small letters."""

    rows: Sequence[ClaimRow]
    absent: frozenset[str] = field(default_factory=frozenset)

    def below(self, pointer: str) -> "ClaimTable":
        """Return the table for answers that hold the values at a place deeper down."""
        return ClaimTable([ClaimRow(row.claim, pointer + row.pointer, row.read) for row in self.rows], self.absent)

    def read(self, answer: object) -> Claims:
        """Return the claims in an answer. Never raises."""
        values: dict[str, str] = {}
        sources: dict[str, ClaimSource] = {}
        for row in self.rows:
            raw = find(answer, row.pointer)
            if row.claim in values or self._is_absent(raw) or not is_encodable(raw):
                continue
            value = row.read(raw)
            if value is not None:
                values[row.claim] = value
            if value is not None or row.claim not in sources:
                sources[row.claim] = ClaimSource(pointer=row.pointer, raw=raw)
        return Claims(verified_claims=VerifiedClaims.model_validate(_nest(values)), sources=sources)

    def _is_absent(self, raw: object) -> bool:
        text = raw.strip().casefold() if isinstance(raw, str) else raw
        return text is None or text in ("", [], {}) or (isinstance(text, str) and text in self.absent)


def parse_stored(result: bytes) -> object:
    """Return the JSON of a stored result; None if it cannot be read."""
    try:
        return parse_json(result)
    except NotReadable:
        return None


def find(answer: object, pointer: str) -> Any:
    """Return the value at a JSON Pointer; None if there is none."""
    value = answer
    for step in pointer.split("/")[1:]:
        if isinstance(value, list):
            value = next(iter(value[int(step) :]), None) if step.isdecimal() else None
        else:
            value = as_object(value).get(step)
    return value


def read_text(raw: object) -> str | None:
    """Return a text, or a whole number as text."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    return raw.strip() if isinstance(raw, str) and len(raw) <= _LONGEST else None


def read_date(raw: object) -> str | None:
    """Return an ISO 8601 date. A time of day may move the date, so only midnight in UTC counts as a date."""
    found = _DATE.fullmatch(raw.strip()) if isinstance(raw, str) else None
    try:
        return date.fromisoformat(found[1]).isoformat() if found else None
    except ValueError:
        return None


def read_country(raw: object) -> str | None:
    """Return a code of two or three letters."""
    text = raw.strip() if isinstance(raw, str) else ""
    return text.upper() if _COUNTRY.fullmatch(text) else None


def words(table: Mapping[str, str], otherwise: Read = lambda _raw: None) -> Read:
    """Return a reader of the words in a table, which has them in small letters."""

    def read(raw: object) -> str | None:
        word = raw.strip().casefold() if isinstance(raw, str) else ""
        return table[word] if word in table else otherwise(raw)

    return read


read_gender: Final = words({"f": "female", "female": "female", "m": "male", "male": "male"})


def _nest(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the object that has each value at its JSON Pointer."""
    root: dict[str, Any] = {}
    for pointer, value in values.items():
        *steps, last = pointer.split("/")[1:]
        place = root
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = value
    return {name: _with_lists(value) for name, value in root.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(each) for name, each in value.items()}
    return [inner["0"]] if set(inner) == {"0"} else inner
