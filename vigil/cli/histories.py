"""`vigil histories`: take the histories of an installation, and replay them with the release that runs this command."""

import asyncio
import json
import sys
from importlib import import_module
from pathlib import Path

from vigil.checkout import find_checkout
from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import print_json
from vigil.temporal.histories import export as export_from
from vigil.temporal.histories import replay as replay_with


def export_histories(config: Path | None, folder: Path, *, most_open: int, most_closed: int) -> str:
    """Write histories to a new folder. Return a sentence that counts them. Raises `CommandError` if it exists."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise CommandError(f"{folder} exists already: name a new folder.") from None
    written = asyncio.run(_export(config, folder, most_open=most_open, most_closed=most_closed))
    return f"{written} histories are in {folder}."


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


def replay_histories(folder: Path, *, as_json: bool) -> bool:
    """Print each history that does not replay with the workflows of this release. Return whether all do."""
    found = {file.stem: file.read_text() for file in sorted(folder.glob("*.json"))}
    if not found:
        raise CommandError(f"{folder} holds no histories.")
    # The application is never installed, so that it cannot be imported from everywhere.
    sys.path.insert(0, str(find_checkout()))
    failures = asyncio.run(replay_with(found, import_module("workflows.registry").WORKFLOWS))
    if as_json:
        print_json({"replayed": len(found) - len(failures), "failures": {n: str(each) for n, each in failures.items()}})
        return not failures
    for name, failure in failures.items():
        print(f"✗  {name}: {failure}")
    print(f"{len(found) - len(failures)} of {len(found)} histories replay.")
    return not failures
