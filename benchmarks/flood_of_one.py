"""What a flood of callbacks of one verification leaves of it while its provider does not answer.

`python -m benchmarks.flood_of_one [COUNT] [callbacks|signals]` starts a stack, stops the simulator, and sends COUNT
(20,000) callbacks to a verification that nobody has registered, then as many signals past the API, which has a cap, to
another one. After each it registers, explains and resolves the verification, and prints how long that took.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, cast

import httpx
from temporalio.service import RPCError

from vigil.cli.context import open_installation
from vigil.demo.ports import Ports
from vigil.demo.simulator_accounts import authorization, read_key
from vigil.demo.stack import Stack
from vigil.domain.callback_event import CallbackEvent, StatusSeen
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey
from vigil.process_exit import exit_now
from vigil.providers.id360.senders import CONTRACT
from vigil.providers.id360.settings import Id360Settings
from vigil.runtime import Runtime
from vigil.simulator.registry import SIMULATED_ACCOUNTS

ACCOUNT: Final = "id360"
AT_ONCE: Final = 32
MOST_TRIES: Final = 20
"""Of a command that no worker takes in time; each waits for ten seconds."""
DEADLOCK: Final = "TMPRL1101"
"""What the SDK logs when a workflow task took longer than two seconds."""


class Flood:
    """A running stack whose provider does not answer."""

    def __init__(self, stack: Stack, runtime: Runtime, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._runtime = runtime
        self._http = http
        own = cast("Id360Settings", runtime.settings.accounts[ACCOUNT].own)
        self._proof = {"Authorization": own.callback_headers["Authorization"][0].get_secret_value()}

    async def call_back(self, reference: str, number: int) -> str:
        """Send a callback, and return the status of its answer."""
        body = {"id": int(reference), "status": "OK", "steps_status": {"done": number % 10_000, "total": 10_000}}
        url = f"{self._stack.api}/callbacks/{ACCOUNT}"
        try:
            return str((await self._http.post(url, json=body, headers=self._proof)).status_code)
        except httpx.HTTPError as error:
            return type(error).__name__

    async def signal(self, reference: str, number: int) -> str:
        """Signal a callback event as an API without a cap would, and return how that ended."""
        event = CallbackEvent(
            sender=CONTRACT.sender,
            delivery=self._runtime.digester.digest("event", str(number)),
            proof=Proof.SECRET,
            received_at=datetime.now(UTC),
            observation=StatusSeen(word="OK", looks="final"),
        )
        key = VerificationKey(account=ACCOUNT, reference=reference)
        try:
            await self._runtime.tracker.signal_callback(key, event, may_start=number == 1)
        except RPCError as error:
            return error.status.name
        return "signalled"

    async def use(self, reference: str) -> list[str]:
        """Register, explain and resolve the verification, each until it is answered; return a line for each."""
        path, headers = f"/verifications/{ACCOUNT}/{reference}", authorization(read_key(self._stack.config))
        headers["Idempotency-Key"] = reference
        requests = {
            "registered": ("POST", "/verifications", {"account": ACCOUNT, "reference": reference}),
            "explained": ("GET", f"{path}/explanation", None),
            "resolved": ("POST", f"{path}/resolve", {"decision": "declined", "reason": "other"}),
        }
        lines = []
        for what, (method, target, body) in requests.items():
            began = time.perf_counter()
            send = partial(self._http.request, method, f"{self._stack.api}{target}", json=body, headers=headers)
            answer, tries = await send(), 1
            while answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and tries < MOST_TRIES:
                answer, tries = await send(), tries + 1
            took = time.perf_counter() - began
            said = answer.json().get("sentence") or answer.json().get("decision") or answer.json().get("type") or ""
            lines.append(f"  {what:<12} {answer.status_code} after {took:.2f} s, {tries} tries  {said}")
        return lines

    async def count_runs(self, reference: str) -> int:
        """Return how many runs the verification has had."""
        path = self._runtime.tracker.path(VerificationKey(account=ACCOUNT, reference=reference))
        query = f"WorkflowId = 'verification/{path}'"
        return (await self._runtime.client.count_workflows(query)).count

    def count_deadlocks(self) -> int:
        """Return how many workflow tasks took too long."""
        return self._stack.log("worker").read_text().count(DEADLOCK)


@asynccontextmanager
async def flooding() -> AsyncIterator[Flood]:
    """Start a stack, and stop its simulator."""
    with tempfile.TemporaryDirectory() as folder:
        accounts = [account for account in SIMULATED_ACCOUNTS if account.name == ACCOUNT]
        stack = Stack(Path(folder) / "stack", Ports.find_free(), accounts=accounts, time_scale=1, in_memory=True)
        async with (
            stack.run(),
            open_installation(stack.config) as runtime,
            httpx.AsyncClient(trust_env=False, timeout=timedelta(minutes=1).total_seconds()) as http,
        ):
            await stack.stop("simulator")
            yield Flood(stack, runtime, http)


async def measure(flood: Flood, reference: str, number: int, send: Callable[[str, int], Awaitable[str]]) -> None:
    """Send a flood, and print what it met and what it left."""
    results: Counter[str] = Counter()
    numbers = iter(range(1, number + 1))

    async def send_on() -> None:
        for each in numbers:
            results[await send(reference, each)] += 1

    began = time.perf_counter()
    results[await send(reference, next(numbers))] += 1  # it starts the verification
    await asyncio.gather(*(send_on() for _ in range(AT_ONCE)))
    took = time.perf_counter() - began
    print(f"{send.__name__}: {number} in {took:.0f} s, {number / took:.0f} a second: {dict(results)}")
    for line in await flood.use(reference):
        print(line)
    print(f"  {await flood.count_runs(reference)} runs, {flood.count_deadlocks()} tasks that took too long")


async def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    async with flooding() as flood:
        if "signals" not in sys.argv:
            await measure(flood, "700000001", number, flood.call_back)
        if "callbacks" not in sys.argv:
            await measure(flood, "700000002", number, flood.signal)


if __name__ == "__main__":
    asyncio.run(main())
    exit_now(0)
