"""`vigil poll`, `withdraw`, `resolve` and `deadline`: commands of a person to a verification."""

import asyncio
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import format_state, open_console, print_json
from vigil.cli.target import find_exact_key, find_key
from vigil.errors import CommandRefused, DataErased, NoWorkerInTime
from vigil.temporal.messages import AnyCommand, CommandAccepted

FINAL: Final = frozenset({"withdraw", "resolve"})
"""Commands that nobody can take back, so they need the whole reference."""
WITHIN: Final = timedelta(seconds=10)


def send_command(
    config: Path | None, account: str, reference: str, command: tuple[str, AnyCommand], *, as_json: bool
) -> None:
    """Carry out a command and print the state after it. Raises `CommandError` if it is refused, or not answered."""
    accepted = asyncio.run(_send(config, account, reference, command))
    state = accepted.model_dump(mode="json", exclude={"mark"})
    if as_json:
        print_json(state)
        return
    text = Text("accepted; it is now: ").append_text(format_state(state))
    open_console().print(text, highlight=False)


async def _send(config: Path | None, account: str, reference: str, command: tuple[str, AnyCommand]) -> CommandAccepted:
    name, argument = command
    async with open_installation(config) as runtime:
        find = find_exact_key if name in FINAL else find_key
        key = await find(runtime, account, reference)
        if await runtime.lookup.read_tombstone(key) is not None:
            raise DataErased
        try:
            return await runtime.tracker.command(key, name, argument, command_id=secrets.token_hex(16), within=WITHIN)
        except CommandRefused as refusal:
            raise CommandError(f"The command does not fit its state: {refusal}.") from None
        except NoWorkerInTime:
            raise CommandError(
                "No worker answered in time, so the command may or may not be carried out: look with `vigil show`."
            ) from None
