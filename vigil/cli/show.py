"""`vigil show`: one verification with its timeline and its files."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.formatting import build_grid, format_state, format_time, open_console, print_json
from vigil.cli.notify import build_notification_table
from vigil.cli.target import find_key
from vigil.domain.notification import NotificationRow, timeline
from vigil.domain.record import Record
from vigil.domain.summary import Summary
from vigil.domain.terms import spell
from vigil.domain.verification_key import VerificationKey, shown_key
from vigil.errors import DataErased, RecordUnavailable
from vigil.lookup import KnownVerification


def print_verification(config: Path | None, account: str, reference: str, *, as_json: bool) -> None:
    """Print the state of a verification, its timeline and its files."""
    key, known, current, notifications = asyncio.run(_read(config, account, reference))
    record = current or known.record
    if as_json:
        rows = [row.model_dump(mode="json") for row in notifications]
        print_json({**_to_json(key, known, record, is_current=current is not None), "notifications": rows})
        return
    console = open_console()
    if known.tombstone is not None:
        sentence = "Its data was erased; its verdict is left. `vigil erase` prints the receipt."
        console.print(sentence, style="yellow")
    if known.situation.summary:
        console.print(build_state_table(known.situation.summary, record))
    if known.situation.interruption is not None and known.situation.is_interrupted:
        status = spell(known.situation.interruption.status)
        sentence = f"Its workflow was ended in Temporal ({status}), and nothing follows it: `vigil explain` says more."
        console.print(f"\n{sentence}", style="yellow")
    elif current is None and known.tombstone is None:
        consequence = "the data below may be old" if record else "no more can be shown"
        console.print(f"\nThe verification is open and no worker answers, so {consequence}.", style="yellow")
    if record is not None:
        _print_timeline(record, notifications, console)
        _print_evidence(record, console)
    if notifications:
        console.print("\nNotifications", style="bold")
        console.print(build_notification_table(notifications))


def _to_json(
    key: VerificationKey, known: KnownVerification, record: Record | None, *, is_current: bool
) -> Mapping[str, object]:
    summary = known.situation.summary
    shown = {"verdict", "log", "evidence", "callbacks", "attention", "completed_at"}
    return {
        "account": key.account,
        "reference": key.reference,
        "state": summary.model_dump(mode="json", exclude={"account", "fingerprint"}) if summary else None,
        "is_open": known.situation.is_open,
        "is_interrupted": known.situation.is_interrupted,
        "record_is_current": is_current,
        "record": record.model_dump(mode="json", include=shown) if record else None,
    }


async def _read(
    config: Path | None, account: str, reference: str
) -> tuple[VerificationKey, KnownVerification, Record | None, Sequence[NotificationRow]]:
    """Return the key to show, what is known without a worker, the current record, and the notifications.

    The record is None if only a worker could answer, and none does.
    """
    async with open_installation(config) as runtime:
        key = await find_key(runtime, account, reference)
        known, notifications = await runtime.lookup.get(key), await runtime.lookup.read_notifications(key)
        shown = shown_key(key, runtime.tracker.path(key))
        try:
            return shown, known, await runtime.lookup.read_record(key), notifications
        except (DataErased, RecordUnavailable):
            return shown, known, None, notifications


def build_state_table(summary: Summary, record: Record | None) -> RenderableType:
    """Return a table of the state, with counters if there is a record."""
    table = build_grid()
    table.add_row("state", format_state(summary.model_dump(mode="json")))
    table.add_row("since", format_time(summary.stage_entered_at))
    table.add_row("provider", f"{summary.provider}, {summary.environment}")
    table.add_row("registered", "yes" if summary.registered else Text("no, by no backend yet", style="yellow"))
    if summary.applicant:
        table.add_row("applicant", summary.applicant)
    done, total = summary.steps
    if total:
        table.add_row("steps", f"{done} of {total}")
    table.add_row("deadline", format_time(summary.deadline_at))
    if record is not None:
        table.add_row("reasons", ", ".join(_list_reasons(record)) or "none")
        counts = record.callbacks
        others = f"{counts.duplicates} repeated, {counts.late} late, {counts.missed} missed"
        table.add_row("callbacks", f"{counts.received} received ({others})")
        table.add_row("reads", str(record.reads.count))
        if counts.unknown_fields:
            table.add_row("unknown fields", Text(", ".join(sorted(counts.unknown_fields))))
    for reason in summary.attention:
        table.add_row("attention", Text(spell(reason), style="yellow"))
    return table


def _list_reasons(record: Record) -> list[str]:
    return [spell(reason.code) + (f" ({reason.word})" if reason.word else "") for reason in record.verdict.reasons]


def _print_timeline(record: Record, notifications: Sequence[NotificationRow], console: Console) -> None:
    console.print("\nTimeline", style="bold")
    table = Table.grid(padding=(0, 2))
    for entry in timeline(record.log, notifications):
        words = " ".join(spell(word) for word in entry.words)
        table.add_row(Text(format_time(entry.at), style="dim"), spell(entry.kind), Text(words), Text(entry.actor or ""))
    console.print(table)
    if record.log.folded:
        console.print(f"{record.log.folded} more entries were counted and not kept.", style="dim")


def _print_evidence(record: Record, console: Console) -> None:
    if not record.evidence:
        return
    console.print("\nEvidence", style="bold")
    table = Table.grid(padding=(0, 2))
    for row in record.evidence:
        state = spell(row.state) + (f": {spell(row.loss)}" if row.loss else "")
        size = f"{row.size:,} B" if row.size is not None else ""
        table.add_row(row.name, spell(row.kind), Text(state), Text(size, justify="right"), row.media_type or "")
    console.print(table)
