"""From callback to verdict of fresh verifications, while a restarted worker still takes on registered ones."""

import argparse
import statistics
from typing import Final

from benchmarks.installation import REFERENCES, Installation, run_installation
from benchmarks.publishing import Result, Table, run
from benchmarks.side_by_side import first_tasks_wait
from benchmarks.verifications import verify

MOST: Final = 10
"""Fresh verifications, one after the other; fewer if the worker is done with the others before."""


async def measure(count: int) -> Result:
    """Register so many while no worker runs, start one, and time the verdicts of fresh ones."""
    async with run_installation() as installation:
        await installation.register((str(next(REFERENCES)) for _ in range(count)), at_once=32)
        await installation.start_workers()
        seconds = await _time_fresh(installation)
    figures = {
        "registered": count,
        "fresh": len(seconds),
        "median, seconds": statistics.median(seconds),
        "longest, seconds": max(seconds),
    }
    return Result(figures=figures, tables=[Table(("A fresh verification behind first tasks", ""), [*figures.items()])])


async def _time_fresh(installation: Installation) -> list[float]:
    seconds: list[float] = []
    async with installation.backend() as http:
        while len(seconds) < MOST and (not seconds or await first_tasks_wait(installation.client)):
            seconds.append(await verify(installation, http, str(next(REFERENCES))) / 1000)
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=2000, help="how many registered verifications wait for the worker")
    run(lambda given: measure(given.open), parser)
