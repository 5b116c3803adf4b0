"""`vigil serve api` and `vigil serve codec`: one process, with the limits that an open port needs."""

import os
import sys
from importlib import import_module
from pathlib import Path

import structlog
import typer

from vigil.checkout import find_checkout
from vigil.cli.context import find_settings_file
from vigil.config.settings import SettingsError, is_exposed, load_settings
from vigil.errors import StorageNotOpened
from vigil.observability import set_up_logging
from vigil.sealing.errors import SealingError

_log = structlog.get_logger("vigil.api")


def serve_api(config: Path | None, host: str | None, port: int | None) -> None:
    """Serve callbacks and backends until the process is stopped. `host` and `port` overrule those of the settings."""
    set_up_logging()
    config = find_settings_file(config, os.environ)
    try:
        settings = load_settings(config)
    except SettingsError as error:
        raise _failed_start(str(error)) from None
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"api": settings.api.model_copy(update=given)})
    if is_exposed(config):
        _log.warning("settings.exposed")
    # The application is never installed, so that it cannot be imported from everywhere.
    sys.path.insert(0, str(find_checkout()))
    try:
        import_module("api.app").serve(settings)
    except OSError as error:
        address = f"{settings.api.host}:{settings.api.port}"
        raise _failed_start(f"cannot listen on {address}: {error.strerror}") from None


def serve_codec(config: Path | None) -> None:
    """Open payloads for Temporal's UI until the process is stopped."""
    set_up_logging()
    config = find_settings_file(config, os.environ)
    try:
        settings = load_settings(config)
    except SettingsError as error:
        raise _failed_start(str(error)) from None
    if is_exposed(config):
        _log.warning("settings.exposed")
    if settings.codec is None:
        raise _failed_start("the settings have no table [codec]; docs/deploying.md has one")
    if settings.seal is None:
        raise _failed_start('the settings have seal = "off", so there is nothing to open')
    sys.path.insert(0, str(find_checkout()))
    try:
        import_module("api.codec.app").serve(settings, settings.codec)
    except (SealingError, StorageNotOpened) as error:
        raise _failed_start(str(error)) from None
    except OSError as error:
        address = f"{settings.codec.host}:{settings.codec.port}"
        raise _failed_start(f"cannot listen on {address}: {error.strerror}") from None


def _failed_start(reason: str) -> typer.Exit:
    """Log why a process cannot start. Its output is read by programs, unlike that of other commands."""
    _log.critical("start.failed", reason=reason)
    return typer.Exit(2)
