"""`vigil list`: the verifications that Temporal lists; needs no worker."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import WIDE, format_state, open_console, print_json
from vigil.domain.terms import spell
from vigil.domain.tracking_plan import spoken
from vigil.domain.verification_key import stands_in
from vigil.listing import Filters, ListedRun, iterate_verifications


def build_filters(given: Mapping[str, object]) -> Filters:
    """Return the filters. Raises `CommandError` for a value that no verification can have."""
    try:
        return Filters.model_validate(given)
    except ValidationError as error:
        names = ", ".join(str(fault["loc"][0]) for fault in error.errors(include_input=False))
        raise CommandError(f"No verification can have such a value: --{names}.") from None


def print_list(config: Path | None, filters: Filters, *, attention: bool, limit: int, as_json: bool) -> None:
    """Print the newest verifications."""
    runs = asyncio.run(_list(config, filters, attention=attention, limit=limit))
    if as_json:
        print_json([_to_json(run) for run in runs])
        return
    console = open_console()
    nothing = "Nothing needs a person." if attention else "There is no such verification."
    nothing = "No verification is stuck." if filters.stuck else nothing
    if not runs:
        console.print(nothing)
        return
    table = build_table(runs, datetime.now(UTC))
    measure_whole(table, console).print(table)
    if len(runs) == limit:
        console.print(f"These are the newest {limit}; use --limit to list more.", style="dim", highlight=False)


def measure_whole(table: Table, console: Console) -> Console:
    """Return a console so wide that no reference is cut. A narrower terminal wraps the lines."""
    needed = Measurement.get(console, console.options.update(width=WIDE), table).maximum
    return Console(file=console.file, width=max(console.width, needed))


def _to_json(run: ListedRun) -> Mapping[str, object]:
    state = run.summary.model_dump(mode="json", exclude={"account", "fingerprint"}) if run.summary else None
    return {
        "account": run.account,
        "reference": run.encoded_reference,
        "is_open": run.is_open,
        "is_stuck": run.is_stuck,
        "started_at": run.started_at.isoformat(),
        "state": state,
    }


async def _list(config: Path | None, filters: Filters, *, attention: bool, limit: int) -> list[ListedRun]:
    runs: list[ListedRun] = []
    async with open_installation(config) as runtime:
        if filters.account is not None:
            runtime.tracker.account(filters.account)
        async for run in iterate_verifications(
            runtime.client, filters, needs_attention=attention, digester=runtime.digester
        ):
            runs.append(run)
            if len(runs) == limit:
                break
    return runs


def build_table(runs: Sequence[ListedRun], now: datetime) -> Table:
    """Return a table of runs, whose ages are those of this time."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("account", no_wrap=True)
    table.add_column("reference", no_wrap=True)
    table.add_column("state")
    table.add_column("since", no_wrap=True)
    table.add_column("attention")
    for run in runs:
        table.add_row(*_build_row(run, now))
    return table


def _build_row(run: ListedRun, now: datetime) -> tuple[Text, ...]:
    # A dim word is the digest of a reference that opens the applicant's session; every command takes it.
    reference = Text(run.encoded_reference, style="dim" if stands_in(run.encoded_reference) else "")
    if run.summary is None:
        state = Text("not readable", style="yellow") if run.is_unreadable else Text("accepted", style="dim")
    else:
        state = format_state(run.summary.model_dump(mode="json"))
    since = run.summary.stage_entered_at if run.summary else run.started_at
    age = timedelta(seconds=max(0, int((now - since).total_seconds())))
    return Text(run.account), reference, state, Text(f"{spoken(age)} ago"), _build_marks(run)


def _build_marks(run: ListedRun) -> Text:
    marks = [spell(reason) for reason in run.summary.attention] if run.summary else []
    if run.interruption is not None and run.is_interrupted:
        marks.insert(0, f"{spell(run.interruption.status)} in Temporal")
    elif run.is_stuck:
        marks.insert(0, "workflow task fails")
    return Text(", ".join(marks), style="yellow")
