"""How long the commands of `vigil` take, in processor time: `make bench`. Those at work have a Temporal to ask.

None of those can take less than the import of Temporal's client, which has a line of its own.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.installation import ACCOUNT, run_installation
from benchmarks.publishing import Result, Table, run

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
AT_FIRST_USE: Final = "from vigil.domain import model_building\nmodel_building.at_first_use = True"
"""As a command has it."""
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


def measure_starts() -> Iterator[tuple[str, float]]:
    """Measure each command that does no work, and what a command imports when it runs."""
    yield "import of Temporal's client", measure(["-c", "import temporalio.client"])
    for command in COMMANDS:
        yield f"vigil {' '.join(command)}", measure(["-m", "vigil.cli.main", *command])
    for module in MODULES:
        yield f"imports of {module}", measure(["-c", f"{AT_FIRST_USE}\nimport {module}"])


def measure_work(config: Path) -> Iterator[tuple[str, float]]:
    """Measure each command that asks Temporal."""
    for command in AT_WORK:
        took = measure(["-m", "vigil.cli.main", "--config", str(config), *command])
        yield f"vigil {' '.join(command)}, at work", took


async def measure_all() -> Result:
    """Measure everything."""
    rows = list(measure_starts())
    async with run_installation() as installation:
        await installation.register([REFERENCE])
        rows += await asyncio.to_thread(lambda: list(measure_work(installation.config)))
    return Result(figures=dict(rows), tables=[Table(("", "processor time, seconds"), rows)])


if __name__ == "__main__":
    run(lambda _: measure_all(), argparse.ArgumentParser(description=__doc__))
