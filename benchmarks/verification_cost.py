"""What one verification costs in Temporal and in storage, and what its polls cost: part of `make bench`.

Starts an installation whose storage is a bucket, and counts the requests that the bucket receives.
"""

import argparse
import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from threading import Thread
from typing import TYPE_CHECKING, Final

import httpx
from moto.moto_server.werkzeug_app import MotoRequestHandler
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from werkzeug.serving import make_server

from benchmarks.fast_provider import WAITING_FROM
from benchmarks.installation import ACCOUNT, REFERENCES, Installation, run_installation
from benchmarks.publishing import Result, Table, run
from benchmarks.verifications import verify, verify_bare
from tests.s3_server import OneAtATime
from vigil.demo.ports import LOOPBACK, find_free_ports

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BUCKET: Final = "bench"
TIMES: Final = 10
"""Verifications, of whose storage requests the average is shown."""
TIME_SCALE: Final = 900
"""15 minutes until the first poll are a second."""
LIST: Final = "LIST"
IDLE_FOR: Final = 15
"""Seconds."""
POLLED_FOR: Final = 20
"""Seconds in which a verification is polled only."""


class CountingBucket:
    """An S3-compatible store that counts its requests by method and by what they are about."""

    def __init__(self) -> None:
        self._store = OneAtATime()
        self.requests: Counter[str] = Counter()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        method, path = str(environ["REQUEST_METHOD"]), str(environ["PATH_INFO"])
        self.requests[LIST if method == "GET" and path.count("/") == 1 else method] += 1
        return self._store(environ, start_response)


class Quiet(MotoRequestHandler):
    """Logs no request."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@asynccontextmanager
async def with_bucket() -> AsyncIterator[tuple[Installation, CountingBucket]]:
    """Run an installation with its workers whose storage is a bucket."""
    bucket, (port,) = CountingBucket(), find_free_ports(1)
    server = make_server(LOOPBACK, port, bucket, threaded=True, request_handler=Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://{LOOPBACK}:{port}"
    os.environ |= {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_ALLOW_HTTP": "true",
    }
    async with httpx.AsyncClient(trust_env=False, timeout=120) as http:
        (await http.put(f"{endpoint}/{BUCKET}")).raise_for_status()
    try:
        async with run_installation(
            changes={"[storage]\nurl = ": f'[storage]\nurl = "s3://{BUCKET}/vigil" # '}
        ) as installation:
            await installation.start_workers()
            await installation.start_bare_worker()
            yield installation, bucket
    finally:
        server.shutdown()


async def measure() -> Result:
    """Count what verifications cost, and what polls do."""
    async with with_bucket() as (installation, bucket), installation.backend() as http:
        await _complete(installation, http)  # the first of everything reads more
        idle = await _idle(bucket)
        before = bucket.requests.copy()
        *_, reference = [await _complete(installation, http) for _ in range(TIMES)]
        requests = {name: count / TIMES for name, count in sorted((bucket.requests - before).items()) if name != LIST}
        own = await _history(installation, f"verification/{ACCOUNT}/{reference}")
        bare = str(next(REFERENCES))
        await verify_bare(installation, bare)
        theirs = await _history(installation, f"bare/{bare}")
    async with run_installation(time_scale=TIME_SCALE) as installation, installation.backend() as http:
        await installation.start_workers()
        polls = await _polls(installation, http)
    figures = {
        "events": (len(own.events), len(theirs.events), "≤ 26"),
        "bytes of history": (_size(own), _size(theirs), ""),
        "billable actions": (billable_actions(own), billable_actions(theirs), "≤ 8"),
        "requests to storage": (sum(requests.values()), 0, ""),
        **{f"of them {name}": (count, 0, "") for name, count in requests.items()},
        "lists of an idle API and worker, a second": (idle, 0, ""),
        "events of a poll": (polls["events"] / max(polls["polls"], 1), "does not poll", "0"),
    }
    columns = ("One verification without files: register, callback, read, record", "Vigil", "bare client", "aim")
    return Result(
        figures={name: {"vigil": ours, "bare": bare} for name, (ours, bare, _) in figures.items()} | {"polled": polls},
        tables=[Table(columns, [(name, *values) for name, values in figures.items()])],
        notes=[f"In {POLLED_FOR} seconds a verification was polled {polls['polls']} times: {polls['events']} events."],
    )


async def _idle(bucket: CountingBucket) -> float:
    """Return how many lists a second API and worker ask for when nothing happens. No verification adds any."""
    before = bucket.requests[LIST]
    await asyncio.sleep(IDLE_FOR)
    return (bucket.requests[LIST] - before) / IDLE_FOR


async def _complete(installation: Installation, http: httpx.AsyncClient) -> str:
    """Have a verification complete, and return its reference."""
    reference = str(next(REFERENCES))
    await verify(installation, http, reference, settle=0.5)
    complete = await http.get(f"/verifications/{ACCOUNT}/{reference}?wait=30&until=complete")
    complete.raise_for_status()
    await asyncio.sleep(1)  # the receipt is filed after the answer
    return reference


async def _polls(installation: Installation, http: httpx.AsyncClient) -> Mapping[str, int]:
    """Return how often a verification that stays open was polled, and how many events that has made."""
    reference = str(WAITING_FROM + next(REFERENCES))
    (await http.post("/verifications", json={"account": ACCOUNT, "reference": reference})).raise_for_status()
    await asyncio.sleep(5)  # until polling has begun
    name = f"verification/{ACCOUNT}/{reference}"
    before, reads = len((await _history(installation, name)).events), await _reads(installation, reference)
    await asyncio.sleep(POLLED_FOR)
    after, more = len((await _history(installation, name)).events), await _reads(installation, reference)
    return {"polls": more - reads, "events": after - before}


async def _reads(installation: Installation, reference: str) -> int:
    """Return how often the provider was asked."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return int((await http.get(f"{installation.provider}/asked/{reference}/times")).text)


async def _history(installation: Installation, workflow: str) -> WorkflowHistory:
    return await installation.client.get_workflow_handle(workflow).fetch_history()


def _size(history: WorkflowHistory) -> int:
    return sum(event.ByteSize() for event in history.events)


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


if __name__ == "__main__":
    run(lambda _: measure(), argparse.ArgumentParser(description=__doc__))
