"""`vigil serve api`: one API process, with the limits that a port on the internet needs."""

import sys
from importlib import import_module
from typing import Annotated

import structlog
import typer

from vigil.checkout import find_checkout
from vigil.config.settings import SettingsError, is_exposed, load_settings
from vigil.observability import set_up_logging

_log = structlog.get_logger("vigil.api")

app = typer.Typer(no_args_is_help=True, help="Run one process of Vigil until it is stopped.")


@app.callback()
def serve() -> None:
    """Run one process of Vigil until it is stopped."""


@app.command()
def api(
    context: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of that in the settings.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, instead of that in the settings.")] = None,
) -> None:
    """Serve callbacks and backends as `[api]` says, with limits on connections, headers and time."""
    set_up_logging()
    try:
        settings = load_settings(context.obj)
    except SettingsError as error:
        raise _failed_start(str(error)) from None
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"api": settings.api.model_copy(update=given)})
    if is_exposed(context.obj):
        _log.warning("settings.exposed")
    # The application is never installed, so that it cannot be imported from everywhere.
    sys.path.insert(0, str(find_checkout()))
    try:
        import_module("api.app").serve(settings)
    except OSError as error:
        address = f"{settings.api.host}:{settings.api.port}"
        raise _failed_start(f"cannot listen on {address}: {error.strerror}") from None


def _failed_start(reason: str) -> typer.Exit:
    """Log why a process cannot start. Its output is read by programs, unlike that of other commands."""
    _log.critical("start.failed", reason=reason)
    return typer.Exit(2)
