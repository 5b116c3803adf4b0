"""The `vigil` command: its subcommands, and the exit code of each."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from vigil.cli.commands import erasure, installation, keys, quarantine, stack, verifications
from vigil.cli.errors import describe_error
from vigil.process_exit import exit_now

INTERRUPTED: Final = 130

app = typer.Typer(
    name="vigil",
    help="Track identity verifications at providers until their results and files are stored.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich takes longer to import than everything else that the help needs
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        print(f"vigil {version('vigil')}")
        raise typer.Exit


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
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Store the settings file that every command reads."""
    context.obj = config
    from vigil.domain import model_building

    model_building.at_first_use = context.invoked_subcommand != "serve"


if find_spec("vigil.simulator"):  # the image for production has no simulator
    app.command()(stack.demo)
    app.command()(stack.dev)
    app.command(cls=stack.SimulateCommand)(stack.simulate)
    app.command()(stack.listen)
    app.command(context_settings={"help_option_names": []})(stack.trigger)
app.command()(installation.check)
app.command()(installation.doctor)
app.command()(installation.accounts)
app.command()(installation.setup)
app.command()(verifications.track)
app.command()(verifications.backfill)
app.command("list")(verifications.list_)
app.command()(verifications.show)
app.command()(verifications.explain)
app.command("open")(verifications.open_)
app.command()(verifications.watch)
app.command()(verifications.poll)
app.command()(verifications.withdraw)
app.command()(verifications.resolve)
app.command()(verifications.deadline)
app.add_typer(verifications.evidence, name="evidence")
app.command()(verifications.export)
app.command()(installation.audit)
app.command()(erasure.erase)
app.add_typer(erasure.hold, name="hold")
app.command()(erasure.retention)
app.command()(installation.refusals)
app.add_typer(quarantine.quarantine, name="quarantine")
app.add_typer(installation.notify, name="notify")
app.add_typer(stack.serve, name="serve")
app.add_typer(installation.key, name="key")
app.add_typer(keys.keys, name="keys")
app.add_typer(installation.histories, name="histories")
app.add_typer(installation.deploy, name="deploy")


def main() -> None:
    """Run a command and exit: with 0 if all is well, 1 if a check or a part failed, 2 if the command could not run."""
    # What a command writes, and what the processes write that it starts, is for nobody else on this machine.
    os.umask(0o077)
    exit_now(_run())


def _run() -> int:
    try:
        app(prog_name="vigil")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        sentence = describe_error(error)
        if sentence is None:
            raise
        print_error(sentence)
        return 2
    return 0


def print_error(sentence: str) -> None:
    """Print a sentence to standard error, in red on a terminal."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text(f"vigil: {sentence}", style="red"), soft_wrap=True)


if __name__ == "__main__":
    main()
