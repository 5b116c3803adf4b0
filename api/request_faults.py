"""Which fields of a request are at fault."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from vigil.domain.input_faults import NO_JSON, describe_fault
from vigil.domain.models import StrictModel

MOST_FIELDS: Final = 20
"""Fields at fault that one problem names."""


class FieldProblem(StrictModel):
    """A field of a request that does not fit. The value is not repeated: it may be personal."""

    field: str = Field(examples=["body.deadline_at"])
    detail: str = Field(examples=["needs a time zone, such as Z or +01:00"])


UNREADABLE_BODY: Final = FieldProblem(field="body", detail=NO_JSON)


def list_faults(faults: Sequence[Mapping[str, Any]], document: Mapping[str, Any]) -> list[FieldProblem]:
    """Return the first faults, with the names of fields that the OpenAPI document has."""
    known = {"body", "query", "path", "header", *_names_in(document)}
    return [_problem_of(fault, known) for fault in faults[:MOST_FIELDS]]


def _problem_of(fault: Mapping[str, Any], known: Collection[str]) -> FieldProblem:
    # The place of a mistake in JSON is a number of characters, and no field.
    loc = fault["loc"][:1] if fault["type"] == "json_invalid" else fault["loc"]
    return FieldProblem(field=_dotted(loc, known), detail=describe_fault(fault))


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
