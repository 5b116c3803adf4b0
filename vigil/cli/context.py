"""The settings file and the runtime of a command."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from vigil.config.settings import DEFAULT_FILE, Settings, load_settings
from vigil.runtime import Runtime, open_runtime

DEV_FOLDER: Final = Path(".vigil")
DEV_FILE: Final = DEV_FOLDER / "vigil.toml"


def find_settings_file(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the given file, or that of `vigil dev` if there is no other; None: `load_settings` finds the file."""
    has_other = given is not None or environ.get("VIGIL_CONFIG") or DEFAULT_FILE.exists()
    return given if has_other or not DEV_FILE.exists() else DEV_FILE


def load(config: Path | None) -> Settings:
    """Return the settings of the given file, or of the file that is found. Raises `SettingsError`."""
    return load_settings(find_settings_file(config, os.environ))


@asynccontextmanager
async def open_installation(config: Path | None) -> AsyncIterator[Runtime]:
    """Load the settings and open a runtime. Raises `SettingsError`, `TemporalUnreachable`."""
    async with open_runtime(load(config)) as runtime:
        yield runtime
