"""`vigil setup`: prepare the Temporal namespace."""

import asyncio
from pathlib import Path

from vigil.cli.context import open_installation
from vigil.temporal.connection import add_search_attributes


def prepare_namespace(config: Path | None) -> str:
    """Add Vigil's search attributes to the namespace. Return a sentence that lists those that were added."""
    return asyncio.run(_prepare(config))


async def _prepare(config: Path | None) -> str:
    async with open_installation(config) as runtime:
        added = await add_search_attributes(runtime.client)
        result = f"added {', '.join(added)}" if added else "has all search attributes already"
        return f"Namespace {runtime.client.namespace}: {result}."
