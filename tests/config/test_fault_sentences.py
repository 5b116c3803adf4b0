"""Whatever is wrong with a setting is said in words: each setting of each model is given values that do not fit."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from vigil.config.settings import Common, Settings
from vigil.config.settings_file import find_faults
from vigil.providers.registry import PROVIDERS

MODELS: tuple[type[BaseModel], ...] = (Settings, Common, *(entry.settings for entry in PROVIDERS.values()))
WRONG: tuple[Any, ...] = (
    "",
    " \x00 ",
    "Ä b/?#@",
    "7 dogs",
    -1,
    10**30,
    1.5,
    True,
    [],
    [[]],
    ["Ä b"],
    {},
    {"x": 1},
)
OF_A_FRAMEWORK = (
    "pattern",
    "Input",
    "input",
    "valid ",
    "instance",
    "timedelta",
    "NoneType",
    "dictionary",
    "docs/settings.md",
)


def models_in(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a model of settings and every model in it."""
    found, waiting = set(), [model]
    while waiting:
        each = waiting.pop()
        if each in found:
            continue
        found.add(each)
        yield each
        for field in each.model_fields.values():
            waiting += _classes_in(field.annotation)


def _classes_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _classes_in(part)


EVERY_SETTING = sorted(
    {(each, name) for model in MODELS for each in models_in(model) for name in each.model_fields},
    key=lambda pair: (pair[0].__name__, pair[1]),
)


@pytest.mark.parametrize(("model", "name"), EVERY_SETTING, ids=lambda each: getattr(each, "__name__", each))
def test_a_wrong_value_of_any_setting_is_a_sentence_about_this_setting(model: type[BaseModel], name: str) -> None:
    for wrong in WRONG:
        try:
            model.model_validate({name: wrong})
        except ValidationError as error:
            for setting, fix in find_faults(error, model):
                if setting[:1] == (name,):
                    assert fix
                    assert [word for word in OF_A_FRAMEWORK if word in fix] == [], (wrong, fix)
