"""`vigil list`: verifications as Temporal lists them; needs no worker."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vigil.cli.context import opened
from vigil.cli.formatting import clock, spaced, standing
from vigil.domain.terms import Stage
from vigil.domain.verification_key import stands_in
from vigil.listing import Filters, ListedRun, iterate_verifications

WIDE: Final = 160
"""So many columns hold whole references, for whoever reads them with a program."""
BESIDE_A_REFERENCE: Final = 64


def list_(
    context: typer.Context,
    attention: Annotated[bool, typer.Option("--attention", help="Only those at which a person should look.")] = False,
    stage: Annotated[Stage | None, typer.Option(help="Only those in this stage.")] = None,
    account: Annotated[str | None, typer.Option(help="Only those of this account.", metavar="ACCOUNT")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
) -> None:
    """List verifications, the newest first."""
    asyncio.run(_list(context.obj, attention=attention, stage=stage, account=account, limit=limit))


async def _list(config: Path | None, *, attention: bool, stage: Stage | None, account: str | None, limit: int) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("account", no_wrap=True)
    # The one column that may be cut: some providers' ids fill the width of a terminal.
    table.add_column("reference", no_wrap=True, max_width=max(console.width - BESIDE_A_REFERENCE, 12))
    for name, width in (("where it stands", 18), ("since", 8)):
        table.add_column(name, no_wrap=True, min_width=width)
    table.add_column("attention", min_width=16)
    async with opened(config) as runtime:
        if account is not None:
            runtime.tracker.account(account)
        filters = Filters(stage=stage, account=account)
        async for run in iterate_verifications(runtime.client, filters, needs_attention=attention):
            if table.row_count == limit:
                break
            table.add_row(*_row(run))
    console.print(table if table.row_count else "No such verification.")
    if table.row_count == limit:
        console.print(f"Shown are {limit}; there may be more: see --limit.", style="dim", highlight=False)


def _row(run: ListedRun) -> tuple[Text, ...]:
    if run.summary is None:
        accepted = Text("accepted", style="dim")
        return Text(run.account), _reference(run.encoded_reference), accepted, Text(clock(run.started_at)), Text()
    return (
        Text(run.account),
        _reference(run.encoded_reference),
        standing(run.summary.model_dump(mode="json")),
        Text(clock(run.summary.stage_entered_at)),
        Text(", ".join(spaced(reason) for reason in run.summary.attention), style="yellow"),
    )


def _reference(encoded_reference: str) -> Text:
    # Where the reference opens the applicant's session, a digest stands for it; every command takes it.
    return Text(encoded_reference, style="dim" if stands_in(encoded_reference) else "")
