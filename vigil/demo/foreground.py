"""A stack that stays up: where its parts are, and waiting until somebody wants it to end."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from vigil.demo.stack import Stack

T = TypeVar("T")


async def stopped_in_order(work: Coroutine[Any, Any, T]) -> T:
    """Do the work; SIGTERM ends it as Ctrl-C does, so that everything it started is stopped."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


def show_addresses(console: Console, stack: Stack) -> None:
    """Print where everything is, and what to try first."""
    account = stack.account_names[0]
    table = Table.grid(padding=(0, 2))
    for name, address in (
        ("API", f"{stack.api}/openapi.json"),
        (
            "Temporal UI",
            f"{stack.server.ui}/namespaces/default/workflows" if stack.server.ui else "that of your server",
        ),
        ("Temporal", stack.server.address),
        ("Simulator", f"{stack.simulator}/control/health"),
        ("Settings", str(stack.config)),
        ("Logs", str(stack.log("worker").parent)),
    ):
        table.add_row(f"  {name}", address)
    console.print()
    console.print(table, highlight=False, soft_wrap=True)
    console.print(
        f"\nCreate a verification at the simulator and follow it:\n"
        f"  vigil --config {stack.config} simulate {account} --watch\n"
        f"\nOr ask as a backend does:\n"
        f"  curl {stack.api}/verifications?limit=5\n"
        f"\nCtrl-C stops everything.",
        highlight=False,
        soft_wrap=True,
    )


async def until_asked_to_stop() -> None:
    """Return at Ctrl-C, or when the process is asked to end."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, asked.set)
    try:
        await asked.wait()
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
