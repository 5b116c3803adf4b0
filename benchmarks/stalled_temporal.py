"""A burst of callbacks while Temporal is stopped: all are answered, and none is lost. Part of `make bench`.

Callbacks of open verifications come at a steady pace, whatever the answers take. Beside each, the bare Temporal client
signals a workflow, with the two seconds that a sender of callbacks may wait. Temporal's server is stopped (SIGSTOP) in
the middle. At the end each verification must have counted every callback that was answered 2xx.
"""

import argparse
import asyncio
import itertools
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import httpx
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from benchmarks.bare import BareVerification
from benchmarks.installation import ACCOUNT, REFERENCES, Installation, run_installation
from benchmarks.publishing import Result, Table, run
from benchmarks.verifications import call_back

ROUNDS: Final = 3
OPEN: Final = 20
A_SECOND: Final = 40
BEFORE, STALLED, AFTER = 3.0, 8.0, 4.0
"""Seconds of each round."""
PATIENCE: Final = timedelta(seconds=2)
"""How long a sender waits for its answer, on the bare side."""
COUNTED_WITHIN: Final = 300
"""Seconds until every callback is counted."""


@dataclass(frozen=True)
class Attempt:
    """One callback or one signal: whether Temporal was stopped when it was sent, and how it went."""

    stalled: bool
    answered: bool
    took: float
    """Milliseconds."""


class Stall:
    """Stops Temporal's server for some seconds."""

    def __init__(self, process: int) -> None:
        self._process = process
        self.is_under_way = False

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """Have the server stopped for as long as the context lasts."""
        os.kill(self._process, signal.SIGSTOP)
        self.is_under_way = True
        try:
            yield
        finally:
            self.is_under_way = False
            os.kill(self._process, signal.SIGCONT)


async def burst(send: Callable[[int], Awaitable[None]], stall: Stall, *, until: float) -> Sequence[Attempt]:
    """Send at a steady pace until a time, and return how each attempt went."""

    async def attempt(number: int) -> Attempt:
        began, stalled, answered = time.perf_counter(), stall.is_under_way, False
        with suppress(httpx.HTTPError, RPCError):
            await send(number)
            answered = True
        return Attempt(stalled, answered, (time.perf_counter() - began) * 1000)

    sent = []
    for number in itertools.count():
        if time.monotonic() >= until:
            break
        sent.append(asyncio.create_task(attempt(number)))
        await asyncio.sleep(1 / A_SECOND)
    return await asyncio.gather(*sent)


async def play_round(installation: Installation, http: httpx.AsyncClient) -> dict[str, Any]:
    """Play one round, and return what each side met and how long every callback took until it was counted."""
    references = [str(next(REFERENCES)) for _ in range(OPEN)]
    await installation.register(references)
    handles = await _start_bare(installation)
    answered = dict.fromkeys(references, 0)

    async def call(number: int) -> None:
        reference = references[number % OPEN]
        step = {"name": "form", "status": "OK", "documents": [f"d{number}"]}
        await call_back(installation, http, reference, {"status": "STARTED", "enrollment_step": step})
        answered[reference] += 1

    async def signal_bare(number: int) -> None:
        await handles[number % OPEN].signal(BareVerification.called, "STARTED", rpc_timeout=PATIENCE)

    stall, until = Stall(installation.temporal_pid), time.monotonic() + BEFORE + STALLED + AFTER
    sending = asyncio.gather(burst(call, stall, until=until), burst(signal_bare, stall, until=until))
    await asyncio.sleep(BEFORE)
    async with stall.under_way():
        await asyncio.sleep(STALLED)
    ours, bare = await sending
    lost, counted_after = await _wait_until_counted(http, answered, since=until)
    return {"vigil": _sum_up(ours), "bare": _sum_up(bare), "lost": lost, "counted after": counted_after}


async def _start_bare(installation: Installation) -> Sequence[WorkflowHandle[Any, Any]]:
    start = installation.client.start_workflow
    return [await start(BareVerification.run, "1", id=f"bare/{uuid4()}", task_queue="nobody") for _ in range(OPEN)]


async def _wait_until_counted(http: httpx.AsyncClient, answered: dict[str, int], *, since: float) -> tuple[int, float]:
    """Return how many answered callbacks are never counted, and when the last one was."""
    missing = sum(answered.values())
    while missing and time.monotonic() < since + COUNTED_WITHIN:
        await asyncio.sleep(0.5)
        missing = sum([await _missing(http, reference, count) for reference, count in answered.items()])
    return missing, max(0.0, time.monotonic() - since)


async def _missing(http: httpx.AsyncClient, reference: str, answered: int) -> int:
    view = await http.get(f"/verifications/{ACCOUNT}/{reference}")
    if not view.is_success:  # Temporal has much to do after the stop
        return answered
    return max(0, answered - int((view.json()["state"] or {}).get("callbacks", 0)))


def _sum_up(attempts: Sequence[Attempt]) -> dict[str, float]:
    stalled = [attempt for attempt in attempts if attempt.stalled]
    took = sorted(attempt.took for attempt in stalled)
    return {
        "sent": len(attempts),
        "not answered": sum(not attempt.answered for attempt in attempts),
        "sent while stalled": len(stalled),
        "answered of them": sum(attempt.answered for attempt in stalled),
        "p50": took[len(took) // 2],
        "p99": took[int(len(took) * 0.99)],
        "max": took[-1],
    }


async def measure(number: int) -> Result:
    """Play so many rounds."""
    async with run_installation() as installation, installation.backend() as http:
        await installation.start_workers()
        rounds = [await play_round(installation, http) for _ in range(number)]
    lost, after = sum(each["lost"] for each in rounds), statistics.median(each["counted after"] for each in rounds)
    counted = ((name, *(sum(each[side][name] for each in rounds) for side in _SIDES)) for name in _COUNTED)
    timed = ((name, *(statistics.median(each[side][name] for each in rounds) for side in _SIDES)) for name in _TIMED)
    rows = (
        *((f"{name}, in {number} rounds", *values) for name, *values in counted),
        *((f"answer while stalled, {name}, ms", *values) for name, *values in timed),
        ("**answered and lost**", f"**{lost}**", ""),
        ("all counted after the burst, seconds", after, ""),
    )
    title = f"Temporal stopped for {STALLED:.0f} s under {A_SECOND} a second"
    return Result(figures={"rounds": rounds}, tables=[Table((title, "Vigil", "bare client"), rows)])


_SIDES: Final = ("vigil", "bare")
_COUNTED: Final = ("sent", "not answered", "sent while stalled", "answered of them")
_TIMED: Final = ("p50", "p99", "max")


def main() -> None:
    """Measure by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="(%(default)s)")
    run(lambda given: measure(given.rounds), parser)


if __name__ == "__main__":
    main()
