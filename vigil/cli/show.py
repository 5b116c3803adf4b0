"""`vigil show`: one verification, with its timeline and its files."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vigil.cli.context import opened
from vigil.cli.explain import AccountName, ReferenceText
from vigil.cli.formatting import clock, spaced, standing
from vigil.domain.record import Record
from vigil.domain.summary import Summary
from vigil.errors import VigilError
from vigil.lookup import KnownVerification


@dataclass(frozen=True)
class _Seen:
    known: KnownVerification
    record: Record | None
    """Up to date where a worker answered or nothing is open; else the last that was written, if any was."""
    is_current: bool


def show(context: typer.Context, account: AccountName, reference: ReferenceText) -> None:
    """Show where a verification stands, what happened to it, and its files."""
    seen = asyncio.run(_look(context.obj, account, reference))
    console = Console()
    if seen.known.situation.summary:
        console.print(state_table(seen.known.situation.summary, seen.record))
    if not seen.is_current:
        told = "what follows may be old" if seen.record else "the rest cannot be shown"
        console.print(f"\nIt is open and no worker answers, so {told}.", style="yellow")
    if seen.record is not None:
        _show_record(seen.record, console)


async def _look(config: Path | None, account: str, reference: str) -> _Seen:
    async with opened(config) as runtime:
        key = await runtime.lookup.resolve_key(account, reference)
        known = await runtime.lookup.get(key)
        try:
            return _Seen(known, await runtime.lookup.read_record(key), is_current=True)
        except VigilError:
            return _Seen(known, known.record, is_current=False)


def state_table(summary: Summary, record: Record | None) -> RenderableType:
    """Lay out where it stands, and with a record what led there."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_row("stands", standing(summary.model_dump(mode="json")))
    table.add_row("since", f"{clock(summary.stage_entered_at)} UTC")
    table.add_row("provider", f"{summary.provider}, {summary.environment}")
    table.add_row("registered", "yes" if summary.registered else Text("no backend has", style="yellow"))
    if summary.applicant:
        table.add_row("applicant", summary.applicant)
    done, in_all = summary.steps
    if in_all:
        table.add_row("steps", f"{done} of {in_all}")
    table.add_row("deadline", f"{clock(summary.deadline_at)} UTC")
    if record is not None:
        table.add_row("reasons", ", ".join(_reasons(record)) or "none")
        counts = record.callbacks
        table.add_row(
            "callbacks",
            f"{counts.received} received ({counts.duplicates} twice, {counts.late} late, {counts.missed} missed)",
        )
        table.add_row("reads", str(record.reads.count))
        if record.callbacks.unknown_fields:
            table.add_row("fields we do not know", Text(", ".join(sorted(record.callbacks.unknown_fields))))
    for reason in summary.attention:
        table.add_row("attention", Text(spaced(reason), style="yellow"))
    return table


def _reasons(record: Record) -> list[str]:
    return [spaced(reason.code) + (f" ({reason.word})" if reason.word else "") for reason in record.verdict.reasons]


def _show_record(record: Record, console: Console) -> None:
    console.print("\nTimeline", style="bold")
    timeline = Table.grid(padding=(0, 2))
    for entry in sorted(record.log.entries, key=lambda entry: entry.at):
        words = " ".join(spaced(word) for word in entry.words)
        timeline.add_row(Text(clock(entry.at), style="dim"), spaced(entry.kind), Text(words), Text(entry.actor or ""))
    console.print(timeline)
    if record.log.folded:
        console.print(f"{record.log.folded} lines between them are only counted.", style="dim")
    if not record.evidence:
        return
    console.print("\nEvidence", style="bold")
    evidence = Table.grid(padding=(0, 2))
    for row in record.evidence:
        state = spaced(row.state) + (f": {spaced(row.loss)}" if row.loss else "")
        size = f"{row.size:,} B" if row.size is not None else ""
        evidence.add_row(row.name, spaced(row.kind), Text(state), Text(size, justify="right"), row.media_type or "")
    console.print(evidence)
