"""`vigil demo`: every story, many at once, told over real HTTP and a real Temporal server."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vigil.cli.accounts import callback_url
from vigil.cli.context import opened
from vigil.cli.errors import CommandError
from vigil.cli.formatting import standing
from vigil.config.settings import Settings
from vigil.demo.foreground import show_addresses, stopped_in_order, until_asked_to_stop
from vigil.demo.simulator_accounts import scenario_for
from vigil.demo.stack import Ports, Stack, StackFailed
from vigil.demo.story_runner import StoryRun, StoryRunner
from vigil.simulator.registry import PLAYED, STORIES
from vigil.simulator.story import Story

WIDE: Final = 104
"""So many columns hold every figure; a narrower terminal is shown fewer."""

TIME_SCALE: Final = 100.0
"""What is expected within 15 minutes is then polled for after 9 s.

Faster would be unfair on a busy machine: our own budgets, such as the relay's five seconds, are real time.
"""


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Play every provider and watch verifications go through, from callback to evidence."""
    is_ok = asyncio.run(stopped_in_order(_demo(as_json=as_json, keep=keep)))
    raise typer.Exit(0 if is_ok else 1)


async def _demo(*, as_json: bool, keep: bool) -> bool:
    console = Console(stderr=as_json, quiet=as_json)
    if not console.is_terminal:
        console = Console(stderr=as_json, quiet=as_json, width=WIDE)  # a log wraps nothing
    folder = Path(tempfile.mkdtemp(prefix="vigil-demo-"))
    keeps_folder = False
    stack = Stack(folder, Ports.free(), accounts=PLAYED, time_scale=TIME_SCALE, forgets=True)
    try:
        with console.status("Starting Temporal, the simulator, the API and a worker"):
            await stack.start()
        told = await _tell_all(stack, console)
        is_ok = all(one.is_ok for one in told)
        if as_json:
            shown = [one.shown() for one in told]
            print(json.dumps({"time_scale": TIME_SCALE, "stories": shown, "ok": is_ok}), flush=True)
        else:
            _conclude(console, told)
        if keep:
            show_addresses(Console(stderr=as_json), stack)
            await until_asked_to_stop()
        keeps_folder = not is_ok
        return is_ok
    except StackFailed as error:
        keeps_folder = True
        raise CommandError(str(error)) from None
    finally:
        await stack.stop()
        if keeps_folder:
            Console(stderr=True).print(f"The logs are in {stack.folder / 'logs'}", highlight=False, soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _tell_all(stack: Stack, console: Console) -> Sequence[StoryRun]:
    async with opened(stack.config) as runtime, _patient_http() as http:
        told = [_untold(story, runtime.settings) for story in STORIES]
        teller = StoryRunner(http, runtime.tracker, api=stack.api, simulator=stack.simulator)
        with Live(
            get_renderable=lambda: _table(told, is_wide=console.width >= WIDE), console=console, refresh_per_second=5
        ):
            await teller.run_all(told)
    return told


def _untold(story: Story, settings: Settings) -> StoryRun:
    played = next(each for each in PLAYED if each.name == story.account)
    configured, url = settings.accounts[story.account], callback_url(settings, story.account)
    return StoryRun(
        story,
        provider=played.provider,
        scenario=scenario_for(played, configured, story.scenario, callback_url=url),
        registration={**played.registration, **story.registration},
    )


def _patient_http() -> httpx.AsyncClient:
    # Every story waits for news at once, so there is no limit to connections; and a server closes one that is idle
    # after five seconds, so we do it sooner than it.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=1)
    return httpx.AsyncClient(trust_env=False, timeout=30, limits=limits)


def _table(told: Sequence[StoryRun], *, is_wide: bool) -> RenderableType:
    title = f"{len(told)} verifications, {TIME_SCALE:g} times as fast as in life"
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
    table.add_column("where it stands", min_width=18, no_wrap=True)
    for name in ("meant", "heard", "polls", "events", "s")[: None if is_wide else 3]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for account, stories in groupby(told, key=lambda one: one.story.account):
        table.add_row(Text(account, style="bold cyan"))
        for one in stories:
            table.add_row(*_row(one, is_wide=is_wide))
    return table


def _row(told: StoryRun, *, is_wide: bool) -> Sequence[RenderableType]:
    counts = [str(count or "") for count in (told.meant, told.heard, told.reads)]
    costs = [str(told.events or ""), f"{told.took.total_seconds():.1f}" if told.is_over else ""] if is_wide else []
    return told.story.title, standing(told.seen.get("state") or {}), *counts, *costs, _mark(told)


def _mark(told: StoryRun) -> Text:
    if not told.is_over:
        return Text("…", style="dim")
    return Text("✓", style="green") if told.is_ok else Text("✗", style="bold red")


def _conclude(console: Console, told: Sequence[StoryRun]) -> None:
    console.print()
    for one in told:
        if not one.is_ok:
            console.print(Text(f"✗ {one.story.title}", style="bold red"))
            console.print(f"  expected {dict(one.story.expected)}", highlight=False)
            console.print(f"  observed {dict(one.observed)}", highlight=False)
    fine = sum(one.is_ok for one in told)
    console.print(f"{fine} of {len(told)} stories ended as expected.", highlight=False)
    console.print(
        "meant: callbacks that the provider meant to send; heard: those that reached the verification;\n"
        "polls: results read; events: in Temporal's history of all its runs.",
        style="dim",
        highlight=False,
    )
