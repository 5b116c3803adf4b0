"""The only list of providers."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from vigil.providers.contract import ProviderEntry
from vigil.providers.id360.provider import ENTRY as ID360
from vigil.providers.identomat.provider import ENTRY as IDENTOMAT
from vigil.providers.signicat.provider import ENTRY as SIGNICAT
from vigil.providers.smile_id.provider import ENTRY as SMILE_ID

AnyEntry: TypeAlias = ProviderEntry[Any]
"""An entry whatever its settings. Only `ProviderEntry.open_account` may use them: it checks their type."""

_FOLDER_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def build_registry(entries: Iterable[AnyEntry]) -> Mapping[str, AnyEntry]:
    """Return the providers by name. Raises `ValueError` if an entry contradicts itself or another entry."""
    found: dict[str, AnyEntry] = {}
    for entry in entries:
        for fault in _find_faults(entry):
            raise ValueError(f"provider {entry.name!r} {fault}")
        if entry.name in found:
            raise ValueError(f"provider {entry.name!r} is registered twice")
        found[entry.name] = entry
    return MappingProxyType(found)


def _find_faults(entry: AnyEntry) -> Iterable[str]:
    if not _FOLDER_NAME.fullmatch(entry.name):
        yield "has a name that no folder can have"
    if not entry.settings.__module__.startswith(f"vigil.providers.{entry.name}."):
        yield "has settings outside the folder of its name"
    if not entry.title:
        yield "has no title"
    if not entry.contracts:
        yield "has no sender contract"
    if any(name != contract.sender for name, contract in entry.contracts.items()):
        yield "has a contract under another name than its sender's"


PROVIDERS: Final = build_registry((ID360, IDENTOMAT, SIGNICAT, SMILE_ID))
