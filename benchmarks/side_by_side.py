"""Vigil beside the bare Temporal client on one server, in alternating rounds: part of `make bench`.

Prints a table and one JSON object. Ratios count: both sides share the machine with the load generator.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from benchmarks.bare import BareVerification
from benchmarks.hostile_callbacks import Caller
from benchmarks.installation import ACCOUNT, REFERENCES, Installation, resident_memory, run_installation
from benchmarks.publishing import Result, Table, run
from benchmarks.verifications import insist, rate, verify, verify_bare
from vigil.temporal.messages import VERIFICATIONS_QUEUE

ROUNDS: Final = 3
SECONDS: Final = 3.0
"""For each round of one side."""
OPEN: Final = 400
"""Verifications that receive the callbacks which decide nothing."""
CONNECTIONS: Final = 32
WHOLE: Final = 100
"""Whole verifications for each round of one side."""
IDLE: Final = 15
"""Verifications one after the other, each on an idle installation."""
FIRST_TASKS_WITHIN: Final = 1200
LARGE: Final = 1_500_000
"""Bytes of a large body."""


@dataclass(frozen=True)
class Row:
    """One thing that both sides do. `ratio` is Vigil's figure by that of the bare client; aims are for the ratio."""

    what: str
    unit: str
    vigil: float
    bare: float
    aim: str

    @property
    def ratio(self) -> float:
        """Vigil's figure by that of the bare client."""
        return self.vigil / self.bare


@dataclass(frozen=True)
class Times:
    """The answers of one side in one round: how many a second, and how long each took, in milliseconds."""

    rate: float
    p50: float
    p99: float


async def many(call: Callable[[], Awaitable[object]], at_once: int) -> Times:
    """Call again and again for some seconds, so many at once."""
    took: list[float] = []
    until = time.monotonic() + SECONDS

    async def again_and_again() -> None:
        while time.monotonic() < until:
            began = time.perf_counter()
            await call()
            took.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(again_and_again() for _ in range(at_once)))
    took.sort()
    return Times(len(took) / SECONDS, took[len(took) // 2], took[int(len(took) * 0.99)])


async def alternate(vigil: Callable[[], Awaitable[Times]], bare: Callable[[], Awaitable[Times]]) -> tuple[Times, Times]:
    """Measure both sides in turn, and return the medians."""
    rounds = [(await vigil(), await bare()) for _ in range(ROUNDS)]
    return _median([ours for ours, _ in rounds]), _median([theirs for _, theirs in rounds])


def _median(rounds: Sequence[Times]) -> Times:
    return Times(
        *(statistics.median(values) for values in zip(*(asdict(each).values() for each in rounds), strict=True))
    )


# ------------------------------------------------------------ what is measured


async def acknowledgements(installation: Installation) -> list[Row]:
    """Callbacks of open verifications that decide nothing, beside signals to open workflows. No worker runs."""
    references = [str(next(REFERENCES)) for _ in range(OPEN)]
    await installation.register(references)
    client = installation.client
    handles = [
        await client.start_workflow(BareVerification.run, "1", id=f"bare/{uuid4()}", task_queue="nobody")
        for _ in range(OPEN)
    ]
    numbers = itertools.count()

    def callback() -> Callable[[], Awaitable[object]]:
        callers: asyncio.Queue[Caller] = asyncio.Queue()

        async def call() -> None:
            caller = callers.get_nowait() if not callers.empty() else Caller(installation.api_port, installation.secret)
            status, _ = await caller.call_for(int(references[next(numbers) % OPEN]))
            if status != httpx.codes.OK:
                raise RuntimeError(f"a callback was answered {status}: see {installation.api.log}")
            callers.put_nowait(caller)

        return call

    async def signal() -> None:
        await handles[next(numbers) % OPEN].signal(BareVerification.called, "STARTED")

    rows = []
    await many(callback(), CONNECTIONS)  # the first of everything is slower
    for at_once in (1, 8, CONNECTIONS):
        ours, theirs = await alternate(partial(many, callback(), at_once), partial(many, signal, at_once))
        aims = {1: "p99 ≤ 14 ms", 8: "p99 ≤ 48 ms", CONNECTIONS: "≤ 2"}
        rows.append(Row(f"callback acknowledged, p50, {at_once} at once", "ms", ours.p50, theirs.p50, ""))
        rows.append(Row(f"callback acknowledged, p99, {at_once} at once", "ms", ours.p99, theirs.p99, aims[at_once]))
        if at_once == CONNECTIONS:
            rows.append(Row("callbacks acknowledged", "1/s", ours.rate, theirs.rate, "≥ 0.9"))
    return rows


async def large_bodies(installation: Installation) -> list[Row]:
    """Callbacks of 1.5 MB, beside a file of that size that is written to the disk, and a signal. No worker runs."""
    reference = str(next(REFERENCES))
    await installation.register([reference])
    start = installation.client.start_workflow
    handle = await start(BareVerification.run, "1", id=f"bare/{uuid4()}", task_queue="nobody")
    numbers = itertools.count()
    async with installation.backend() as http:

        async def call() -> None:
            step = {"name": "form", "status": "OK", "documents": [f"d{next(numbers)}", "A" * LARGE]}
            await insist(installation, http, reference, {"status": "STARTED", "enrollment_step": step})

        async def write_and_signal() -> None:
            await asyncio.to_thread(_write, installation.folder / "bare" / uuid4().hex)
            await handle.signal(BareVerification.called, "STARTED")

        ours, theirs = await alternate(partial(many, call, 4), partial(many, write_and_signal, 4))
    return [
        Row("callbacks of 1.5 MB acknowledged, 4 at once", "1/s", ours.rate, theirs.rate, ""),
        Row("callbacks of 1.5 MB acknowledged, p99, 4 at once", "ms", ours.p99, theirs.p99, ""),
    ]


def _write(file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    with file.open("xb") as opened:
        opened.write(b"A" * LARGE)
        opened.flush()
        os.fsync(opened.fileno())


async def registrations(installation: Installation) -> list[Row]:
    """Registrations over HTTP, beside starts of a workflow. No worker runs."""
    async with installation.backend() as http:

        async def register() -> None:
            body = {"account": ACCOUNT, "reference": str(next(REFERENCES))}
            (await http.post("/verifications", json=body)).raise_for_status()

        async def start() -> None:
            await installation.client.start_workflow(
                BareVerification.run, "1", id=f"bare/{uuid4()}", task_queue="nobody"
            )

        ours, theirs = await alternate(lambda: many(register, 16), lambda: many(start, 16))
    return [Row("registrations, 16 at once", "1/s", ours.rate, theirs.rate, "≥ 0.9")]


async def whole_verifications(installation: Installation) -> list[Row]:
    """Register, callback, read, record, beside start, signal, read, result. Both workers run."""
    await idle_decisions(installation, 2)  # the first of everything is slower
    rates: list[tuple[float, float]] = []
    async with installation.backend() as http:
        for _ in range(ROUNDS):
            ours = await rate(lambda reference: verify(installation, http, reference), WHOLE, at_once=CONNECTIONS)
            theirs = await rate(lambda reference: verify_bare(installation, reference), WHOLE, at_once=CONNECTIONS)
            rates.append((ours, theirs))
    ours, theirs = (statistics.median(side) for side in zip(*rates, strict=True))
    return [Row(f"whole verifications, {CONNECTIONS} at once", "1/s", ours, theirs, "≥ 0.7")]


async def idle_decisions(installation: Installation, times: int = IDLE) -> list[Row]:
    """From the callback until a waiting reader sees the verdict, beside signal to result, one at a time."""
    ours, theirs = [], []
    async with installation.backend() as http:
        for _ in range(times):
            ours.append(await verify(installation, http, str(next(REFERENCES)), settle=0.3))
            theirs.append(await verify_bare(installation, str(next(REFERENCES)), settle=0.3))
    row = Row("callback to verdict, idle", "ms", statistics.median(ours), statistics.median(theirs), "≤ 1.5")
    return [row]


async def many_open(installation: Installation, count: int) -> Mapping[str, Any]:
    """How a worker fares that is started when many registered verifications wait for their first task.

    One of them has a callback waiting: its verdict must not wait for the first tasks of the others.
    """
    began = time.perf_counter()
    await installation.register((str(next(REFERENCES)) for _ in range(count)), at_once=32)
    registered = time.perf_counter() - began
    await installation.start_workers()
    async with installation.backend() as http:
        began = time.perf_counter()
        await verify(installation, http, str(next(REFERENCES)))
        fresh = time.perf_counter() - began
    largest = 0.0
    async with asyncio.timeout(FIRST_TASKS_WITHIN):
        while await first_tasks_wait(installation.client):
            largest = max(largest, resident_memory(installation.worker.pid))
            await asyncio.sleep(1)
    return {
        "open": count,
        "registrations a second": count / registered,
        "first verdict after a worker's start, seconds": fresh,
        "first tasks done after, seconds": time.perf_counter() - began,
        "worker, MB": max(largest, resident_memory(installation.worker.pid)),
    }


async def first_tasks_wait(client: Client) -> bool:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=VERIFICATIONS_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        report_stats=True,
    )
    described = await client.workflow_service.describe_task_queue(request)
    return described.stats.approximate_backlog_count > 0


async def measure(count: int) -> Result:
    """Measure everything."""
    rows: list[Row] = []
    async with run_installation() as installation:
        for measured in (acknowledgements, large_bodies, registrations):
            rows += await measured(installation)
    # Another one, without the verifications that wait for a worker.
    async with run_installation() as installation:
        await installation.start_workers()
        await installation.start_bare_worker()
        for measured in (idle_decisions, whole_verifications):
            rows += await measured(installation)
    async with run_installation() as installation:
        backlog = await many_open(installation, count)
    columns = ("", "unit", "Vigil", "bare client", "ratio", "aim")
    return Result(
        figures={"rows": [asdict(row) | {"ratio": row.ratio} for row in rows], "many open": backlog},
        tables=[
            Table(columns, [(row.what, row.unit, row.vigil, row.bare, row.ratio, row.aim) for row in rows]),
            Table(("A worker that starts behind registered verifications", ""), list(backlog.items())),
        ],
    )


def main() -> None:
    """Measure by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=5000, help="how many verifications wait for the worker")
    run(lambda given: measure(given.open), parser)


if __name__ == "__main__":
    main()
