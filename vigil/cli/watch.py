"""`vigil watch`: follows one verification until it is concluded."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from vigil.cli.context import opened
from vigil.cli.errors import CommandError
from vigil.cli.explain import AccountName, ReferenceText
from vigil.cli.formatting import clock, spaced, standing
from vigil.config.runtime import Runtime
from vigil.domain.explanation import Situation, explain
from vigil.domain.summary import Summary
from vigil.domain.verification_key import VerificationKey

LOOK_AGAIN: Final = timedelta(minutes=1)


def watch(context: typer.Context, account: AccountName, reference: ReferenceText) -> None:
    """Follow a verification, a line for each change, until it is concluded. Ctrl-C ends it earlier."""
    asyncio.run(_watch(context.obj, account, reference))


async def _watch(config: Path | None, account: str, reference: str) -> None:
    async with opened(config) as runtime:
        await follow(runtime, await runtime.lookup.resolve_key(account, reference), Console())


async def follow(runtime: Runtime, key: VerificationKey, console: Console) -> None:
    """Print each change until it is concluded. Raises `CommandError` where nobody knows it."""
    sequence = -1
    with console.status("") as waiting:
        while True:
            seen = await runtime.tracker.wait_until(key, _is_beyond(sequence), within=LOOK_AGAIN)
            if seen is None:
                raise CommandError("Temporal knows no such verification; `vigil show` looks into storage, too.")
            if seen.summary is not None and seen.summary.sequence > sequence:
                sequence = seen.summary.sequence
                console.print(_line(seen.summary))
            if seen.summary is not None and seen.summary.outcome is not None:
                return
            waiting.update(_next(runtime, key, seen))


def _is_beyond(sequence: int) -> Callable[[Situation], bool]:
    return lambda situation: situation.summary is not None and situation.summary.sequence > sequence


def _line(summary: Summary) -> Text:
    done, in_all = summary.steps
    notes = [f"{done} of {in_all} steps"] if in_all else []
    notes += [f"{summary.heard} callback{'s' * (summary.heard > 1)}"] if summary.heard else []
    line = Text.assemble((clock(datetime.now(UTC)), "dim"), "  ", standing(summary.model_dump(mode="json")))
    line.append(f"  {', '.join(notes)}", style="dim")
    return line.append("".join(f"  {spaced(reason)}" for reason in summary.attention), style="yellow")


def _next(runtime: Runtime, key: VerificationKey, seen: Situation) -> str:
    plan = runtime.tracker.account(key.account).plan_for(seen.summary.sender if seen.summary else None)
    explanation = explain(seen, plan=plan, now=datetime.now(UTC))
    return f"next: {explanation.next_event} {clock(explanation.next_at)}" if explanation.next_event else ""
