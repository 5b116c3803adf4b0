"""`vigil retention`: what has been kept long enough."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.formatting import open_console, print_json
from vigil.domain.terms import spell
from vigil.domain.verification_key import shown_key
from vigil.retention import Due
from vigil.schedules import retain_now


def run_retention(config: Path | None, *, dry_run: bool, as_json: bool) -> None:
    """Start the run of this night now, or print what it would erase."""
    if not dry_run:
        asyncio.run(_start(config))
        open_console().print("started; the workflow `retention` has the result", highlight=False)
        return
    due = asyncio.run(_list(config))
    totals: Counter[str] = Counter()
    for each in due:
        totals[str(each.kind)] += each.objects
    if as_json:
        rows = [{"account": each.key.account, "path": each.path, "kind": each.kind} for each in due]
        print_json({"due": rows, "objects": totals})
        return
    table = Table.grid(padding=(0, 2))
    for each in due:
        key = shown_key(each.key, each.path)
        table.add_row(key.account, Text(key.reference), spell(each.kind), Text(str(each.objects), justify="right"))
    console = open_console()
    console.print(table)
    summary = ", ".join(f"{count} {spell(kind)}" for kind, count in sorted(totals.items())) or "nothing"
    console.print(f"would erase: {summary}", highlight=False)


async def _list(config: Path | None) -> Sequence[Due]:
    async with open_installation(config) as runtime:
        now = datetime.now(UTC)
        return [due async for found in runtime.retention.folders() for due in await runtime.retention.due(found, now)]


async def _start(config: Path | None) -> None:
    async with open_installation(config) as runtime:
        await retain_now(runtime.client)
