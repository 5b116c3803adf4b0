"""A stack in the foreground of a terminal: print its addresses, and wait until the user stops it."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.table import Table

from vigil.demo.simulator_accounts import WEBHOOK_SECRET_FILE, key_file, read_key
from vigil.demo.stack import Stack

T = TypeVar("T")
STARTING: Final = "Starting Temporal, the simulator, the API and a worker"


def run_until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """Run the work and return its result; SIGTERM cancels it as Ctrl-C does. Raises `KeyboardInterrupt` for both."""
    try:
        return asyncio.run(_stop_on_sigterm(work))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _stop_on_sigterm(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


async def wait_for_stop_signal() -> None:
    """Return at Ctrl-C, or at SIGTERM in work that `run_until_stopped` runs. Both cancel the task."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def print_addresses(console: Console, stack: Stack) -> None:
    """Print the address of each part and two commands to begin with."""
    ui = stack.server.ui
    addresses = {
        "API": stack.api,
        "Pages": f"{stack.api}/ui{_sign_in(stack)}",
        "Temporal UI": f"{ui}/namespaces/default/workflows" if ui else "the UI of the server at TEMPORAL_ADDRESS",
        "Temporal": stack.server.address,
        "Simulator": f"{stack.simulator}/control/health",
        "Settings": str(stack.config),
        "Logs": str(stack.log("worker").parent),
    }
    table = Table.grid(padding=(0, 2))
    for name, address in addresses.items():
        table.add_row(f"  {name}", address)
    console.print()
    console.print(table, highlight=False, soft_wrap=True)
    console.print(
        f"\nStart a verification at the simulator and follow it:\n"
        f"  {_find_command()} --config {stack.config} simulate {stack.accounts[0].name} --watch\n"
        f"\nSend notifications on to your program, and cause one:\n"
        f"  {_find_command()} --config {stack.config} listen --forward-to http://127.0.0.1:8100/webhooks/vigil\n"
        f"  {_find_command()} --config {stack.config} trigger {stack.accounts[0].name}.declined\n"
        f"{_environment(stack)}"
        f"\nList verifications as a backend does:\n"
        f"  curl {_header(stack)}'{stack.api}/verifications?limit=5'\n"
        f"\nPress Ctrl-C to stop everything.",
        highlight=False,
        soft_wrap=True,
    )


def _sign_in(stack: Stack) -> str:
    """Return how to sign in to the pages; settings of an earlier start may have no key."""
    return f"  (sign in with the key in {key_file(stack.config)})" if read_key(stack.config) else ""


def _header(stack: Stack) -> str:
    """Return how curl presents the key of the stack; settings of an earlier start may have none."""
    return f'-H "Authorization: Bearer $(cat {key_file(stack.config)})" ' if read_key(stack.config) else ""


def _environment(stack: Stack) -> str:
    """Return what `vigil_client.Client()` reads; settings of an earlier start may have no key."""
    if not read_key(stack.config):
        return ""
    folder = stack.config.parent
    values = {
        "VIGIL_URL": stack.api,
        "VIGIL_KEY": f"$(cat {key_file(stack.config)})",
        "VIGIL_WEBHOOK_SECRET": f"$(cat {folder / WEBHOOK_SECRET_FILE})",
    }
    pairs = " ".join(f"{name}={value}" for name, value in values.items())
    return f"\nLet a program with vigil-client reach it:\n  export {pairs}\n"


def _find_command() -> str:
    """Return how to call `vigil` in another terminal: its path where it is not on PATH."""
    return "vigil" if shutil.which("vigil") else os.path.relpath(Path(sys.executable).with_name("vigil"))
