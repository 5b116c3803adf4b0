"""`vigil notify`: how the notifications of backends stand, and sending them again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import format_time, open_console, print_json
from vigil.cli.target import find_key
from vigil.domain.notification import NotificationRow
from vigil.domain.terms import spell
from vigil.runtime import Runtime
from vigil.temporal.messages import Notification
from vigil.temporal.notifications import find_sent, send_again


@dataclass(frozen=True)
class Resending:
    """How notifications are sent again: to one endpoint or to all, and with `dry_run` not at all."""

    endpoint: str | None
    dry_run: bool
    as_json: bool


def print_notifications(config: Path | None, account: str, reference: str, *, as_json: bool) -> None:
    """Print each notification of a verification."""
    rows = asyncio.run(_list(config, account, reference))
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
        return
    open_console().print(build_notification_table(rows) if rows else "No endpoint was to be notified of it.")


async def _list(config: Path | None, account: str, reference: str) -> list[NotificationRow]:
    async with open_installation(config) as runtime:
        return await runtime.lookup.read_notifications(await find_key(runtime, account, reference))


def build_notification_table(rows: Sequence[NotificationRow]) -> Table:
    """Return a table with a line for each notification."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("endpoint", "of", "state", "attempts", "last answer", "at", "next"):
        table.add_column(name)
    for row in rows:
        state = Text(spell(row.state), style="yellow" if row.is_owed else "green")
        answer, at = Text(row.answer or ""), format_time(row.at)
        table.add_row(row.endpoint, row.subject, state, str(row.attempts), answer, at, format_time(row.next_at))
    return table


def resend_one(config: Path | None, account: str, reference: str, how: Resending) -> None:
    """Send the newest verdict of a verification again."""
    _print_sent(asyncio.run(_resend_one(config, account, reference, how)), how)


async def _resend_one(config: Path | None, account: str, reference: str, how: Resending) -> list[Notification]:
    async with open_installation(config) as runtime:
        newest = await runtime.lookup.newest_notifications(await find_key(runtime, account, reference))
        chosen = [notify for notify in newest if how.endpoint in {None, notify.endpoint}]
        if not chosen:
            raise CommandError("No endpoint is registered for it, or it has no verdict to report yet.")
        return await _send(runtime, chosen, how)


def resend_range(config: Path | None, since: datetime, until: datetime, how: Resending, *, everything: bool) -> None:
    """Send again what was to be sent in a range of time and was not delivered, or everything."""
    _print_sent(asyncio.run(_resend_range(config, (since, until), how, everything=everything)), how)


async def _resend_range(
    config: Path | None, span: tuple[datetime, datetime], how: Resending, *, everything: bool
) -> list[Notification]:
    async with open_installation(config) as runtime:
        found = find_sent(runtime.client, since=span[0], until=span[1], undelivered_only=not everything)
        chosen = [notify async for notify in found if how.endpoint in {None, notify.endpoint}]
        return await _send(runtime, chosen, how)


async def _send(runtime: Runtime, chosen: list[Notification], how: Resending) -> list[Notification]:
    for notify in chosen if not how.dry_run else ():
        await send_again(runtime.client, notify)
    return chosen


def _print_sent(sent: Sequence[Notification], how: Resending) -> None:
    if how.as_json:
        print_json({"dry_run": how.dry_run, "notifications": [_to_json(notify) for notify in sent]})
        return
    console = open_console()
    for notify in sent:
        line = f"{notify.key.account} {notify.key.reference}  {notify.endpoint}  {notify.subject}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{'would be sent' if how.dry_run else 'sent'} again: {len(sent)}", highlight=False)


def _to_json(notify: Notification) -> Mapping[str, object]:
    return {**notify.key.model_dump(), "endpoint": notify.endpoint, "revision": notify.revision, "type": notify.type}
