"""What any workflow on this Temporal server must cost: start, callback as a signal, one read, a result.

The workflow does nothing that Vigil exists for: it keeps no callback, proves nothing, does not poll, and has no record.
Run as a program, this is its worker.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE: Final = "bare"


@workflow.defn(name="BareVerification", sandboxed=False)
class BareVerification:
    """Waits for one callback, reads once and returns what it read."""

    def __init__(self) -> None:
        """Begin without a callback."""
        self._called = False

    @workflow.run
    async def run(self, reference: str) -> str:
        """Return the provider's word."""
        await workflow.wait_condition(lambda: self._called)
        word: str = await workflow.execute_activity("read", reference, start_to_close_timeout=timedelta(seconds=30))
        return word

    @workflow.signal
    async def called(self, word: str) -> None:
        """Take the callback."""
        self._called = True


@dataclass
class Reads:
    """Reads the provider's report."""

    provider: str
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False))

    @activity.defn
    async def read(self, reference: str) -> str:
        """Return the status that the report says."""
        answer = await self.http.get(f"{self.provider}/api/1.0.0/enrollment/{reference}/report")
        return str(answer.json()["status"])


async def serve(address: str, provider: str) -> None:
    """Run the worker until the process is stopped."""
    client = await Client.connect(address)
    workflows, activities = [BareVerification], [Reads(provider).read]
    async with Worker(client, task_queue=QUEUE, workflows=workflows, activities=activities):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2]))
