"""`vigil audit`: who read personal data."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.table import Table

from vigil.audit import AuditLine
from vigil.cli.context import open_installation
from vigil.cli.formatting import format_time, open_console, print_json
from vigil.cli.target import find_key
from vigil.domain.terms import spell
from vigil.domain.verification_key import VerificationKey
from vigil.errors import UnknownVerification
from vigil.runtime import Runtime


def print_audit(
    config: Path | None, account: str | None, reference: str | None, since: datetime | None, *, as_json: bool
) -> None:
    """Print the lines since a time: all, those of one account, or those of one verification."""
    lines = asyncio.run(_read(config, account, reference, since))
    if as_json:
        print_json([line.model_dump(mode="json") for line in lines])
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("at", "who", "by", "kind", "account", "item", "verification"):
        table.add_column(name, no_wrap=True)
    for line in lines:
        names = (line.account or "", line.item or "", line.verification or "")
        table.add_row(format_time(line.at), line.who, spell(line.by), spell(line.kind), *names)
    open_console().print(table if lines else "Nobody read personal data in this time.")


async def _read(
    config: Path | None, account: str | None, reference: str | None, since: datetime | None
) -> Sequence[AuditLine]:
    async with open_installation(config) as runtime:
        wanted = None
        if account is not None and reference is not None:
            wanted = runtime.audit.digest_of(runtime.tracker.path(await _find(runtime, account, reference)))
        return [
            line
            async for line in runtime.audit.lines(since)
            if account in {None, line.account} and wanted in {None, line.verification}
        ]


async def _find(runtime: Runtime, account: str, reference: str) -> VerificationKey:
    """Return the key as every command does. The verification may be erased: its lines are found all the same."""
    try:
        return await find_key(runtime, account, reference)
    except UnknownVerification:
        return await runtime.lookup.resolve_key(account, reference)
