from pathlib import Path

import pytest

from vigil.cli.context import settings_file

DEV = Path(".vigil/vigil.toml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".vigil").mkdir()
    (tmp_path / DEV).touch()
    return tmp_path


def test_where_nothing_is_named_and_nothing_else_is_there_the_settings_of_dev_are_taken() -> None:
    assert settings_file(None, {}) == DEV


def test_a_named_file_a_variable_and_a_file_in_the_folder_all_win_over_those_of_dev(folder: Path) -> None:
    assert settings_file(Path("other.toml"), {}) == Path("other.toml")
    assert settings_file(None, {"VIGIL_CONFIG": "other.toml"}) is None
    (folder / "vigil.toml").touch()
    assert settings_file(None, {}) is None
