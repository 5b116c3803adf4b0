"""The `vigil` command: its verbs, and how every one of them ends."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from temporalio.service import RPCError

from api.problems import Problem
from cli import demo
from cli.failure import Failed
from cli.installation import settings_file
from leaving import leave
from settings import SettingsError
from storage.contract import StorageError

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


def main() -> None:
    """Run a verb and leave: 0 if all is well, 1 if what was looked at is not, 2 if the verb could not do its work."""
    leave(_run())


def _run() -> int:
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (Failed, SettingsError) as error:
        return _failed(str(error))
    except Problem as problem:
        return _failed(f"{problem.view.title}.")
    except StorageError:
        return _failed("The storage gives no usable answer: look at [storage] url and its rights.")
    except RPCError as error:
        return _failed(f"Temporal gives no usable answer ({error.status.name}): look at [temporal] address.")
    return 0


def _failed(sentence: str) -> int:
    Console(stderr=True).print(f"vigil: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)
    return 2


if __name__ == "__main__":
    main()
