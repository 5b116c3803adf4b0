"""Reads a settings file: TOML, the environment on top, secrets resolved, each fault one sentence."""

import secrets
import tomllib
from collections.abc import Iterable, Mapping, MutableMapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from vigil.config.fault_sentences import describe_setting_fault

PREFIX: Final = "VIGIL_"
Path_: TypeAlias = tuple[str | int, ...]
Fault: TypeAlias = tuple[Path_, str]
"""A setting and its fix."""


class SettingsError(Exception):
    """The settings cannot be used. The text has one line with file, setting and fix for each fault, and no value."""

    def __init__(self, file: Path, *faults: Fault) -> None:
        self.settings = tuple(spelled(setting) for setting, _ in faults)
        lines = [f"{file}: {spelled(setting)}: {fix}" if setting else f"{file}: {fix}" for setting, fix in faults]
        super().__init__("\n".join(dict.fromkeys(lines)))


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
        raise SettingsError(file, ((), "there is no such file; copy vigil.example.toml and fill it in")) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(file, ((), f"is not TOML: {_without_value(str(error))}")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(file, ((), f"cannot be read ({type(error).__name__})")) from None


def _without_value(message: str) -> str:
    # tomllib quotes single characters and, for a repeated key, its name; all else is its own words.
    return message if len(message) < 120 else message[message.rfind("(at line") :]  # noqa: PLR2004 -- a sentence's length


def overlaid(file: Path, environ: Mapping[str, str], known: Iterable[str]) -> dict[str, Any]:
    """Return the file with `VIGIL_...` laid over it. Raises `SettingsError`.

    A variable whose first level is no setting holds a secret, and stays; so does one that a list in the file names.
    """
    given, settings = read_toml(file), set(known)
    faults: list[Fault] = []
    for variable in sorted(environ):
        levels = variable.removeprefix(PREFIX).lower().split("__")
        if variable.startswith(PREFIX) and levels[0] in settings:
            value, listed = _parsed(environ[variable]), _find(given, levels)
            if isinstance(listed, list) and {"env": variable} in listed:
                if isinstance(value, list):
                    faults.append((tuple(levels), f"{variable} {_ONE_OF_LIST}"))
                continue
            if isinstance(listed, list) and not isinstance(value, list):
                # Keys that are being changed are a list: without one of them, what it sealed is lost.
                faults.append((tuple(levels), f"{variable} would replace the list in the file by one value; {_CLEAR}"))
            _put(given, levels, value)
    if faults:
        raise SettingsError(file, *faults)
    return given


_ONE_OF_LIST: Final = (
    "holds a list, and the list in the file names it as one value; give it one value, or rename it there"
)
_CLEAR: Final = 'give it the whole list, such as \'["a", "b"]\', or unset it'


def _find(table: Mapping[str, Any], levels: list[str]) -> Any:
    found: Any = table
    for level in levels:
        found = found.get(_name_in(found, level)) if isinstance(found, Mapping) else None
    return found


def _name_in(table: Mapping[str, Any], level: str) -> str:
    return next((name for name in table if name.lower().replace("-", "_") == level), level)


def _put(table: MutableMapping[str, Any], levels: list[str], value: Any) -> None:
    first, *rest = levels
    name = _name_in(table, first)
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


class SecretResolver:
    """Puts secrets in the place of `{ env = ... }` and `{ file = ... }`, however deep they stand.

    `faults` names each variable and file that is not there, or holds nothing. A random text stands in for its secret,
    so that the other settings can be checked.
    """

    def __init__(self, environ: Mapping[str, str], file: Path) -> None:
        """Take the environment, and the settings file, from whose folder the paths of secrets begin."""
        self.faults: list[Fault] = []
        self._environ = environ
        self._folder = file.parent

    def resolve(self, value: Any, at: Path_ = ()) -> Any:
        """Return the value with its secrets."""
        match value:
            case {"env": str(variable)} if len(value) == 1:
                return self._fill(self._environ.get(variable), f"the environment variable {variable}", at)
            case {"file": str(name)} if len(value) == 1:
                return self._fill(self._read(name), f"the file {name}", at)
            case dict():
                return {key: self.resolve(inner, (*at, key)) for key, inner in value.items()}
            case list():
                return [self.resolve(inner, (*at, n)) for n, inner in enumerate(value)]
            case _:
                return value

    def _read(self, name: str) -> str | None:
        try:
            return (self._folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _fill(self, secret: str | None, source: str, at: Path_) -> str:
        if secret is not None and secret.strip():
            return secret.rstrip("\r\n")
        missing = f"set {source}" if source.startswith("the env") else f"{source} cannot be read"
        self.faults.append((at, missing if secret is None else f"{source} is empty"))
        return secrets.token_urlsafe(32)


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


def find_faults(error: ValidationError, model: type[BaseModel], at: Path_ = ()) -> list[Fault]:
    """Return everything that is wrong. What was given instead stays out: it may be a secret."""
    faults: list[Fault] = []
    misspelt: set[Path_] = set()
    for fault in error.errors(include_url=False, include_context=True, include_input=False):
        setting = tuple(part for part in fault["loc"] if part != "[key]")
        match fault["type"]:
            case "missing":
                fix = "is missing"
            case "extra_forbidden":
                beside = _names_beside(model, setting)
                misspelt |= {(*setting[:-1], name) for name in get_close_matches(str(setting[-1]), list(beside), n=1)}
                fix = "there is no such setting" + _nearest(str(setting[-1]), beside)
            case _:
                fix = describe_setting_fault(fault)
        faults.append((setting, fix))
    # A list of which one item is wrong is reported as too short, too.
    inner = {setting[:length] for setting, _ in faults for length in range(1, len(setting))}
    return [
        ((*at, *setting), fix)
        for setting, fix in faults
        if setting not in inner and not (fix == "is missing" and setting in misspelt)
    ]


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
