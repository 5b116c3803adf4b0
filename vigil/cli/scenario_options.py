"""The options of a simulated verification, as its scenario declares them."""

from datetime import timedelta
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from vigil.cli.errors import CommandError
from vigil.simulator.registry import SIMULATED, SIMULATED_ACCOUNTS

_SET_BY_US: Final = frozenset({"endpoints"})
_NAMES: Final[dict[Any, str]] = {bool: "true|false", int: "NUMBER", str: "TEXT", timedelta: "DURATION"}


def list_options(name: str) -> list[tuple[str, str]]:
    """Return name and meaning of each option for an account or a provider. Raises `CommandError` for another name."""
    providers = {account.name: account.provider for account in SIMULATED_ACCOUNTS} | {each: each for each in SIMULATED}
    if name not in providers:
        raise CommandError(f"The simulator has no such account; it has {', '.join(sorted(providers))}.")
    fields = SIMULATED[providers[name]].scenario_type.model_fields.items()
    return [
        (f"{each}={_describe_type(field.annotation)}", _describe(field))
        for each, field in fields
        if each not in _SET_BY_US
    ]


def _describe(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    shown = default.value if isinstance(default, Enum) else default
    text = " ".join((field.description or "").split())
    is_shown = shown != "" and isinstance(shown, bool | int | str | timedelta)
    return f"{text} [{shown}]" if is_shown else text


def _describe_type(annotation: Any) -> str:
    """Return what stands for a value: its words, the name of its type, or JSON for everything with parts."""
    origin = get_origin(annotation)
    if origin in {UnionType, Union, Annotated}:
        inner = get_args(annotation)[:1] if origin is Annotated else get_args(annotation)
        return "|".join(_describe_type(each) for each in inner if each is not type(None))
    if origin is Literal:
        return "|".join(str(word) for word in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "|".join(str(word.value) for word in annotation)
    return _NAMES.get(annotation, "JSON") if isinstance(annotation, type) else "JSON"
