from pathlib import Path

import pytest

from vigil.cli.context import find_settings_file

DEV = Path(".vigil/vigil.toml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".vigil").mkdir()
    (tmp_path / DEV).touch()
    return tmp_path


def test_without_any_other_settings_file_that_of_dev_is_used() -> None:
    assert find_settings_file(None, {}) == DEV


def test_a_given_file_a_variable_and_a_file_in_the_folder_all_come_before_that_of_dev(folder: Path) -> None:
    assert find_settings_file(Path("other.toml"), {}) == Path("other.toml")
    assert find_settings_file(None, {"VIGIL_CONFIG": "other.toml"}) is None
    (folder / "vigil.toml").touch()
    assert find_settings_file(None, {}) is None
