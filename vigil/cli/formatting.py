"""How output looks: consoles, tables of labels, states in their colour, times in UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE: Final = 160
"""Columns of output that goes to a file or a program, so that no reference is cut."""

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


def spell(word: object) -> str:
    """Return a coded word with spaces; nothing for None."""
    return str(word).replace("_", " ") if word is not None else ""


def format_time(instant: datetime | None) -> str:
    """Return a time in UTC, without the date if it is today; nothing for None."""
    if instant is None:
        return ""
    instant = instant.astimezone(UTC)
    is_today = instant.date() == datetime.now(UTC).date()
    return f"{instant:%H:%M:%S}" if is_today else f"{instant:%Y-%m-%d %H:%M}"
