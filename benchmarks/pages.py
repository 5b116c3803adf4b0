"""How long the server takes for a page for operators when 5,000 verifications are open: part of `make bench`.

Starts Temporal and the API on this machine, and at the end a worker for one verification. Beside the time that passed,
the processor time of the API and of Temporal is measured, which other programs on the machine change little.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from benchmarks.installation import ACCOUNT, Installation, run_installation
from vigil.domain.summary import Summary
from vigil.domain.terms import Attention, Stage
from vigil.process_exit import exit_now
from vigil.temporal.messages import MEMO, VERIFICATION_WORKFLOW
from vigil.temporal.visibility import search_attributes

VERIFICATIONS: Final = 5000
ASK_A_PERSON: Final = 25
"""One of so many needs a person."""
AT_ONCE: Final = 16
TIMES: Final = 20
FIRST: Final = 8_000_000
PAGES: Final = {
    "the newest": "/ui",
    "what needs a person": "/ui?needs=attention",
    "one account, in review": f"/ui?account={ACCOUNT}&stage=in_review",
    "a search": f"/ui?q={FIRST + 42}",
    "one without a worker": f"/ui/verifications/{ACCOUNT}/{FIRST}",
    "accounts": "/ui/accounts",
    "callbacks": "/ui/callbacks",
}


def publish(number: int) -> Summary:
    """Return what a run would have published of a verification."""
    now = datetime.now(UTC)
    return Summary(
        account=ACCOUNT,
        provider="id360",
        environment="sandbox",
        applicant=f"customer-{number}",
        sender=None,
        stage=Stage.IN_REVIEW if number % 10 == 0 else Stage.AWAITING_APPLICANT,
        decision=None,
        outcome=None,
        basis=None,
        revision=0,
        sequence=1,
        registered=True,
        fingerprint={},
        attention=(Attention.PROVIDER_UNREACHABLE,) if number % ASK_A_PERSON == 0 else (),
        steps=(1, 7),
        evidence={},
        opened_at=now,
        stage_entered_at=now,
        deadline_at=now + timedelta(days=14),
        callbacks=1,
        missed=0,
        last_callback_at=now,
    )


async def fill(installation: Installation, count: int) -> None:
    """Start so many verifications, of which one was registered as a backend does it."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def start(number: int) -> None:
        published = publish(number)
        async with slots:
            await installation.client.start_workflow(
                VERIFICATION_WORKFLOW,
                id=f"verification/{ACCOUNT}/{FIRST + number}",
                task_queue="pages",  # no worker serves it
                memo={MEMO: published},
                search_attributes=search_attributes(published),
            )

    await installation.register([str(FIRST)])
    await asyncio.gather(*(start(number) for number in range(1, count)))


async def measure(http: httpx.AsyncClient, address: str, processes: Sequence[int]) -> str:
    """Return the times of a page: the median and the worst that passed, and the processor time of each process."""
    (await http.get(address)).raise_for_status()
    took, before = [], [_processor_time(each) for each in processes]
    for _ in range(TIMES):
        began = time.perf_counter()
        (await http.get(address)).raise_for_status()
        took.append(time.perf_counter() - began)
    busy = [(_processor_time(each) - then) / TIMES for each, then in zip(processes, before, strict=True)]
    return "".join(f"{seconds * 1000:9.0f} ms" for seconds in (median(took), max(took), *busy))


def _find_process(option: str) -> int:
    """Return the process that was started with an option."""
    wanted = option.encode()
    found = (each for each in Path("/proc").glob("[0-9]*/cmdline") if wanted in each.read_bytes().split(b"\0"))
    return int(next(found).parent.name)


def _processor_time(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def print_figures(count: int) -> None:
    """Start what is measured, and print a table."""
    async with run_installation() as installation:
        temporal = _find_process(f"--port={installation.temporal.rpartition(':')[2]}")
        processes = (installation.api.pid or 0, temporal)
        began = time.monotonic()
        await fill(installation, count)
        print(f"{count} open verifications, started in {time.monotonic() - began:.0f} s; each page {TIMES} times")
        print(f"{'page':24}{'median':>12}{'worst':>12}{'API':>12}{'Temporal':>12}")
        origin = {"origin": installation.api_url}
        async with httpx.AsyncClient(base_url=installation.api_url, trust_env=False, timeout=60) as http:
            await http.post("/ui/sign-in", data={"key": installation.key}, headers=origin)
            for name, address in PAGES.items():
                print(f"{name:24}{await measure(http, address, processes)}", flush=True)
            await installation.start_workers()
            print(f"{'one with a worker':24}{await measure(http, PAGES['one without a worker'], processes)}")


if __name__ == "__main__":
    asyncio.run(print_figures(int(sys.argv[1]) if sys.argv[1:] else VERIFICATIONS))
    exit_now(0)
