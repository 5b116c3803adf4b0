"""`vigil histories`: take the histories of an installation, and replay them with the release that runs this command."""

import asyncio
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from vigil.checkout import find_checkout
from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.temporal.histories import export as export_from
from vigil.temporal.histories import replay as replay_with

histories = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Folder of the histories, one JSON file each.", metavar="FOLDER")]
Most = Annotated[int, typer.Option("--open", min=0, help="Number of open workflows, the newest first.")]
MostClosed = Annotated[int, typer.Option("--closed", min=0, help="Number of closed workflows, the newest first.")]


@histories.callback()
def _group() -> None:
    """Take the histories of workflows, and replay them with another release before it is rolled out."""


@histories.command()
def export(context: typer.Context, folder: Folder, most_open: Most = 200, most_closed: MostClosed = 200) -> None:
    """Write histories to a new folder. References, applicants and coordinates are digests there."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise CommandError(f"{folder} exists already: name a new folder.") from None
    written = asyncio.run(_export(context.obj, folder, most_open=most_open, most_closed=most_closed))
    print(f"{written} histories are in {folder}.")


async def _export(config: Path | None, folder: Path, *, most_open: int, most_closed: int) -> int:
    written = 0
    async with open_installation(config) as runtime:
        for is_open, most in ((True, most_open), (False, most_closed)):
            if not most:  # Temporal takes 0 for no limit
                continue
            exported = export_from(
                runtime.client, lambda text: runtime.digester.digest("history", text), is_open=is_open, most=most
            )
            async for name, history in exported:
                (folder / f"{name}.json").write_text(json.dumps(history) + "\n")
                written += 1
    return written


@histories.command()
def replay(folder: Folder) -> None:
    """Replay histories with the workflows of this release. Exit with 1 if one of them does not replay."""
    found = {file.stem: file.read_text() for file in sorted(folder.glob("*.json"))}
    if not found:
        raise CommandError(f"{folder} holds no histories.")
    # The application is never installed, so that it cannot be imported from everywhere.
    sys.path.insert(0, str(find_checkout()))
    failures = asyncio.run(replay_with(found, import_module("workflows.registry").WORKFLOWS))
    for name, failure in failures.items():
        print(f"✗  {name}: {failure}")
    print(f"{len(found) - len(failures)} of {len(found)} histories replay.")
    raise typer.Exit(bool(failures))
