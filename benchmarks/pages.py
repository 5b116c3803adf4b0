"""How long the server takes for a page for operators when 5,000 verifications are open: part of `make bench`.

Starts Temporal and the API on this machine, and at the end a worker for one verification. Beside the time that passed,
the processor time of the API is measured, which other programs on the machine do not change.
"""

import asyncio
import os
import sys
import time
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


async def measure(http: httpx.AsyncClient, address: str, process: int) -> str:
    """Return the times of a page: the median and the worst that passed, and the processor time of the API."""
    (await http.get(address)).raise_for_status()
    took, before = [], _processor_time(process)
    for _ in range(TIMES):
        began = time.perf_counter()
        (await http.get(address)).raise_for_status()
        took.append(time.perf_counter() - began)
    busy = (_processor_time(process) - before) / TIMES
    return f"{median(took) * 1000:9.0f} ms{max(took) * 1000:9.0f} ms{busy * 1000:9.0f} ms"


def _processor_time(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def print_figures(count: int) -> None:
    """Start what is measured, and print a table."""
    async with run_installation() as installation:
        process = installation.api.pid or 0
        began = time.monotonic()
        await fill(installation, count)
        print(f"{count} open verifications, started in {time.monotonic() - began:.0f} s; each page {TIMES} times")
        print(f"{'page':24}{'median':>12}{'worst':>12}{'processor':>12}")
        origin = {"origin": installation.api_url}
        async with httpx.AsyncClient(base_url=installation.api_url, trust_env=False, timeout=60) as http:
            await http.post("/ui/sign-in", data={"key": installation.key}, headers=origin)
            for name, address in PAGES.items():
                print(f"{name:24}{await measure(http, address, process)}", flush=True)
            await installation.start_workers()
            print(f"{'one with a worker':24}{await measure(http, PAGES['one without a worker'], process)}")


if __name__ == "__main__":
    asyncio.run(print_figures(int(sys.argv[1]) if sys.argv[1:] else VERIFICATIONS))
    exit_now(0)
