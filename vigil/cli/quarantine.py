"""`vigil quarantine`: callbacks that belong to no verification."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from vigil.audit import Read, Reader
from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import build_grid, format_time, open_console, print_json
from vigil.cli.target import find_exact_key
from vigil.domain.terms import spell
from vigil.quarantine import Quarantine, Reread
from vigil.runtime import Runtime
from vigil.storage.inbox import Inbox, QuarantinePage, Receipt
from vigil.storage.receipt_names import is_receipt_name


def _quarantine(runtime: Runtime) -> Quarantine:
    accounts, digester = runtime.accounts, runtime.digester
    return Quarantine(runtime.storage, accounts, digester, path=runtime.tracker.path, find=runtime.lookup.get)


def print_quarantined(config: Path | None, limit: int, before: str | None, *, as_json: bool) -> None:
    """Print the newest quarantined callbacks, or the newest before a receipt. Raises `CommandError`."""
    if before is not None and not is_receipt_name(before):
        raise CommandError("--before takes the name of a receipt, as `vigil quarantine list` shows it.")
    page = asyncio.run(_list(config, limit, before))
    found = page.callbacks
    if as_json:
        print_json([{"receipt": each.name, **each.model_dump(mode="json", exclude={"name"})} for each in found])
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("receipt", "account", "proof", "reason"):
        table.add_column(name, no_wrap=True)
    for each in found:
        table.add_row(each.name, each.account or "", each.proof or "", spell(each.reason))
    console = open_console()
    console.print(table if found else "No callback is quarantined.")
    if page.next_page is not None:
        console.print(
            f"There may be more: vigil quarantine list --before {page.next_page}", style="dim", soft_wrap=True
        )


async def _list(config: Path | None, limit: int, before: str | None) -> QuarantinePage:
    async with open_installation(config) as runtime:
        return await Inbox(runtime.storage).quarantined(limit, before=before)


def print_receipt(config: Path | None, receipt: str, *, body: bool, as_json: bool) -> None:
    """Print what is stored of a quarantined callback, or only its body, byte for byte."""
    stored = asyncio.run(_read(config, receipt, body=body))
    if body:
        sys.stdout.buffer.write(stored.body)
        return
    kept = {"received_at", "account", "proof", "headers", "cut_from", "encoding"}
    shown = stored.model_dump(mode="json", include=kept)
    if as_json:
        print_json({**shown, "size": len(stored.body)})
        return
    grid = build_grid()
    for name, value in (("at", format_time(stored.received_at)), ("account", stored.account), ("proof", stored.proof)):
        grid.add_row(name, Text(value))
    for name, value in stored.headers.items():
        grid.add_row(f"header {name}", Text(value))
    cut = f", the start of {stored.cut_from:,}" if stored.cut_from else ""
    grid.add_row("body", f"{len(stored.body):,} B{cut}; --body prints it")
    open_console().print(grid)


async def _read(config: Path | None, receipt: str, *, body: bool) -> Receipt:
    async with open_installation(config) as runtime:
        stored = await _quarantine(runtime).read(receipt)
        if body:
            reader = Reader.of_command_line()
            await runtime.audit.note(reader, Read.CALLBACK, account=stored.account, item=receipt)
        return stored


def attach(config: Path | None, receipt: str, account: str, reference: str) -> None:
    """Give a quarantined callback to a verification."""
    asyncio.run(_attach(config, receipt, account, reference))
    open_console().print("handed on; its verification is signalled within seconds while an API process runs")


async def _attach(config: Path | None, receipt: str, account: str, reference: str) -> None:
    async with open_installation(config) as runtime:
        await _quarantine(runtime).attach(receipt, await find_exact_key(runtime, account, reference))


def reread(config: Path | None, account: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Read the quarantined callbacks again, and print how many had each result."""
    found = asyncio.run(_reread(config, account, dry_run=dry_run))
    if as_json:
        rows = [{"receipt": each.receipt, "result": each.result, "verifications": each.paths} for each in found]
        print_json({"dry_run": dry_run, "callbacks": rows})
        return
    console = open_console()
    for result, count in Counter(each.result for each in found).most_common():
        console.print(f"{spell(result)}: {count}", highlight=False)
    if dry_run or not found:
        console.print("Nothing was changed." if found else "No callback is quarantined.")


async def _reread(config: Path | None, account: str | None, *, dry_run: bool) -> Sequence[Reread]:
    async with open_installation(config) as runtime:
        return [each async for each in _quarantine(runtime).reread(dry_run=dry_run, account=account)]
