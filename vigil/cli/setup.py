"""`vigil setup`: prepares the Temporal namespace."""

import asyncio
from pathlib import Path

import typer
from rich.console import Console

from vigil.cli.context import connected
from vigil.config.settings import load_settings
from vigil.temporal.connection import add_search_attributes


def setup(context: typer.Context) -> None:
    """Register our search attributes at Temporal. May be repeated."""
    asyncio.run(_setup(context.obj))


async def _setup(config: Path | None) -> None:
    client = await connected(load_settings(config))
    added = await add_search_attributes(client)
    told = f"added {', '.join(added)}" if added else "has all our search attributes already"
    Console().print(f"Namespace {client.namespace}: {told}.", highlight=False, soft_wrap=True)
