"""The settings and the open parts that a command works with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from vigil.config.runtime import Runtime, open_runtime
from vigil.config.settings import DEFAULT_FILE, load_settings

DEV_FOLDER: Final = Path(".vigil")
DEV_FILE: Final = DEV_FOLDER / "vigil.toml"


def settings_file(given: Path | None, environ: dict[str, str]) -> Path | None:
    """Return the file that was named; where none was, and none is there, that of `vigil dev`; None: the default."""
    is_named = given is not None or environ.get("VIGIL_CONFIG") or DEFAULT_FILE.exists()
    return given if is_named or not DEV_FILE.exists() else DEV_FILE


@asynccontextmanager
async def opened(config: Path | None) -> AsyncIterator[Runtime]:
    """Open what the settings name, for one command. Raises `SettingsError`, `TemporalUnreachable`."""
    async with open_runtime(load_settings(config)) as runtime:
        yield runtime
