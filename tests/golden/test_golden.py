"""What this release wrote is read by later releases, and what a later one writes is read by this one."""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from tests.golden.record import FILES, MODELS, written
from vigil.config.api_settings import ApiSettings
from vigil.domain.models import StoredModel, StrictModel
from vigil.domain.record import Record
from vigil.domain.summary import Summary
from vigil.domain.terms import Attention

BY_NAME = {
    "accounts",
    "coordinates",
    "evidence",
    "fingerprint",
    "headers",
    "plans",
    "polls",
    "timers",
    "unknown_fields",
}
"""Mappings whose names are data: a later release adds no field to them."""
LISTS_BY_NAME = {"alternatives", "other_coordinates"}
"""Lists of such mappings."""
EVERY = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def read(model: type[BaseModel]) -> Any:
    return json.loads((FILES / f"{model.__name__}.json").read_text())


def with_unknown_fields(value: Any) -> Any:
    if isinstance(value, list):
        return [with_unknown_fields(each) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {
        name: each if _has_names_as_data(name, each) else with_unknown_fields(each) for name, each in value.items()
    }
    return inner | {"field_of_a_later_release": 1}


def _has_names_as_data(name: str, value: Any) -> bool:
    return name in LISTS_BY_NAME or (name in BY_NAME and isinstance(value, dict))


def shown_lists(annotation: Any) -> Iterator[type[Enum]]:
    """The closed lists in an annotation that also take a word of a later release."""
    inner = get_args(annotation)
    if str in map(_without_constraints, inner):
        yield from (each for each in inner if isinstance(each, type) and issubclass(each, Enum))
    for each in inner:
        yield from shown_lists(each)


def _without_constraints(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is not None and get_args(annotation) else annotation


def test_there_is_a_file_for_each_model_and_no_other() -> None:
    assert {file.stem for file in FILES.glob("*.json")} == {model.__name__ for model in MODELS}
    assert len(MODELS) > 60


@EVERY
def test_a_model_reads_what_this_release_wrote_and_writes_the_same(model: type[BaseModel]) -> None:
    golden = read(model)

    assert model.model_validate(golden).model_dump(mode="json") == golden
    assert json.loads(written(model)) == golden, "an interface has changed: see CONTRIBUTING.md"


@EVERY
def test_a_model_reads_what_a_later_release_adds(model: type[BaseModel]) -> None:
    later = with_unknown_fields(read(model))
    parsed = model.model_validate(later)

    if issubclass(model, StoredModel):
        assert parsed.model_dump(mode="json") == later


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (model, name)
        for model in MODELS
        for name, field in model.model_fields.items()
        if [*shown_lists(field.annotation)]
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_shown_list_takes_a_word_of_a_later_release(model: type[BaseModel], field: str) -> None:
    golden = read(model)
    later = ["moon_phase"] if isinstance(golden[field], list) else "moon_phase"

    assert model.model_validate(golden | {field: later}).model_dump(mode="json")[field] == later


@pytest.mark.parametrize("field", ["stage", "decision", "outcome"])
def test_code_that_decides_refuses_a_word_of_a_later_release(field: str) -> None:
    golden = read(Record)

    with pytest.raises(ValidationError):
        Record.model_validate(golden | {"verdict": golden["verdict"] | {field: "moon_phase"}})


def test_people_learn_of_a_field_that_does_not_exist() -> None:
    assert issubclass(ApiSettings, StrictModel) or ApiSettings.model_config.get("extra") == "forbid"
    with pytest.raises(ValidationError):
        ApiSettings.model_validate({"prot": 8000})


def test_the_published_state_shows_words_of_a_later_release() -> None:
    assert {Attention} <= {*shown_lists(Summary.model_fields["attention"].annotation)}
