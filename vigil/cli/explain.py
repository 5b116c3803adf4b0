"""`vigil explain`: why a verification is pending, what happens next and when, and who must act."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.formatting import build_grid, format_time, open_console, print_json
from vigil.cli.target import find_key
from vigil.domain.explanation import Explanation
from vigil.domain.tracking_plan import spoken

_COLOURS: Final = {"ours": "red", "theirs": "yellow", "nobody": "green"}


def print_explanation(config: Path | None, account: str, reference: str, *, as_json: bool) -> None:
    """Print why a verification is pending, what happens next, and who must act."""
    explanation = asyncio.run(_explain(config, account, reference))
    if as_json:
        print_json(explanation.model_dump(mode="json"))
        return
    console = open_console()
    sentence = explanation.sentence[:1].upper() + explanation.sentence[1:]
    console.print(Text(f"{sentence}.", style=f"bold {_COLOURS[explanation.cause]}"))
    grid = build_grid()
    if explanation.next_event:
        grid.add_row("next", Text(f"{explanation.next_event}{_format_next(explanation.next_at)}"))
    if explanation.actor:
        grid.add_row("who acts", f"the {explanation.actor}")
    for note in explanation.notes:
        grid.add_row("note", Text(note))
    if grid.row_count:
        console.print(grid)


async def _explain(config: Path | None, account: str, reference: str) -> Explanation:
    async with open_installation(config) as runtime:
        return await runtime.lookup.explain(await find_key(runtime, account, reference), datetime.now(UTC))


def _format_next(at: datetime | None) -> str:
    if at is None:
        return ""
    left = at - datetime.now(UTC)
    return f", at {format_time(at)} (in {spoken(left)})" if left.total_seconds() > 0 else f", at {format_time(at)}"
