"""Vigil beside the bare Temporal client on one server, in alternating rounds: part of `make bench`.

Prints a table and one JSON object. Ratios count: both sides share the machine with the load generator.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowHistory

from benchmarks.bare import QUEUE, BareVerification
from benchmarks.hostile_callbacks import Caller
from benchmarks.installation import ACCOUNT, Installation, run_installation
from vigil.process_exit import exit_now
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

_references = itertools.count(5_000_001)


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
    references = [str(next(_references)) for _ in range(OPEN)]
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
                raise SystemExit(f"a callback was answered {status}: see {installation.api.log}")
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


async def registrations(installation: Installation) -> list[Row]:
    """Registrations over HTTP, beside starts of a workflow. No worker runs."""
    headers = {"Authorization": f"Bearer {installation.key}"}
    async with httpx.AsyncClient(base_url=installation.api_url, trust_env=False, headers=headers, timeout=60) as http:

        async def register() -> None:
            body = {"account": ACCOUNT, "reference": str(next(_references))}
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
    for _ in range(ROUNDS):
        ours = await _rate(lambda http: _verify(installation, http, str(next(_references))), installation)
        theirs = await _rate(lambda _: _verify_bare(installation, str(next(_references))), installation)
        rates.append((ours, theirs))
    ours, theirs = (statistics.median(side) for side in zip(*rates, strict=True))
    return [Row(f"whole verifications, {CONNECTIONS} at once", "1/s", ours, theirs, "≥ 0.7")]


async def idle_decisions(installation: Installation, times: int = IDLE) -> list[Row]:
    """From the callback until a waiting reader sees the verdict, beside signal to result, one at a time."""
    ours, theirs = [], []
    headers = {"Authorization": f"Bearer {installation.key}"}
    async with httpx.AsyncClient(base_url=installation.api_url, trust_env=False, headers=headers, timeout=60) as http:
        for _ in range(times):
            ours.append(await _verify(installation, http, str(next(_references)), settle=0.3))
            theirs.append(await _verify_bare(installation, str(next(_references)), settle=0.3))
    row = Row("callback to verdict, idle", "ms", statistics.median(ours), statistics.median(theirs), "≤ 1.5")
    return [row]


async def _rate(verify: Callable[[httpx.AsyncClient], Awaitable[object]], installation: Installation) -> float:
    slots = asyncio.Semaphore(CONNECTIONS)
    limits = httpx.Limits(max_connections=2 * CONNECTIONS)
    headers = {"Authorization": f"Bearer {installation.key}"}

    async def one(http: httpx.AsyncClient) -> None:
        async with slots:
            await verify(http)

    began = time.perf_counter()
    async with httpx.AsyncClient(
        base_url=installation.api_url, trust_env=False, headers=headers, timeout=60, limits=limits
    ) as http:
        await asyncio.gather(*(one(http) for _ in range(WHOLE)))
    return WHOLE / (time.perf_counter() - began)


async def _verify(installation: Installation, http: httpx.AsyncClient, reference: str, *, settle: float = 0) -> float:
    """Register, wait for the verdict, and call back meanwhile. Return the milliseconds from callback to verdict."""
    (await http.post("/verifications", json={"account": ACCOUNT, "reference": reference})).raise_for_status()
    url = f"/verifications/{ACCOUNT}/{reference}?wait=30&until=outcome"
    waiting = asyncio.create_task(http.get(url))
    await asyncio.sleep(settle)
    began = time.perf_counter()
    body = {"id": int(reference), "status": "OK"}
    headers = {"Authorization": installation.secret}
    (await http.post(f"/callbacks/{ACCOUNT}", json=body, headers=headers)).raise_for_status()
    state = (await waiting).raise_for_status().json()["state"]
    if state["decision"] != "approved":
        raise SystemExit(f"{reference} is not approved: {state}")
    return (time.perf_counter() - began) * 1000


async def _verify_bare(installation: Installation, reference: str, *, settle: float = 0) -> float:
    handle = await installation.client.start_workflow(
        BareVerification.run, reference, id=f"bare/{reference}", task_queue=QUEUE
    )
    waiting = asyncio.create_task(handle.result())
    await asyncio.sleep(settle)
    began = time.perf_counter()
    await handle.signal(BareVerification.called, "OK")
    await waiting
    return (time.perf_counter() - began) * 1000


async def cost(installation: Installation) -> Mapping[str, Any]:
    """What one verification without files costs in Temporal and in storage, the bare workflow's events beside it."""
    headers = {"Authorization": f"Bearer {installation.key}"}
    async with httpx.AsyncClient(base_url=installation.api_url, trust_env=False, headers=headers, timeout=60) as http:
        reference = str(next(_references))
        await _verify(installation, http, reference, settle=0.5)
        complete = await http.get(f"/verifications/{ACCOUNT}/{reference}?wait=30&until=complete")
        complete.raise_for_status()
    bare = str(next(_references))
    await _verify_bare(installation, bare)
    own = await installation.client.get_workflow_handle(f"verification/{ACCOUNT}/{reference}").fetch_history()
    theirs = await installation.client.get_workflow_handle(f"bare/{bare}").fetch_history()
    storage = installation.folder / "storage"
    files = [file for file in storage.rglob("*") if file.is_file() and f"/{reference}/" in str(file)]
    return {
        "events": len(own.events),
        "bare events": len(theirs.events),
        "event bytes": sum(event.ByteSize() for event in own.events),
        "billable actions": billable_actions(own),
        "bare billable actions": billable_actions(theirs),
        "files": len(files),
        "file bytes": sum(file.stat().st_size for file in files),
    }


_ACTIONS: Final = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    }
)


def billable_actions(history: WorkflowHistory) -> int:
    """Count what Temporal Cloud bills, by its public list. A signal that starts the workflow counts once."""
    counted = sum(event.event_type in _ACTIONS for event in history.events)
    # All local activities of one workflow task are one action.
    tasks = {
        event.marker_recorded_event_attributes.workflow_task_completed_event_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    }
    starts_by_signal = history.events[1].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    return counted + len(tasks) - starts_by_signal


async def many_open(installation: Installation, count: int) -> Mapping[str, Any]:
    """How a worker fares that is started when many registered verifications wait for their first task.

    One of them has a callback waiting: its verdict must not wait for the first tasks of the others.
    """
    began = time.perf_counter()
    await installation.register((str(next(_references)) for _ in range(count)), at_once=32)
    registered = time.perf_counter() - began
    headers = {"Authorization": f"Bearer {installation.key}"}
    await installation.start_workers()
    async with httpx.AsyncClient(base_url=installation.api_url, trust_env=False, headers=headers, timeout=120) as http:
        began = time.perf_counter()
        await _verify(installation, http, str(next(_references)))
        fresh = time.perf_counter() - began
    largest = 0.0
    async with asyncio.timeout(600):
        while await _first_tasks_wait(installation.client):
            largest = max(largest, _memory(installation))
            await asyncio.sleep(1)
    return {
        "open": count,
        "registrations a second": count / registered,
        "first verdict after a worker's start, seconds": fresh,
        "first tasks done after, seconds": time.perf_counter() - began,
        "worker, MB": max(largest, _memory(installation)),
    }


async def _first_tasks_wait(client: Client) -> bool:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=VERIFICATIONS_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        report_stats=True,
    )
    described = await client.workflow_service.describe_task_queue(request)
    return described.stats.approximate_backlog_count > 0


def _memory(installation: Installation) -> float:
    """Return the resident memory of the worker in megabytes."""
    for line in Path(f"/proc/{installation.worker.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the worker has ended")


async def measure(count: int) -> Mapping[str, Any]:
    """Measure everything, and return what is printed."""
    rows: list[Row] = []
    async with run_installation() as installation:
        for measured in (acknowledgements, registrations):
            rows += await measured(installation)
    # Another one, without the verifications that wait for a worker.
    async with run_installation() as installation:
        await installation.start_workers()
        await installation.start_bare_worker()
        for measured in (idle_decisions, whole_verifications):
            rows += await measured(installation)
        costs = await cost(installation)
    async with run_installation() as installation:
        growth = await many_open(installation, count)
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()}
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "rows": [asdict(row) | {"ratio": row.ratio} for row in rows],
        "one verification": costs,
        "many open": growth,
    }


def table(figures: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of the table."""
    machine = figures["machine"]
    at, cores, load = figures["at"], machine["cores"], machine["load"]
    yield f"Vigil beside the bare Temporal client, {at}, {cores} cores, load {load:.1f}"
    yield f"{'':44}{'Vigil':>9}{'bare':>9}{'ratio':>8}  aim"
    for row in figures["rows"]:
        name = f"{row['what']}, {row['unit']}"
        yield f"{name:44}{row['vigil']:9.1f}{row['bare']:9.1f}{row['ratio']:8.2f}  {row['aim']}"
    for title in ("one verification", "many open"):
        yield f"{title}: " + ", ".join(f"{name} {value:.4g}" for name, value in figures[title].items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=5000, help="how many verifications wait for the worker")
    printed = asyncio.run(measure(parser.parse_args().open))
    print("\n".join(table(printed)))
    print(json.dumps(printed), flush=True)
    exit_now(0)
