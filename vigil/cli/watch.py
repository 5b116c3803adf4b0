"""`vigil watch`: follow one verification until it is concluded."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import format_state, format_time, open_console
from vigil.cli.target import find_key
from vigil.domain.explanation import explain
from vigil.domain.situation import Situation
from vigil.domain.summary import Summary
from vigil.domain.terms import spell
from vigil.domain.verification_key import VerificationKey
from vigil.runtime import Runtime

LONG_POLL: Final = timedelta(minutes=1)


def watch_verification(config: Path | None, account: str, reference: str, *, as_json: bool) -> None:
    """Print each change of a verification until it is concluded."""
    asyncio.run(_watch(config, account, reference, as_json=as_json))


async def _watch(config: Path | None, account: str, reference: str, *, as_json: bool) -> None:
    async with open_installation(config) as runtime:
        await follow(runtime, await find_key(runtime, account, reference), open_console(), as_json=as_json)


async def follow(runtime: Runtime, key: VerificationKey, console: Console, *, as_json: bool = False) -> None:
    """Print each change until the verification is concluded. Raises `CommandError` if Temporal does not know it."""
    sequence = -1
    with console.status("") as status:
        while True:
            situation = await runtime.tracker.wait_until(key, _is_newer_than(sequence), within=LONG_POLL)
            if situation is None:
                raise CommandError("Temporal does not know such a verification; `vigil show` reads the storage, too.")
            summary = situation.summary
            if summary is not None and summary.sequence > sequence:
                sequence = summary.sequence
                if as_json:
                    print(summary.model_dump_json(exclude={"account", "fingerprint"}), flush=True)
                else:
                    console.print(_format_change(summary))
            if summary is not None and summary.outcome is not None:
                return
            status.update(_format_next(runtime, key, situation))


def _is_newer_than(sequence: int) -> Callable[[Situation], bool]:
    return lambda situation: situation.summary is not None and situation.summary.sequence > sequence


def _format_change(summary: Summary) -> Text:
    done, total = summary.steps
    counts = [f"{done} of {total} steps"] if total else []
    counts += [f"{summary.callbacks} callback{'s' * (summary.callbacks > 1)}"] if summary.callbacks else []
    line = Text.assemble((format_time(datetime.now(UTC)), "dim"), "  ", format_state(summary.model_dump(mode="json")))
    line.append(f"  {', '.join(counts)}", style="dim")
    return line.append("".join(f"  {spell(reason)}" for reason in summary.attention), style="yellow")


def _format_next(runtime: Runtime, key: VerificationKey, situation: Situation) -> str:
    sender = situation.summary.sender if situation.summary else None
    plan = runtime.tracker.account(key.account).plan_for(sender)
    explanation = explain(situation, plan=plan, now=datetime.now(UTC))
    return f"next: {explanation.next_event} {format_time(explanation.next_at)}" if explanation.next_event else ""
