"""`vigil setup`: prepares the Temporal namespace."""

import asyncio
from pathlib import Path

import typer
from rich.console import Console

from vigil.cli.context import opened
from vigil.temporal.connection import add_search_attributes


def setup(context: typer.Context) -> None:
    """Register our search attributes at Temporal. May be repeated."""
    asyncio.run(_setup(context.obj))


async def _setup(config: Path | None) -> None:
    async with opened(config) as runtime:
        added = await add_search_attributes(runtime.client)
        done = f"added {', '.join(added)}" if added else "has all our search attributes already"
        Console().print(f"Namespace {runtime.client.namespace}: {done}.", highlight=False, soft_wrap=True)
