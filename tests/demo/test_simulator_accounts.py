import stat
from pathlib import Path

import pytest

from vigil.config.settings import load_settings
from vigil.demo.simulator_accounts import _secret, scenario_for, write_settings
from vigil.simulator.registry import PLAYED


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "made" / "vigil.toml"
    write_settings(
        file,
        PLAYED,
        temporal="127.0.0.1:7001",
        api="http://127.0.0.1:7002",
        simulator="http://127.0.0.1:7003",
        mail="127.0.0.1:7004",
        time_scale=240,
    )
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
    assert set(settings.accounts) == {played.name for played in PLAYED}
    for name, account in settings.accounts.items():
        assert account.own.base_url.startswith("http://127.0.0.1:7003/"), name


def test_only_their_owner_may_read_the_settings_that_are_made(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_that_are_in_use_are_never_written_over(file: Path) -> None:
    before = file.read_text()
    with pytest.raises(FileExistsError):
        write_settings(file, PLAYED, temporal="t", api="http://a:1", simulator="s", mail="h:2", time_scale=1)

    assert file.read_text() == before


@pytest.mark.parametrize("played", PLAYED, ids=lambda played: played.name)
def test_a_scenario_is_told_where_to_call_back_and_the_secret_of_the_settings(played: object, file: Path) -> None:
    account = next(each for each in PLAYED if each is played)
    configured = load_settings(file, environ={}).accounts[account.name]

    scenario = str(
        scenario_for(account, configured, {"drop_finals": True}, callback_url="http://127.0.0.1:7002/callbacks/here")
    )

    assert "http://127.0.0.1:7002/callbacks/here" in scenario
    assert "{secret}" not in scenario
    assert "drop_finals" in scenario
    assert not account.secret_at or _secret(configured.own, account.secret_at) in scenario
