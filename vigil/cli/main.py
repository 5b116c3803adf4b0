"""The `vigil` command: its subcommands, and the exit code of each."""

import asyncio
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from vigil.cli import accounts, check, explain, histories, key, serve, setup, show, track, watch
from vigil.cli import list as listing
from vigil.cli.context import find_settings_file
from vigil.cli.errors import describe_error
from vigil.process_exit import exit_now

INTERRUPTED: Final = 130

app = typer.Typer(
    name="vigil",
    help="Track identity verifications at providers until their results and files are stored.",
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
        typer.Option(
            help="Settings file; by default `$VIGIL_CONFIG`, else `vigil.toml` here, else the file of `vigil dev`.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Store the settings file that every command reads."""
    context.obj = find_settings_file(config, os.environ)


# The image for production has neither the simulator nor the commands that start it.
for name in ("demo", "dev", "simulate") if find_spec("vigil.simulator") else ():
    app.command()(getattr(import_module(f"vigil.cli.{name}"), name))
app.command()(check.check)
app.command()(accounts.accounts)
app.command()(setup.setup)
app.command()(track.track)
app.command("list")(listing.list_)
app.command()(show.show)
app.command("explain")(explain.explain_)
app.command()(watch.watch)
app.add_typer(serve.app, name="serve")
app.add_typer(key.key, name="key")
app.add_typer(histories.histories, name="histories")


def main() -> None:
    """Run a command and exit: with 0 if all is well, 1 if a check or a part failed, 2 if the command could not run."""
    # What a command writes, and what the processes write that it starts, is for nobody else on this machine.
    os.umask(0o077)
    exit_now(_run())


def _run() -> int:
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except Exception as error:
        sentence = describe_error(error)
        if sentence is None:
            raise
        Console(stderr=True).print(Text(f"vigil: {sentence}", style="red"), soft_wrap=True)
        return 2
    return 0


if __name__ == "__main__":
    main()
