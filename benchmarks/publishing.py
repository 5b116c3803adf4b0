"""Prints what a benchmark measured, as tables and one JSON object; `--write PAGE` writes the tables into a page, too.

The lines between which they stand in the page have the benchmark's name.
"""

import argparse
import asyncio
import json
import os
import platform
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from docs.marked_pages import table, write_between
from vigil.process_exit import exit_now

_EXACT_FROM: Final = 100
_ONE_DIGIT_FROM: Final = 10


@dataclass(frozen=True)
class Table:
    """A table for people. Numbers in its rows are written with three digits or so."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Result:
    """What was measured: figures for programs, and tables for people with sentences below them."""

    figures: Mapping[str, Any]
    tables: Sequence[Table]
    notes: Sequence[str] = ()


def run(measure: Callable[[argparse.Namespace], Awaitable[Result]], parser: argparse.ArgumentParser) -> NoReturn:
    """Measure by the command line, and print and write what came out."""
    name = Path(sys.argv[0]).stem
    parser.prog = f"python -m benchmarks.{name}"
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables between the marks of a page")
    given = parser.parse_args()
    before = machine()
    result = asyncio.run(_measured(measure, given))
    text = markdown(result, about=_about(before, _command(name, sys.argv[1:])))
    print(f"{text}\n\n{json.dumps({'machine': before, **result.figures})}")
    if given.write:
        write_between(given.write, name, text)
    sys.stdout.flush()
    exit_now(0)


async def _measured(measure: Callable[[argparse.Namespace], Awaitable[Result]], given: argparse.Namespace) -> Result:
    current = asyncio.current_task()
    if current is not None:  # whoever ends us ends what we started
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    return await measure(given)


def markdown(result: Result, *, about: str) -> str:
    """Return the tables in Markdown, below the line that says where and how they were measured."""
    tables = (table(each.columns, [[_spoken(cell) for cell in row] for row in each.rows]) for each in result.tables)
    notes = "\n".join(f"- {note}" for note in result.notes)
    return "\n\n".join(part for part in (about, *tables, notes) if part)


def machine() -> Mapping[str, Any]:
    """Return on what is measured, and how busy it is already."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """Return the processor's name; Linux alone tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _command(name: str, arguments: Sequence[str]) -> str:
    """Return the command without where it writes to."""
    kept = list(arguments)
    if "--write" in kept:
        del kept[kept.index("--write") : kept.index("--write") + 2]
    return shlex.join(["python", "-m", f"benchmarks.{name}", *kept])


def _about(measured_on: Mapping[str, Any], command: str) -> str:
    day = str(measured_on["at"])[:10]
    return (
        f"`{command}`, {day}: {measured_on['cores']} cores ({measured_on['processor']}), load of others at the start "
        f"{measured_on['load']}, Python {measured_on['python']}."
    )


def _spoken(cell: object) -> str:
    if not isinstance(cell, float):
        return str(cell)
    if cell >= _EXACT_FROM:
        return f"{cell:.0f}"
    return f"{cell:.1f}" if cell >= _ONE_DIGIT_FROM else f"{cell:.2f}"
