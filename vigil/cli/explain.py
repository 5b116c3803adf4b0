"""`vigil explain`: why a verification is pending, what is next and when, and who must act; needs no worker."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vigil.cli.context import opened
from vigil.cli.formatting import clock
from vigil.domain.explanation import Explanation, explain
from vigil.domain.tracking_plan import spoken

AccountName = Annotated[str, typer.Argument(help="Our account's name in the settings.", metavar="ACCOUNT")]
ReferenceText = Annotated[
    str, typer.Argument(help="The provider's own id, or the digest listed in its place.", metavar="REFERENCE")
]

_CAUSES: Final = {"ours": "red", "theirs": "yellow", "nobody": "green"}


def explain_(context: typer.Context, account: AccountName, reference: ReferenceText) -> None:
    """Say why a verification is pending, what happens next, and who must act. Needs no worker."""
    explanation = asyncio.run(_explained(context.obj, account, reference))
    show_explanation(explanation, Console())


async def _explained(config: Path | None, account: str, reference: str) -> Explanation:
    async with opened(config) as runtime:
        known = await runtime.lookup.get(await runtime.lookup.resolve_key(account, reference))
        summary = known.situation.summary
        plan = runtime.tracker.account(account).plan_for(summary.sender if summary else None)
        return explain(known.situation, plan=plan, now=datetime.now(UTC))


def show_explanation(explanation: Explanation, console: Console) -> None:
    """Print an explanation, the sentence first."""
    sentence = explanation.sentence[:1].upper() + explanation.sentence[1:]
    console.print(Text(f"{sentence}.", style=f"bold {_CAUSES[explanation.cause]}"))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    if explanation.next_event:
        table.add_row("next", Text(f"{explanation.next_event}{_when(explanation.next_at)}"))
    if explanation.actor:
        table.add_row("who acts", Text(f"the {explanation.actor}"))
    for note in explanation.notes:
        table.add_row("note", Text(note))
    if table.row_count:
        console.print(table)


def _when(at: datetime | None) -> str:
    if at is None:
        return ""
    left = at - datetime.now(UTC)
    return f", at {clock(at)} (in {spoken(left)})" if left.total_seconds() > 0 else f", at {clock(at)}"
