"""By its types alone, no free text can enter what travels through Temporal.

A stored value hands on fields that this release does not know. Those come from a later release of ours alone, whose
own run of this test has looked at their types: values are built by field from what others send, never from their JSON.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from pydantic import BaseModel, ValidationError

from tests.domain.samples import DIGESTER, T0, status
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.snapshot import ReadResult, Snapshot
from vigil.domain.summary import Summary

ROOTS: Final[tuple[type[BaseModel], ...]] = (CallbackEvent, Snapshot, ReadResult, Record, Registration, Summary)
FREE_TEXT: Final = ("Ada Lovelace", "ada@example.com", "+33 1 23 45 67 89", "12, rue de l'Église")
FREE: Final = "anything"
UNKNOWN_FIELDS: Final = {"$ref": "#/$defs/JsonValue"}
ALLOWED: Final = {
    "VerificationKey.reference": "the provider's own id; ids carry its digest where it opens a session",
    "CallbackEvent.coordinates.value": "ids that the backend chose and the provider wants back, such as a user id",
    "Subject.coordinates.value": "the same, as callbacks told them",
    "Subject.other_coordinates.value": "the same, where callbacks differ",
    "ReadResult.coordinates.value": "the same, as the provider was asked with them",
    "Registration.coordinates.value": "the same, as the backend registered them",
}


def _strings(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Every place in a schema where a string may stand, with the pattern that it must match."""
    is_closed = "enum" in schema or "const" in schema or schema.get("format") == "date-time"
    if schema.get("type") == "string" and not is_closed:
        yield path, schema.get("pattern", FREE)
    for name, inner in schema.get("properties", {}).items():
        yield from _strings(inner, f"{path}.{name}")
    for pattern, inner in schema.get("patternProperties", {}).items():
        yield f"{path}.key", pattern
        yield from _strings(inner, f"{path}.value")
    if isinstance(schema.get("additionalProperties"), Mapping) and schema["additionalProperties"] != UNKNOWN_FIELDS:
        if "propertyNames" not in schema:
            yield f"{path}.key", FREE
        yield from _strings(schema["additionalProperties"], f"{path}.value")
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("prefixItems", ())):
        yield from _strings(inner, path)
    if isinstance(schema.get("items"), Mapping):
        yield from _strings(schema["items"], path)


def _all_strings() -> dict[str, str]:
    found: dict[str, str] = {}
    for root in ROOTS:
        schema = root.model_json_schema()
        for name, part in (schema.get("$defs", {}) | {root.__name__: schema}).items():
            found |= dict(_strings(part, name))
    return found


STRINGS: Final = _all_strings()


def test_the_search_finds_the_strings_that_it_must() -> None:
    expected = {
        "CallbackEvent.receipt",
        "StatusSeen.word",
        "RoomChanged.file_id",
        "Reason.word",
        "Drift.value",
        "EvidenceRow.media_type",
        "LogEntry.words",
        "CallbackHistory.unknown_fields.key",
        "Registration.applicant",
        "Summary.fingerprint.value",
        "VerificationKey.reference",
    }
    assert expected <= set(STRINGS)
    assert len(STRINGS) > 60


@pytest.mark.parametrize("path", sorted(set(STRINGS) - set(ALLOWED)))
def test_no_string_takes_free_text(path: str) -> None:
    pattern = STRINGS[path]
    assert pattern != FREE
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    assert [text for text in FREE_TEXT if re.search(pattern, text)] == []


def test_every_string_that_is_free_is_on_the_list_with_a_reason() -> None:
    assert {path for path, pattern in STRINGS.items() if pattern == FREE} == set(ALLOWED)


@pytest.mark.parametrize("text", FREE_TEXT)
@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (CallbackEvent, {"correlation": 0}),
        (CallbackEvent, {"receipt": 0}),
        (CallbackEvent, {"unknown_fields": [0]}),
        (CallbackEvent, {"observation": {"kind": "status", "looks": "open", "word": 0}}),
        (CallbackEvent, {"observation": {"kind": "step", "name": 0}}),
        (CallbackEvent, {"observation": {"kind": "room", "room": 0, "room_status": "empty"}}),
        (Snapshot, {"word": 0}),
        (Snapshot, {"reasons": [{"code": "other", "word": 0}]}),
        (Snapshot, {"unrecognised": [{"field": "status", "value": 0}]}),
        (Snapshot, {"result": 0}),
        (Registration, {"applicant": 0}),
        (Registration, {"correlation": 0}),
        (Registration, {"notify": [0]}),
    ],
)
def test_a_value_with_free_text_in_it_is_refused_without_being_repeated(
    model: type[BaseModel], shape: dict[str, object], text: str
) -> None:
    harmless, harmful = ENOUGH[model] | _filled(shape, "ok"), ENOUGH[model] | _filled(shape, text)
    model.model_validate(harmless)
    with pytest.raises(ValidationError) as refusal:
        model.model_validate(harmful)
    assert text not in str(refusal.value)


ENOUGH: Final[Mapping[type[BaseModel], dict[str, object]]] = {
    CallbackEvent: {
        "delivery": DIGESTER.digest("delivery", ""),
        "received_at": T0,
        "proof": "secret",
        "observation": status("OK"),
    },
    Snapshot: {"stage": "processing"},
    Registration: {
        "key": {"account": "acme", "reference": "v-1"},
        "registered_at": T0,
        "registered_by": "checkout",
    },
}


def _filled(shape: Any, text: str) -> Any:
    """Put a text wherever a shape has a 0."""
    if isinstance(shape, dict):
        return {_filled(key, text): _filled(value, text) for key, value in shape.items()}
    if isinstance(shape, list):
        return [_filled(item, text) for item in shape]
    return text if shape == 0 else shape


@pytest.mark.parametrize("text", FREE_TEXT)
def test_a_coordinate_has_a_word_for_its_name(text: str) -> None:
    with pytest.raises(ValidationError):
        CallbackEvent.model_validate(ENOUGH[CallbackEvent] | {"coordinates": {text: "1"}})


@pytest.mark.parametrize("text", FREE_TEXT)
@pytest.mark.parametrize("model", ENOUGH)
def test_an_unknown_field_of_a_stored_value_has_a_word_for_its_name(model: type[BaseModel], text: str) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(ENOUGH[model] | {text: 1})
