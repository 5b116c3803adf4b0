"""The only list of providers."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from providers.contract import ProviderEntry
from providers.id360.provider import ENTRY as ID360
from providers.identomat.provider import ENTRY as IDENTOMAT
from providers.signicat.provider import ENTRY as SIGNICAT
from providers.smile_id.provider import ENTRY as SMILE_ID

_FOLDER_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def registered(entries: Iterable[ProviderEntry]) -> Mapping[str, ProviderEntry]:
    """Return the providers by name. Raises `ValueError` for an entry that contradicts itself or another."""
    found: dict[str, ProviderEntry] = {}
    for entry in entries:
        for fault in _faults(entry):
            raise ValueError(f"provider {entry.name!r} {fault}")
        if entry.name in found:
            raise ValueError(f"provider {entry.name!r} is registered twice")
        found[entry.name] = entry
    return MappingProxyType(found)


def _faults(entry: ProviderEntry) -> Iterable[str]:
    if not _FOLDER_NAME.fullmatch(entry.name):
        yield "has a name that no folder can have"
    if not entry.settings.__module__.startswith(f"providers.{entry.name}."):
        yield "has settings outside the folder of its name"
    if not entry.title:
        yield "has no title"
    if not entry.contracts:
        yield "has no sender contract"
    if any(name != contract.sender for name, contract in entry.contracts.items()):
        yield "has a contract under another name than its sender's"


PROVIDERS: Final = registered((ID360, IDENTOMAT, SIGNICAT, SMILE_ID))
