"""Commands about the keys that seal what is stored."""

from pathlib import Path
from typing import Annotated

import typer

keys = typer.Typer(no_args_is_help=True)


@keys.callback()
def _keys() -> None:
    """Make and look after the keys that seal what is stored. `vigil key` makes those of backends."""


@keys.command()
def new(folder: Annotated[Path, typer.Argument(help="A folder without keysets.", metavar="FOLDER")]) -> None:
    """Make all keysets in a folder, for `[seal] folder`. Keep a copy elsewhere: without it everything is lost."""
    from vigil.cli.keys import make_new_keysets

    print(make_new_keysets(folder))
