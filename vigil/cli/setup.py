"""`vigil setup`: prepare the Temporal namespace."""

import asyncio
from pathlib import Path

import typer

from vigil.cli.context import open_installation
from vigil.cli.formatting import open_console
from vigil.temporal.connection import add_search_attributes


def setup(context: typer.Context) -> None:
    """Add Vigil's search attributes to the Temporal namespace. Repeating the command is safe."""
    open_console().print(asyncio.run(_setup(context.obj)), highlight=False, soft_wrap=True)


async def _setup(config: Path | None) -> str:
    async with open_installation(config) as runtime:
        added = await add_search_attributes(runtime.client)
        result = f"added {', '.join(added)}" if added else "has all search attributes already"
        return f"Namespace {runtime.client.namespace}: {result}."
