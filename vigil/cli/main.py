"""The `vigil` command: its verbs, and how every one of them ends."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text
from temporalio.service import RPCError

from vigil.cli import accounts, check, demo, dev, explain, setup, show, simulate, track, watch
from vigil.cli import list as listing
from vigil.cli.context import settings_file
from vigil.cli.errors import CommandError
from vigil.config.settings import SettingsError
from vigil.domain.errors import ProviderError
from vigil.errors import VigilError
from vigil.process_exit import exit_now
from vigil.storage.contract import StorageError
from vigil.temporal.connection import SearchAttributesMissing

INTERRUPTED: Final = 130

app = typer.Typer(
    name="vigil",
    help="Keeps watch over identity verifications.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def settings(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="Settings; without it VIGIL_CONFIG, ./vigil.toml, or those of `vigil dev`.", metavar="FILE"),
    ] = None,
) -> None:
    """Take what all verbs share."""
    context.obj = settings_file(config, dict(os.environ))


app.command()(demo.demo)
app.command()(dev.dev)
app.command()(check.check)
app.command()(accounts.accounts)
app.command()(setup.setup)
app.command()(track.track)
app.command("list")(listing.list_)
app.command()(show.show)
app.command("explain")(explain.explain_)
app.command()(watch.watch)
app.command()(simulate.simulate)


def main() -> None:
    """Run a verb and leave: 0 if all is well, 1 if what was looked at is not, 2 if the verb could not do its work."""
    exit_now(_run())


def _run() -> int:
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        message = Text(f"vigil: {sentence}", style="red")
        Console(stderr=True).print(message, soft_wrap=True)
        return 2
    return 0


def _sentence(error: Exception) -> str | None:
    match error:
        case CommandError() | SettingsError() | SearchAttributesMissing() | VigilError():
            return str(error)
        case ProviderError():
            return f"The provider gives no usable answer ({error.code}): `vigil check` tries every account."
        case StorageError():
            return "The storage gives no usable answer: look at [storage] url and its rights."
        case RPCError():
            return f"Temporal gives no usable answer ({error.status.name}): look at [temporal] address."
        case _:
            return None


if __name__ == "__main__":
    main()
