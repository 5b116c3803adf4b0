"""Reads a settings file: TOML, the environment on top, secrets resolved, each fault one sentence."""

import secrets
import tomllib
from collections.abc import Iterable, Mapping, MutableMapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

PREFIX: Final = "VIGIL_"
Path_: TypeAlias = tuple[str | int, ...]


class SettingsError(Exception):
    """The settings cannot be used; the text is one sentence with file, setting and fix, and shows no value."""

    def __init__(self, file: Path, setting: Path_, fix: str) -> None:
        self.setting = spelled(setting)
        super().__init__(f"{file}: {self.setting}: {fix}" if setting else f"{file}: {fix}")


def spelled(setting: Path_) -> str:
    """Return a setting's name as it is written, such as `api.keys[0].secret`."""
    text = ""
    for part in setting:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_toml(file: Path) -> dict[str, Any]:
    """Read the file. Raises `SettingsError`, with the line where it is no TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(file, (), "there is no such file; copy vigil.example.toml and fill it in") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(file, (), f"is not TOML: {_without_value(str(error))}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(file, (), f"cannot be read ({type(error).__name__})") from None


def _without_value(message: str) -> str:
    # tomllib quotes single characters and, for a repeated key, its name; all else is its own words.
    return message if len(message) < 120 else message[message.rfind("(at line") :]  # noqa: PLR2004 -- a sentence's length


def overlaid(given: dict[str, Any], environ: Mapping[str, str], known: Iterable[str]) -> dict[str, Any]:
    """Lay `VIGIL_...` over the file. A variable whose first level is no setting holds a secret, and is left alone."""
    settings = set(known)
    for variable in sorted(environ):
        levels = variable.removeprefix(PREFIX).lower().split("__")
        if variable.startswith(PREFIX) and levels[0] in settings:
            _put(given, levels, _parsed(environ[variable]))
    return given


def _put(table: MutableMapping[str, Any], levels: list[str], value: Any) -> None:
    first, *rest = levels
    name = next((name for name in table if name.lower().replace("-", "_") == first), first)
    if not rest:
        table[name] = value
        return
    inner = table.get(name)
    if not isinstance(inner, dict):
        inner = table[name] = {}
    _put(inner, rest, value)


def _parsed(text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def resolved(value: Any, environ: Mapping[str, str], file: Path, at: Path_ = ()) -> Any:
    """Put secrets in the place of `{ env = ... }` and `{ file = ... }`, however deep they stand.

    Raises:
        SettingsError: naming the setting and the variable or file that is not there, or holds nothing.

    """
    match value:
        case {"env": str(variable)} if len(value) == 1:
            if variable not in environ:
                raise SettingsError(file, at, f"set the environment variable {variable}")
            return _filled(environ[variable], f"the environment variable {variable} is empty", file, at)
        case {"file": str(name)} if len(value) == 1:
            return _filled(_secret_file(file, at, name), f"the file {name} is empty", file, at)
        case dict():
            return {key: resolved(inner, environ, file, (*at, key)) for key, inner in value.items()}
        case list():
            return [resolved(inner, environ, file, (*at, n)) for n, inner in enumerate(value)]
        case _:
            return value


def with_random_secrets(value: Any) -> Any:
    """Return the settings with a random value in the place of each secret; neither environment nor files are read."""
    match value:
        case {"env": str()} | {"file": str()} if len(value) == 1:
            return secrets.token_urlsafe(32)
        case dict():
            return {key: with_random_secrets(inner) for key, inner in value.items()}
        case list():
            return [with_random_secrets(inner) for inner in value]
        case _:
            return value


def _secret_file(file: Path, at: Path_, name: str) -> str:
    try:
        return (file.parent / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(file, at, f"the file {name} cannot be read ({type(error).__name__})") from None


def _filled(secret: str, otherwise: str, file: Path, at: Path_) -> str:
    if not secret.strip():
        raise SettingsError(file, at, otherwise)
    return secret.rstrip("\r\n")


def first_fault(file: Path, error: ValidationError, model: type[BaseModel], at: Path_ = ()) -> SettingsError:
    """Tell the first thing that is wrong; what was given instead stays untold, since it may be a secret."""
    fault = error.errors(include_url=False, include_context=True, include_input=False)[0]
    setting = tuple(part for part in fault["loc"] if part != "[key]")
    match fault["type"]:
        case "missing":
            fix = "is missing"
        case "extra_forbidden":
            fix = "there is no such setting" + _nearest(str(setting[-1]), _names_beside(model, setting))
        case "value_error":
            fix = str(fault["ctx"]["error"])
        case _:
            fix = fault["msg"][:1].lower() + fault["msg"][1:]
    return SettingsError(file, (*at, *setting), fix)


def nearest(wrong: str, names: Iterable[str]) -> str:
    """Return `; did you mean "x"?`, or the names that there are."""
    names = sorted(names)
    return _nearest(wrong, names) or (f"; there are {', '.join(names)}" if names else "")


def _nearest(wrong: str, names: Iterable[str]) -> str:
    found = get_close_matches(wrong, list(names), n=1)
    return f'; did you mean "{found[0]}"?' if found else ""


def _names_beside(model: type[BaseModel], setting: Path_) -> Iterable[str]:
    owner: type[BaseModel] | None = model
    for part in setting[:-1]:
        if owner is not None and isinstance(part, str) and part in owner.model_fields:
            owner = _model_in(owner.model_fields[part].annotation)
    return owner.model_fields if owner is not None else ()


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation holds, through tuples, tables and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Annotated, Union, UnionType, tuple, list, dict, Mapping} or get_args(annotation):
        return next((found for found in map(_model_in, get_args(annotation)) if found is not None), None)
    return None
