"""How an installation fares while ever more verifications are open: `python -m benchmarks.growth --to 20000`.

Registers verifications over HTTP beside a running worker, up to a tenth, a half and all of `--to`. At each size it
measures lists, a search, an explanation and pages, the memory of each process, and decisions. It ends by itself.
"""

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import median
from typing import Final

import httpx

from benchmarks.fast_provider import WAITING_FROM
from benchmarks.installation import ACCOUNT, REFERENCES, Installation, resident_memory, run_installation
from benchmarks.pages import sign_in
from benchmarks.publishing import Result, Table, run
from benchmarks.side_by_side import first_tasks_wait
from benchmarks.verifications import verify

TO: Final = 20_000
AT_ONCE: Final = 32
TIMES: Final = 10
ENDS_WITHIN: Final = timedelta(hours=1)
ASKED: Final = {
    "list, ms": "/verifications?limit=50",
    "search for one, ms": f"/verifications?account={ACCOUNT}&applicant=nobody",
    "explanation, ms": f"/verifications/{ACCOUNT}/{WAITING_FROM + 1}/explanation",
    "page of the list, ms": "/ui",
    "page of a search, ms": f"/ui?q={WAITING_FROM + 1}",
    "page of one, ms": f"/ui/verifications/{ACCOUNT}/{WAITING_FROM + 1}",
}


def sizes(to: int) -> Sequence[int]:
    """Return at how many open verifications is measured."""
    return sorted({max(1, to // 10), max(1, to // 2), to})


async def grow(installation: Installation, open_: int, to: int) -> Mapping[str, float]:
    """Register more verifications, and return how fast that was and how long the worker needed for them."""
    references = (str(WAITING_FROM + number) for number in range(open_ + 1, to + 1))
    began = time.perf_counter()
    await installation.register(references, at_once=AT_ONCE)
    registered = time.perf_counter() - began
    while await first_tasks_wait(installation.client):  # noqa: ASYNC110 -- Temporal is another process
        await asyncio.sleep(0.5)
    settled = time.perf_counter() - began
    await asyncio.sleep(5)  # what follows the first task of each
    return {"registrations a second": (to - open_) / registered, "first tasks a second": (to - open_) / settled}


async def ask(installation: Installation) -> Mapping[str, float]:
    """Return the milliseconds of each question, the median of some."""
    figures = {}
    async with installation.backend() as http:
        await sign_in(installation, http)
        for what, address in ASKED.items():
            figures[what] = median([await _time(http, address) for _ in range(TIMES)])
    return figures


async def _time(http: httpx.AsyncClient, address: str) -> float:
    began = time.perf_counter()
    (await http.get(address)).raise_for_status()
    return (time.perf_counter() - began) * 1000


async def decide(installation: Installation) -> Mapping[str, float]:
    """Return the milliseconds from a callback to its verdict, and the seconds of the first after a worker's restart."""
    async with installation.backend() as http:
        idle = median([await verify(installation, http, str(next(REFERENCES)), settle=0.3) for _ in range(5)])
        await installation.worker.stop()
        await installation.start_workers()
        began = time.perf_counter()
        await verify(installation, http, str(next(REFERENCES)))
        return {"callback to verdict, ms": idle, "first verdict after a restart, s": time.perf_counter() - began}


def memory(installation: Installation) -> Mapping[str, float]:
    """Return the resident memory of each process."""
    processes = {
        "worker": installation.worker.pid,
        "API": installation.api.pid,
        "Temporal, which keeps all in memory": installation.temporal_pid,
    }
    return {f"memory of {name}, MB": resident_memory(process) for name, process in processes.items()}


async def measure(to: int) -> Result:
    """Measure at each size."""
    columns: dict[int, Mapping[str, float]] = {}
    async with asyncio.timeout(ENDS_WITHIN.total_seconds()), run_installation() as installation:
        await installation.start_workers()
        open_ = 0
        for size in sizes(to):
            grown = await grow(installation, open_, size)
            # The worker's memory is taken before it is restarted.
            columns[size] = {**grown, **memory(installation), **await ask(installation), **await decide(installation)}
            open_ = size
    names = list(columns[to])
    rows = [(name, *(column[name] for column in columns.values())) for name in names]
    return Result(
        figures={"open": {str(size): column for size, column in columns.items()}},
        tables=[Table(("open verifications", *(f"{size:,}" for size in columns)), rows)],
        notes=["The worker keeps `cached_workflows` runs of each queue in memory, 1,000 unless the settings say else."],
    )


def main() -> None:
    """Measure by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=int, default=TO, help="how many verifications are open at the end (%(default)s)")
    run(lambda given: measure(given.to), parser)


if __name__ == "__main__":
    main()
