"""`vigil list`: the verifications that Temporal lists; needs no worker."""

import asyncio
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.formatting import format_state, format_time, open_console, spell
from vigil.domain.verification_key import stands_in
from vigil.listing import Filters, ListedRun, iterate_verifications

_OTHER_COLUMNS: Final = 64
"""The width of all columns but the reference."""
_SHORTEST_REFERENCE: Final = 12


def print_list(config: Path | None, filters: Filters, *, attention: bool, limit: int) -> None:
    """Print a table of the newest verifications."""
    runs = asyncio.run(_list(config, filters, attention=attention, limit=limit))
    console = open_console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("account", no_wrap=True)
    # The one column that may be cut: the ids of some providers fill the width of a terminal.
    table.add_column("reference", no_wrap=True, max_width=max(console.width - _OTHER_COLUMNS, _SHORTEST_REFERENCE))
    table.add_column("state", no_wrap=True, min_width=18)
    table.add_column("since", no_wrap=True, min_width=8)
    table.add_column("attention", min_width=16)
    for run in runs:
        table.add_row(*_build_row(run))
    nothing = "No verification needs a person." if attention else "There is no such verification."
    nothing = "No verification is stuck." if filters.stuck else nothing
    console.print(table if runs else nothing)
    if len(runs) == limit:
        console.print(f"These are the newest {limit}; use --limit to list more.", style="dim", highlight=False)


async def _list(config: Path | None, filters: Filters, *, attention: bool, limit: int) -> list[ListedRun]:
    runs: list[ListedRun] = []
    async with open_installation(config) as runtime:
        if filters.account is not None:
            runtime.tracker.account(filters.account)
        async for run in iterate_verifications(runtime.client, filters, needs_attention=attention):
            runs.append(run)
            if len(runs) == limit:
                break
    return runs


def _build_row(run: ListedRun) -> tuple[Text, ...]:
    # A dim word is the digest of a reference that opens the applicant's session; every command takes it.
    reference = Text(run.encoded_reference, style="dim" if stands_in(run.encoded_reference) else "")
    if run.summary is None:
        state = Text("not readable", style="yellow") if run.is_unreadable else Text("accepted", style="dim")
        return Text(run.account), reference, state, Text(format_time(run.started_at)), _build_marks(run)
    return (
        Text(run.account),
        reference,
        format_state(run.summary.model_dump(mode="json")),
        Text(format_time(run.summary.stage_entered_at)),
        _build_marks(run),
    )


def _build_marks(run: ListedRun) -> Text:
    marks = [spell(reason) for reason in run.summary.attention] if run.summary else []
    if run.interruption is not None and run.is_interrupted:
        marks.insert(0, f"{spell(run.interruption.status)} in Temporal")
    elif run.is_stuck:
        marks.insert(0, "workflow task fails")
    return Text(", ".join(marks), style="yellow")
