"""How long the server takes for a page for operators when 5,000 verifications are open: part of `make bench`.

Starts Temporal and the API on this machine, and at the end a worker for one verification. Beside the time that passed,
the processor time of the API and of Temporal is measured, which other programs on the machine change little.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

import httpx

from benchmarks.installation import ACCOUNT, Installation, processor_time, run_installation
from benchmarks.publishing import Result, Table, run
from vigil.domain.summary import Summary
from vigil.domain.terms import Attention, Stage
from vigil.temporal.messages import MEMO, VERIFICATION_WORKFLOW
from vigil.temporal.visibility import search_attributes

VERIFICATIONS: Final = 5000
ASK_A_PERSON: Final = 25
"""One of so many needs a person."""
AT_ONCE: Final = 16
TIMES: Final = 20
FIRST: Final = 8_000_000
COLUMNS: Final = ("median", "worst", "processor time of the API", "and of Temporal")
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


async def measure_page(http: httpx.AsyncClient, address: str, processes: Sequence[int]) -> Sequence[float]:
    """Return milliseconds of a page: the median and the worst that passed, and the processor time of each process."""
    (await http.get(address)).raise_for_status()
    took, before = [], [processor_time(each) for each in processes]
    for _ in range(TIMES):
        began = time.perf_counter()
        (await http.get(address)).raise_for_status()
        took.append(time.perf_counter() - began)
    busy = [(processor_time(each) - then) / TIMES for each, then in zip(processes, before, strict=True)]
    return [seconds * 1000 for seconds in (median(took), max(took), *busy)]


async def sign_in(installation: Installation, http: httpx.AsyncClient) -> None:
    """Get the session of a person."""
    await http.post("/ui/sign-in", data={"key": installation.key}, headers={"origin": installation.api_url})


async def measure(count: int) -> Result:
    """Start what is measured, and measure each page."""
    async with run_installation() as installation:
        processes = (installation.api.pid or 0, installation.temporal_pid)
        await fill(installation, count)
        rows = []
        async with httpx.AsyncClient(base_url=installation.api_url, trust_env=False, timeout=60) as http:
            await sign_in(installation, http)
            for name, address in PAGES.items():
                rows.append((name, *await measure_page(http, address, processes)))
            await installation.start_workers()
            worked = await measure_page(http, PAGES["one without a worker"], processes)
            rows.append(("one with a worker", *worked))
    return Result(
        figures={"open": count, "pages": {name: times for name, *times in rows}},
        tables=[Table((f"page, {count} open verifications, ms", *COLUMNS), rows)],
    )


def main() -> None:
    """Measure by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=VERIFICATIONS, help="how many verifications (%(default)s)")
    run(lambda given: measure(given.open), parser)


if __name__ == "__main__":
    main()
