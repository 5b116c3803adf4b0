from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from vigil.config.accounts import open_accounts
from vigil.config.settings import Settings, load_settings
from vigil.providers.contract import Provider
from vigil.providers.registry import PROVIDERS

SETTINGS = """
digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"
seal = "off"
[accounts.first]
provider = "id360"
base_url = "https://first.example"
username = "u"
password = "p"
callback_headers = { Authorization = "7d1c90b3e8a24f56b0c9d3e1f7a86b42" }
[accounts.second]
provider = "id360"
base_url = "https://second.example"
username = "u"
password = "p"
callback_headers = { Authorization = "2b64c8f0a1d94e37925f6ab80c1de773" }
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "vigil.toml"
    file.write_text(SETTINGS)
    return load_settings(file, environ={})


async def test_only_an_account_that_is_used_is_opened_and_only_once(settings: Settings) -> None:
    opened: list[str] = []
    entry = PROVIDERS["id360"]

    def open_and_note(account: str, settings: Any, http: httpx.AsyncClient) -> Provider:
        opened.append(account)
        return entry.open(account, settings, http)

    async with httpx.AsyncClient() as http:
        accounts = open_accounts(settings, http, providers={"id360": replace(entry, open=open_and_note)})

        assert list(accounts) == ["first", "second"]
        assert "second" in accounts
        assert opened == []
        assert accounts["second"] is accounts["second"]
        assert opened == ["second"]


async def test_an_account_that_is_not_in_the_settings_is_none(settings: Settings) -> None:
    async with httpx.AsyncClient() as http:
        accounts = open_accounts(settings, http)

        assert accounts.get("third") is None
        assert "third" not in accounts
