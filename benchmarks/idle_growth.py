"""How much `vigil dev` writes when nothing happens: `python -m benchmarks.idle_growth [MINUTES]`, by default ten."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from vigil.demo.ports import Ports
from vigil.demo.stack import Stack
from vigil.process_exit import exit_now
from vigil.simulator.registry import SIMULATED_ACCOUNTS

SETTLES_IN: Final = 60
"""Seconds until the files that are made at the start have their size."""
MINUTES_A_DAY: Final = 24 * 60


def measure_parts(folder: Path) -> dict[str, int]:
    """Return the bytes of each part of the folder."""
    sizes: dict[str, int] = {}
    for file in folder.rglob("*"):
        if file.is_file():
            part = file.relative_to(folder).parts[0]
            sizes[part] = sizes.get(part, 0) + file.stat().st_size
    return sizes


async def main(minutes: float) -> None:
    """Run a stack, and print a line for each part of its folder that grew, and one for all."""
    with tempfile.TemporaryDirectory(prefix="vigil-idle-") as name:
        folder = Path(name)
        async with Stack(folder, Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=60).run():
            await asyncio.sleep(SETTLES_IN)
            before = measure_parts(folder)
            await asyncio.sleep(minutes * 60)
            after = measure_parts(folder)
    grown = {part: size - before.get(part, 0) for part, size in after.items()}
    print(f"in {minutes:g} minutes, after the first")
    for part, by in sorted(grown.items()):
        if by:
            print(f"{by / 1000:9.1f} kB  {part}")
    total = sum(grown.values())
    print(f"{total / 1000:9.1f} kB  in all: {total * MINUTES_A_DAY / minutes / 1e6:.1f} MB a day")


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if sys.argv[1:] else 10))
    exit_now(0)
