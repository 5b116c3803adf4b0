"""What is wrong with a request, in sentences: no pattern, no name of a framework, and no value that was sent."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from vigil.domain.models import StrictModel

MOST_FIELDS: Final = 20
"""Fields at fault that one problem names."""

_NOT_AN_OBJECT: Final = "must be a JSON object, sent as application/json"
_BY_TYPE: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "does not exist here: look for a misspelt name",
    "json_invalid": "is no valid JSON",
    "model_attributes_type": _NOT_AN_OBJECT,
    "model_type": _NOT_AN_OBJECT,
    "dict_type": "must be an object",
    "string_type": "must be a text",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
    "string_pattern_mismatch": "has a character that is not allowed here, or is too long",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be true or false",
    "timezone_aware": "needs a time zone, such as Z or +01:00",
    "datetime_from_date_parsing": "must be a time such as 2031-03-04T09:00:00Z",
    "datetime_parsing": "must be a time such as 2031-03-04T09:00:00Z",
    "datetime_type": "must be a time such as 2031-03-04T09:00:00Z",
}
_BY_FIELD: Final[Mapping[str, str]] = {
    "account": "must be the name of an account in the settings: small letters, digits and hyphens",
    "sender": "must be the name of a sender: small letters, digits and hyphens",
    "applicant": "must be your opaque id of the person, of up to 64 letters, digits and _.$:- without blanks; "
    "never a name and never an email address",
    "correlation": "must have 8 to 64 letters, digits, _ and -",
    "notify": "must be names of [endpoints] in the settings: small letters, digits and hyphens",
    "Idempotency-Key": "must have 8 to 128 letters, digits and _.:-",
}
"""What a text of a field must look like."""


class FieldProblem(StrictModel):
    """A field of a request that does not fit. The value is not repeated: it may be personal."""

    field: str = Field(examples=["body.deadline_at"])
    detail: str = Field(examples=["needs a time zone, such as Z or +01:00"])


UNREADABLE_BODY: Final = FieldProblem(field="body", detail=_BY_TYPE["json_invalid"])


def list_faults(faults: Sequence[Mapping[str, Any]], document: Mapping[str, Any]) -> list[FieldProblem]:
    """Return the first faults, with the names of fields that the OpenAPI document has."""
    known = {"body", "query", "path", "header", *_names_in(document)}
    return [_problem_of(fault, known) for fault in faults[:MOST_FIELDS]]


def _problem_of(fault: Mapping[str, Any], known: Collection[str]) -> FieldProblem:
    # The place of a mistake in JSON is a number of characters, and no field.
    loc = fault["loc"][:1] if fault["type"] == "json_invalid" else fault["loc"]
    return FieldProblem(field=_dotted(loc, known), detail=_sentence(fault))


def _sentence(fault: Mapping[str, Any]) -> str:
    kind, message = fault["type"], str(fault["msg"])
    if kind == "string_pattern_mismatch":
        fields = (str(part) for part in reversed(fault["loc"]))
        return next((_BY_FIELD[field] for field in fields if field in _BY_FIELD), _BY_TYPE[kind])
    if kind == "json_invalid":
        return f"{_BY_TYPE[kind]}: look at character {fault['loc'][-1]}"
    if kind in {"enum", "literal_error"}:
        return f"must be {fault['ctx']['expected']}"
    return _BY_TYPE.get(kind) or message.replace("Input should", "must", 1).replace("Value error, ", "", 1)


def _names_in(document: Any) -> Iterator[str]:
    """Yield the names of all fields and parameters of an OpenAPI document."""
    if isinstance(document, dict):
        if "in" in document and "name" in document:
            yield document["name"]
        yield from document.get("properties", {})
    for inner in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _names_in(inner)


def _dotted(loc: Sequence[Any], known: Collection[str]) -> str:
    """Return the name of a field. A name that the caller chose becomes `*`: it may be personal, or an attack."""
    return ".".join(str(part) if isinstance(part, int) or part in known else "*" for part in loc)
