"""`vigil demo`: play every story, many at once, over real HTTP and with a real Temporal server."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.formatting import format_state, open_console
from vigil.demo.foreground import STARTING, print_addresses, run_until_stopped, wait_for_stop_signal
from vigil.demo.ports import Ports
from vigil.demo.stack import Stack
from vigil.demo.story_runner import StoryRun, open_story_runner
from vigil.simulator.registry import SIMULATED_ACCOUNTS, STORIES

WIDE: Final = 104
"""The columns that a terminal needs to show the figures of each story; a narrower one is shown the results only."""

TIME_SCALE: Final = 60.0
"""A callback that is expected within 15 minutes is then polled for after 15 s.

Our own limits, such as the five seconds within which the relay must answer, are real time. On a busy machine a larger
scale would break them.
"""


def run_demo(*, as_json: bool, keep: bool) -> bool:
    """Play every story and print its end. Return whether each ended as expected."""
    return run_until_stopped(_demo(as_json=as_json, keep=keep))


async def _demo(*, as_json: bool, keep: bool) -> bool:
    console = open_console(stderr=as_json, quiet=as_json)
    folder = Path(tempfile.mkdtemp(prefix="vigil-demo-"))
    keeps_folder = True
    stack = Stack(folder, Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=TIME_SCALE, in_memory=True)
    try:
        async with stack.run(console.status(STARTING)):
            runs = await _run_all(stack, console)
            is_ok = all(run.is_ok for run in runs)
            if as_json:
                stories = [run.to_json() for run in runs]
                print(json.dumps({"time_scale": TIME_SCALE, "stories": stories, "ok": is_ok}), flush=True)
            else:
                _print_result(console, runs)
            if keep:
                print_addresses(Console(stderr=as_json), stack)
                await wait_for_stop_signal()
        keeps_folder = not is_ok
        return is_ok
    except asyncio.CancelledError:
        keeps_folder = False
        raise
    finally:
        if keeps_folder:
            Console(stderr=True).print(f"The logs are in {stack.folder / 'logs'}", highlight=False, soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _run_all(stack: Stack, console: Console) -> Sequence[StoryRun]:
    async with open_installation(stack.config) as runtime, open_story_runner(stack, runtime.tracker) as runner:
        runs = [StoryRun.prepare(story, runtime.settings) for story in STORIES]

        def show_progress() -> RenderableType:
            # Only these, so that the table fits into any terminal.
            running = [run for run in runs if run.reference and not run.is_over]
            return _build_table(running, f"{sum(run.is_over for run in runs)} of {len(runs)} stories are over", console)

        with Live(get_renderable=show_progress, console=console, refresh_per_second=5, transient=True):
            await runner.run_all(runs)
    title = f"{len(runs)} verifications, {TIME_SCALE:g} times as fast as real time"
    console.print(_build_table(runs, title, console))
    return runs


def _build_table(runs: Sequence[StoryRun], title: str, console: Console) -> RenderableType:
    is_wide = console.width >= WIDE
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2 if is_wide else 1, 0, 0),
        header_style="dim",
    )
    table.add_column("story", min_width=40, no_wrap=True)
    table.add_column("state", min_width=18, no_wrap=True)
    for name in ("planned", "received", "reads", "events", "s") if is_wide else ():
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for account, stories in groupby(runs, key=lambda run: run.story.account):
        table.add_row(Text(account, style="bold cyan"))
        for run in stories:
            table.add_row(*_build_row(run, is_wide=is_wide))
    return table


def _build_row(run: StoryRun, *, is_wide: bool) -> Sequence[RenderableType]:
    figures: list[str] = []
    if is_wide:
        figures += [str(count) for count in (run.planned, run.received, run.reads)]
        figures += [str(run.events), f"{run.took.total_seconds():.1f}"] if run.is_over else ["", ""]
    mark = Text("…", style="dim")
    if run.is_over:
        mark = Text("✓", style="green") if run.is_ok else Text("✗", style="bold red")
    return run.story.title, format_state(run.state), *figures, mark


def _print_result(console: Console, runs: Sequence[StoryRun]) -> None:
    console.print()
    for run in runs:
        if not run.is_ok:
            console.print(Text(f"✗ {run.story.title}", style="bold red"))
            console.print(f"  expected {dict(run.story.expected)}", highlight=False)
            console.print(f"  observed {dict(run.observed)}", highlight=False)
    console.print(f"{sum(run.is_ok for run in runs)} of {len(runs)} stories ended as expected.", highlight=False)
    console.print(
        "planned: callbacks that the provider wanted to send; received: callbacks that reached the verification;\n"
        "reads: results that were read from the provider; events: entries in Temporal's history of all runs.",
        style="dim",
        highlight=False,
    )
