"""New keys, and a store below what is sealed."""

from pathlib import Path

import pytest

from vigil.sealing.keysets import make_keysets
from vigil.storage.folder import FolderStorage


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_keysets(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def below(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "store")
