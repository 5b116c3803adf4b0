"""The list of providers, and what it refuses to hold."""

from dataclasses import replace
from pathlib import Path

import pytest

import providers
from providers.contract import ProviderEntry
from providers.registry import PROVIDERS, registered

FOLDER = Path(providers.__file__).parent
ENTRY = PROVIDERS["id360"]
CONTRACT = ENTRY.contracts["id360"]


def test_every_folder_with_a_provider_is_listed() -> None:
    assert set(PROVIDERS) == {path.parent.name for path in FOLDER.glob("*/provider.py")}


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([ENTRY, ENTRY], "registered twice"),
        ([replace(ENTRY, name="ID-360")], "no folder can have"),
        ([replace(ENTRY, name="other")], "outside the folder"),
        ([replace(ENTRY, title="")], "no title"),
        ([replace(ENTRY, contracts={})], "no sender contract"),
        ([replace(ENTRY, contracts={"other": CONTRACT})], "another name"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(entries: list[ProviderEntry], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        registered(entries)
