"""How long the commands of `vigil` take, in processor time: `make bench`. Those at work have a Temporal to ask."""

import asyncio
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.installation import ACCOUNT, run_installation
from vigil.process_exit import exit_now

RUNS: Final = 3
COMMANDS: Final = (
    ["--version"],
    ["--help"],
    ["list", "--help"],
    ["resolve", "--help"],
    ["simulate", "id360", "--help"],
)
REFERENCE: Final = "8000001"
AT_WORK: Final = (
    ["list"],
    ["explain", ACCOUNT, REFERENCE],
    ["open", ACCOUNT, REFERENCE, "--no-browser"],
    ["notify", "list", ACCOUNT, REFERENCE],
)
MODULES: Final = ("vigil.cli.list", "vigil.cli.show", "vigil.cli.check", "vigil.cli.demo")


def measure(command: list[str]) -> float:
    """Return the least processor time of several runs, in seconds."""
    times = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)  # noqa: S603 -- our own program
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def print_starts() -> None:
    """Print a line for each command that does no work, and one for what a command imports when it runs."""
    for command in COMMANDS:
        print(f"{measure(['-m', 'vigil.cli.main', *command]):5.2f} s  vigil {' '.join(command)}")
    for module in MODULES:
        print(f"{measure(['-c', f'import {module}']):5.2f} s  imports of {module}")


def print_work(config: Path) -> None:
    """Print a line for each command that asks Temporal."""
    for command in AT_WORK:
        took = measure(["-m", "vigil.cli.main", "--config", str(config), *command])
        print(f"{took:5.2f} s  vigil {' '.join(command)}, at work")


async def main() -> None:
    """Print all lines."""
    print_starts()
    async with run_installation() as installation:
        await installation.register([REFERENCE])
        await asyncio.to_thread(print_work, installation.config)


if __name__ == "__main__":
    asyncio.run(main())
    exit_now(0)
