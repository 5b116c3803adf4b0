"""How long after its callback a one-time password is with the gateway: `make bench`.

Starts the whole stack on this machine, asks for codes one at a time, and compares with a bare workflow's round trip,
which is the least that anything through this Temporal server can take.
"""

import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from vigil.config.settings import load_settings
from vigil.demo.ports import Ports
from vigil.demo.stack import Stack
from vigil.process_exit import exit_now
from vigil.simulator.story import SimulatedAccount
from vigil.temporal.connection import connect

CODES: Final = 20
APART: Final = 0.5
"""Seconds, so that each meets an idle stack."""

COMPANY: Final = "a key of no company"
ACCOUNT: Final = SimulatedAccount(
    name="identomat",
    provider="identomat",
    settings={
        "base_url": "{simulator}/identomat/external-api",
        "company_key": COMPANY,
        "callback_api_key": "{secret}",
    },
    secret_at=("callback_api_key",),
    scenario={},
)


@workflow.defn(name="Bare", sandboxed=False)
class Bare:
    """Does nothing."""

    @workflow.run
    async def run(self) -> None:
        """Return at once."""


@dataclass(frozen=True)
class Figures:
    """What was measured, in milliseconds."""

    codes: Sequence[float]
    answers: Sequence[float]
    bare: Sequence[float]

    def lines(self) -> Sequence[str]:
        """Say it."""
        ratio = statistics.median(self.codes) / statistics.median(self.bare)
        return (
            f"{len(self.codes)} one-time passwords, one at a time, on an idle stack",
            _line("from callback to gateway", self.codes),
            _line("from callback to answer", self.answers),
            _line("bare workflow, start to result", self.bare),
            f"{'gateway to bare workflow':32} {ratio:6.1f} times",
        )


def _line(name: str, measured: Sequence[float]) -> str:
    return f"{name:32} {statistics.median(measured):6.0f} ms median, {max(measured):6.0f} ms worst"


async def measured() -> Figures:
    """Start the stack and measure it."""
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        stack = Stack(Path(folder), Ports.find_free(), accounts=[ACCOUNT], time_scale=1, in_memory=True)
        async with stack.run(), httpx.AsyncClient(trust_env=False, timeout=10) as http:
            client = await connect(stack.server.address, "default", seal=None)
            await _bare(client, 3)  # the first of everything is slower
            key = _callback_key(stack.config)
            await _code(stack, http, key)
            bare = await _bare(client, CODES)
            pairs = [await _code(stack, http, key) for _ in range(CODES)]
    return Figures(codes=[code for code, _ in pairs], answers=[answer for _, answer in pairs], bare=bare)


async def _code(stack: Stack, http: httpx.AsyncClient, key: str) -> tuple[float, float]:
    """Ask for one code; returns after how many milliseconds the gateway had it, and the callback its answer."""
    await asyncio.sleep(APART)
    # Messages go to verifications that exist, and only a few of them to one number.
    begun = await http.post(
        f"{stack.simulator}/identomat/external-api/begin/", json={"company_key": COMPANY, "config_id": "bench"}
    )
    text = f"{secrets.token_hex(8)} is your verification code"
    body = {
        "callbackApiKey": key,
        "type": "one-time-password-request",
        "sessionId": begun.raise_for_status().json(),
        "text": text,
        "phoneNumber": f"+1202555{secrets.randbelow(10**7):07}",
    }
    began_at, began = datetime.now(UTC), time.perf_counter()
    answer = await http.post(f"{stack.api}/callbacks/{ACCOUNT.name}", json=body)
    answered = (time.perf_counter() - began) * 1000
    if answer.status_code != httpx.codes.OK:
        raise SystemExit(f"the callback was answered {answer.status_code}: see {stack.log('api')}")
    handed_at = await _handed_at(stack, http, text)
    return (handed_at - began_at).total_seconds() * 1000, answered


async def _handed_at(stack: Stack, http: httpx.AsyncClient, text: str) -> datetime:
    async with asyncio.timeout(30):
        while True:
            seen: Any = (await http.get(f"{stack.simulator}/control/gateway")).json()
            for each in seen["requests"]:
                if each["body"].get("text") == text:
                    return datetime.fromisoformat(each["at"])
            await asyncio.sleep(0.05)


def _callback_key(config: Path) -> str:
    own: Any = load_settings(config).accounts[ACCOUNT.name].own
    return str(own.callback_api_key[0].get_secret_value())


async def _bare(client: Client, times: int) -> Sequence[float]:
    taken = []
    async with Worker(client, task_queue="bench", workflows=[Bare]):
        for _ in range(times):
            await asyncio.sleep(APART / 2)
            began = time.perf_counter()
            await client.execute_workflow("Bare", id=f"bench/{uuid4()}", task_queue="bench")
            taken.append((time.perf_counter() - began) * 1000)
    return taken


if __name__ == "__main__":
    print("\n".join(asyncio.run(measured()).lines()), flush=True)
    exit_now(0)
