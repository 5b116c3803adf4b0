"""One verification from its start to its verdict: Vigil's by HTTP, and that of the bare Temporal client."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx

from benchmarks.bare import QUEUE, BareVerification
from benchmarks.installation import ACCOUNT, REFERENCES, Installation


class NotApproved(Exception):
    """A verification has not the end that its provider gave it."""


async def verify(installation: Installation, http: httpx.AsyncClient, reference: str, *, settle: float = 0) -> float:
    """Register, wait for the verdict, and call back meanwhile. Return the milliseconds from callback to verdict."""
    (await http.post("/verifications", json={"account": ACCOUNT, "reference": reference})).raise_for_status()
    url = f"/verifications/{ACCOUNT}/{reference}?wait=30&until=outcome"
    waiting = asyncio.create_task(http.get(url))
    await asyncio.sleep(settle)
    began = time.perf_counter()
    await call_back(installation, http, reference, {"status": "OK"})
    state = (await waiting).raise_for_status().json()["state"]
    if state["decision"] != "approved":
        raise NotApproved(f"{reference}: {state}")
    return (time.perf_counter() - began) * 1000


async def call_back(
    installation: Installation, http: httpx.AsyncClient, reference: str, body: dict[str, object]
) -> None:
    """Send a callback as the provider does."""
    content, headers = {"id": int(reference), **body}, {"Authorization": installation.secret}
    (await http.post(f"/callbacks/{ACCOUNT}", json=content, headers=headers)).raise_for_status()


async def insist(installation: Installation, http: httpx.AsyncClient, reference: str, body: dict[str, object]) -> None:
    """Send a callback until it is acknowledged, as the provider does: a busy installation says 503."""
    while True:
        try:
            return await call_back(installation, http, reference, body)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise


async def verify_bare(installation: Installation, reference: str, *, settle: float = 0) -> float:
    """Start a workflow, signal it and wait for its result. Return the milliseconds from the signal to the result."""
    handle = await installation.client.start_workflow(
        BareVerification.run, reference, id=f"bare/{reference}", task_queue=QUEUE
    )
    waiting = asyncio.create_task(handle.result())
    await asyncio.sleep(settle)
    began = time.perf_counter()
    await handle.signal(BareVerification.called, "OK")
    await waiting
    return (time.perf_counter() - began) * 1000


async def rate(verify_one: Callable[[str], Awaitable[object]], count: int, *, at_once: int) -> float:
    """Return how many verifications a second pass, so many at once."""
    slots = asyncio.Semaphore(at_once)

    async def one(reference: str) -> None:
        async with slots:
            await verify_one(reference)

    began = time.perf_counter()
    await asyncio.gather(*(one(str(next(REFERENCES))) for _ in range(count)))
    return count / (time.perf_counter() - began)
