"""`vigil refusals`: callbacks that failed their proof."""

import asyncio
from pathlib import Path

from rich.table import Table

from vigil.cli.context import open_installation
from vigil.cli.formatting import format_time, open_console, print_json
from vigil.domain.terms import spell
from vigil.storage.inbox import Inbox, Refusal


def print_refusals(config: Path | None, limit: int, *, as_json: bool) -> None:
    """Print the newest refused callbacks."""
    refusals = asyncio.run(_read(config, limit))
    if as_json:
        print_json([refusal.model_dump(mode="json") for refusal in refusals])
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("at", "account", "reason", "source", "digest"):
        table.add_column(name, no_wrap=True)
    for each in refusals:
        reason = spell(each.reason) + (f" ({each.encoding})" if each.encoding else "")
        table.add_row(format_time(each.at), each.account, reason, each.source or "", each.digest8)
    open_console().print(table if refusals else "No callback was refused.")


async def _read(config: Path | None, limit: int) -> list[Refusal]:
    async with open_installation(config) as runtime:
        return await Inbox(runtime.storage).refusals(limit)
