"""How output looks: consoles, tables of labels, states in their colour, times in UTC."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vigil.domain.terms import spell

WIDE: Final = 10_000
"""Columns of output that goes to a file or a program: nothing is wrapped there."""

_COLOURS: Final = {"approved": "green", "declined": "red"}


def open_console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Return a console that fits the terminal, or a wide one where there is no terminal."""
    console = Console(stderr=stderr, quiet=quiet)
    return console if console.is_terminal else Console(stderr=stderr, quiet=quiet, width=WIDE)


def build_grid() -> Table:
    """Return an empty table whose first column is for labels."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    return table


def format_state(state: Mapping[str, Any]) -> Text:
    """Return the verdict, if there is one, and the stage; `state` has both as JSON shows them."""
    stage, verdict = str(state.get("stage") or ""), str(state.get("decision") or state.get("outcome") or "")
    if not verdict:
        return Text(spell(stage))
    text = Text(spell(verdict), style=_COLOURS.get(verdict, "yellow"))
    return text.append(f", {spell(stage)}", style="dim")


def format_time(instant: datetime | None) -> str:
    """Return a time in UTC, such as `2026-03-01 12:00:00Z`; nothing for None."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}" if instant is not None else ""


def print_json(value: object) -> None:
    """Print one JSON value on standard output, for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
