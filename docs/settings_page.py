"""Writes docs/settings.md from the models of the settings: `make docs`."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue, SecretStr
from pydantic.fields import FieldInfo
from pydantic.networks import IPvAnyNetwork

from vigil.config.api_settings import ApiSettings, EndpointSettings
from vigil.config.keys import KeySettings
from vigil.config.settings import Common, Settings
from vigil.providers.account_settings import AccountSettings
from vigil.providers.registry import PROVIDERS

_DERIVED: Final = {"base_url", "reads"}
"""Settings whose default follows from others."""
_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true`, `false`",
    timedelta: "duration",
    Path: "path",
    SecretStr: "secret",
    IPvAnyNetwork: "network",
    JsonValue: "any value",
}
_UNITS: Final = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def build_page() -> str:
    """Return the text of the page."""
    tables = [(f"[{name}]" if name else "At the top", model, skipped) for name, model, skipped in _walk("", Settings)]
    common = {**Common.model_fields, **AccountSettings.model_fields}
    tables += [
        ("[[api.keys]]", KeySettings, frozenset()),
        ("[endpoints.NAME]", EndpointSettings, frozenset()),
        ("[accounts.NAME], whatever the provider", AccountSettings, frozenset()),
        ("[accounts.NAME], beside those of the provider", Common, frozenset()),
    ]
    for name, provider in sorted(PROVIDERS.items()):
        own = provider.settings
        changed = {field for field in own.model_fields if field in own.__annotations__}
        tables.append((f'[accounts.NAME] with provider = "{name}"', own, frozenset(common) - changed))
    return "\n".join((_ABOUT, *(_section(*table) for table in tables)))


def find_undescribed() -> list[str]:
    """Return the settings that have no meaning in their model."""
    models = [model for _, model, _ in _walk("", Settings)]
    models += [KeySettings, EndpointSettings, Common, AccountSettings]
    models += [provider.settings for provider in PROVIDERS.values()]
    return [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if _inner_model(field) is None and name not in _named(model) and not _meaning(model, name)
    ]


def _walk(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel], frozenset[str]]]:
    """Yield each table of the settings, with those of its fields that are tables of their own."""
    inner = {name: found for name, field in model.model_fields.items() if (found := _inner_model(field))}
    own = {name for name in model.model_fields if name not in {*inner, *_named(model)}}
    if own:
        yield path, model, frozenset(set(model.model_fields) - own)
    for name, found in inner.items():
        yield from _walk(f"{path}.{name}" if path else name, found)


def _named(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields whose tables have names that people choose."""
    return frozenset({Settings: {"accounts", "endpoints"}, ApiSettings: {"keys"}}.get(model, ()))


def _inner_model(field: FieldInfo) -> type[BaseModel] | None:
    options = [each for each in _unwrapped(field.annotation) if each is not NoneType]
    return (
        options[0] if len(options) == 1 and inspect.isclass(options[0]) and issubclass(options[0], BaseModel) else None
    )


def _section(title: str, model: type[BaseModel], skipped: frozenset[str]) -> str:
    rows = [
        f"| `{name}` | {_spell(field.annotation)} | {_default(name, field)} | {_meaning(model, name)} |"
        for name, field in model.model_fields.items()
        if name not in skipped
    ]
    lines = (f"## {title}", "", "| Setting | Kind | Default | Meaning |", "|---|---|---|---|", *rows, "")
    return "\n".join(lines)


def _unwrapped(annotation: Any) -> tuple[Any, ...]:
    """Return what a field may be, without the conditions on it."""
    if get_origin(annotation) is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return tuple(inner for each in get_args(annotation) for inner in _unwrapped(each))
    return (annotation,)


def _spell(annotation: Any) -> str:
    return " or ".join(dict.fromkeys(_spell_one(each) for each in _unwrapped(annotation) if each is not NoneType))


def _spell_one(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in inner)
    if kind in _WORDS:
        return _WORDS[kind]
    if origin is None and inspect.isclass(kind):
        return _spell_class(kind)
    if origin is not None and issubclass(origin, Mapping):
        return f"table of {_spell(inner[1])}"
    of = _spell(inner[0])
    return of if of == "secret" else f"list of {of}"


def _spell_class(kind: type) -> str:
    if issubclass(kind, StrEnum):
        return ", ".join(f"`{each}`" for each in kind)
    if issubclass(kind, BaseModel):
        return f"table of {' or '.join(dict.fromkeys(_spell(each.annotation) for each in kind.model_fields.values()))}"
    return "secret" if issubclass(kind, SecretStr) else "text"


def _default(name: str, field: FieldInfo) -> str:
    if name in _DERIVED:
        return "follows from other settings"
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return _spell_value(value)


def _spell_value(value: Any) -> str:
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return next(f"`{seconds // size}{unit}`" for unit, size in _UNITS if seconds % size == 0)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, tuple | frozenset):
        return ", ".join(f"`{each}`" for each in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"`{name} = {inner}`" for name, inner in value.items()) or "none"
    return "none" if value in {None, ""} else f"`{value}`"


def _meaning(model: type[BaseModel], name: str) -> str:
    return next((found[name] for each in model.__mro__ if name in (found := _docstrings(each))), "")


@cache
def _docstrings(model: type) -> Mapping[str, str]:
    """Return the text below each field of a class, in one line."""
    if not issubclass(model, BaseModel) or model is BaseModel:
        return {}
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    body, found = tree.body if isinstance(tree, ast.ClassDef) else [], {}
    for field, after in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(after.value.value).split())
    return found


_ABOUT: Final = """# Settings

Vigil reads `vigil.toml`: the file that `--config` or `VIGIL_CONFIG` names, or the one in the working directory.
Begin with [`vigil.example.toml`](../vigil.example.toml). `vigil check` reports all faults at once, each with its file,
its key and its fix.

Each setting may also stand in the environment: `VIGIL_` and the path with `__` between its levels, such as
`VIGIL_API__PORT=8001`. The environment goes before the file. Lists and tables are written there as TOML.
A variable with one value does not replace a list in the file: that is an error.

| Kind | How it is written |
|---|---|
| duration | `90s`, `15m`, `2h`, `7d`, or ISO 8601: `PT15M`, `P7D` |
| secret | `{ env = "NAME" }` or `{ file = "PATH" }`; a list of two while it is rotated |
| network | `203.0.113.0/24` |

`digest_key` must be there, and either the table `[seal]` or, at the top, `seal = "off"`, which stores everything in
clear.

This page is written by `make docs` from the models that read the file.
"""


if __name__ == "__main__":
    Path(__file__).with_name("settings.md").write_text(build_page())
