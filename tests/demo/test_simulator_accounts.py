import stat
import tomllib
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest

from vigil.config.settings import load_settings
from vigil.demo.ports import Ports
from vigil.demo.simulator_accounts import build_scenario, find_account, write_settings
from vigil.simulator.registry import SIMULATED_ACCOUNTS
from vigil.simulator.story import SimulatedAccount

PORTS = Ports(temporal=7001, ui=7005, api=7002, simulator=7003, mail=7004, codec=7006)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "made" / "vigil.toml"
    write_settings(file, SIMULATED_ACCOUNTS, PORTS, temporal="127.0.0.1:7001", time_scale=240)
    return file


def test_the_settings_that_are_made_can_be_loaded_and_lead_to_the_simulator(file: Path) -> None:
    settings = load_settings(file, environ={})

    assert settings.temporal.address == "127.0.0.1:7001"
    assert settings.api.port == 7002
    assert settings.time_scale == 240
    assert settings.messages.sms is not None
    assert settings.messages.sms.url == "http://127.0.0.1:7003/gateway/messages"
    assert settings.messages.email is not None
    assert (settings.messages.email.host, settings.messages.email.port) == ("127.0.0.1", 7004)
    assert set(settings.accounts) == {played.name for played in SIMULATED_ACCOUNTS}
    for name, account in settings.accounts.items():
        assert account.own.base_url.startswith("http://127.0.0.1:7003/"), name


def test_only_their_owner_may_read_the_settings_that_are_made(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_that_are_in_use_are_never_written_over(file: Path) -> None:
    before = file.read_text()
    with pytest.raises(FileExistsError):
        write_settings(file, SIMULATED_ACCOUNTS, PORTS, temporal="127.0.0.1:7001", time_scale=1)

    assert file.read_text() == before


@pytest.mark.parametrize("account", SIMULATED_ACCOUNTS, ids=lambda account: account.name)
def test_a_scenario_holds_the_callback_url_and_the_secret_of_the_settings(
    account: SimulatedAccount, file: Path
) -> None:
    settings = load_settings(file, environ={})
    secret = reduce(getitem, account.secret_at, tomllib.loads(file.read_text())["accounts"][account.name])

    scenario = str(build_scenario(settings, account.name, {"drop_finals": True}))

    assert f"http://127.0.0.1:7002/callbacks/{account.name}" in scenario
    assert not account.secret_at or secret in scenario
    assert "{secret}" not in scenario
    assert "'drop_finals': True" in scenario


def test_an_account_of_another_name_is_simulated_as_the_first_of_its_provider(file: Path) -> None:
    settings = load_settings(file, environ={})
    renamed = settings.model_copy(update={"accounts": {"mine": settings.accounts[SIMULATED_ACCOUNTS[0].name]}})

    assert find_account(renamed, "mine") == SIMULATED_ACCOUNTS[0]
