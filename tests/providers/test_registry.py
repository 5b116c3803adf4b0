"""The list of providers, and what it refuses to hold."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from vigil import providers
from vigil.domain.terms import Covers
from vigil.providers.account_settings import AccountSettings
from vigil.providers.registry import PROVIDERS, AnyEntry, build_registry

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
def test_an_entry_that_contradicts_itself_is_refused(entries: list[AnyEntry], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        build_registry(entries)


@pytest.mark.parametrize("entry", PROVIDERS.values(), ids=PROVIDERS)
def test_a_provider_whose_callbacks_give_a_reason_in_a_text_proves_their_bodies(entry: AnyEntry) -> None:
    module = import_module(f"vigil.providers.{entry.name}.provider")
    sources = [each for each in vars(module).values() if isinstance(each, type) and hasattr(each, "reason_text")]

    assert all(contract.proof.covers is Covers.BODY for contract in entry.contracts.values()) or not sources


@pytest.mark.parametrize("name", sorted(PROVIDERS))
async def test_an_account_opens_with_its_own_provider_s_settings_only(name: str) -> None:
    settings = AccountSettings(provider=name, base_url="http://127.0.0.1")

    async with httpx.AsyncClient() as http:
        with pytest.raises(TypeError, match="not AccountSettings"):
            PROVIDERS[name].open_account("ours", settings, http)
