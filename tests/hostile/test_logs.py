"""What the processes log: one JSON object a line, no reference, no data of an applicant, no error while all is well."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from vigil.checkout import find_checkout
from vigil.cli.context import open_installation
from vigil.config.settings import Settings
from vigil.demo.ports import LOOPBACK, Ports
from vigil.demo.simulator_accounts import authorization, read_key
from vigil.demo.stack import Stack
from vigil.simulator.registry import SIMULATED_ACCOUNTS

pytestmark = pytest.mark.alone

ACCOUNT: Final = "id360"
OURS: Final = ("api", "worker")
PLANTED: Final = "planted-Jane-Doe-4711"
"""Sent wherever a stranger can send something."""


@dataclass
class Logs:
    """The lines of our processes: those of the healthy part of the run, and all of them."""

    references: list[str] = field(default_factory=list)
    healthy: list[str] = field(default_factory=list)
    all: list[str] = field(default_factory=list)
    umasks: list[str] = field(default_factory=list)


class Campaign:
    """A stack on which verifications are decided, polled, withdrawn, and kept from the storage."""

    def __init__(self, stack: Stack, settings: Settings, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._http = http
        own: Any = settings.accounts[ACCOUNT].own
        self._header = {"Authorization": own.callback_headers["Authorization"][0].get_secret_value()}
        self._key = authorization(read_key(stack.config))
        self.references: list[str] = []

    async def begin(self, **scenario: Any) -> str:
        endpoint = {"url": f"{self._stack.api}/callbacks/{ACCOUNT}", "headers": self._header}
        answer = await self._http.post(
            f"{self._stack.simulator}/control/{ACCOUNT}/verifications", json={"endpoints": [endpoint], **scenario}
        )
        reference = str(answer.json()["reference"])
        self.references.append(reference)
        body = {"account": ACCOUNT, "reference": reference}
        await self._http.post(f"{self._stack.api}/verifications", json=body, headers=self._key)
        return reference

    async def command(self, reference: str, verb: str) -> None:
        url = f"{self._stack.api}/verifications/{ACCOUNT}/{reference}/{verb}"
        assert (await self._http.post(url, json={}, headers=self._key)).status_code == 200

    async def call_back(self, reference: str) -> int:
        body = {"id": int(reference), "status": "STARTED", "reason": PLANTED}
        url = f"{self._stack.api}/callbacks/{ACCOUNT}"
        return (await self._http.post(url, json=body, headers=self._header)).status_code

    async def until(self, reference: str, *stages: str) -> None:
        async with asyncio.timeout(90):
            while await self._stage(reference) not in stages:
                await asyncio.sleep(0.1)

    async def _stage(self, reference: str) -> str:
        url = f"{self._stack.api}/verifications/{ACCOUNT}/{reference}"
        answer = await self._http.get(url, headers=self._key)
        return str(answer.json()["state"]["stage"])

    async def run_healthily(self) -> None:
        """Decide some by their callbacks, at once and while they are polled, and withdraw one that is polled.

        A verification is polled 15 minutes after it began. The polls end when a callback brings the verdict.
        """
        decided = [await self.begin(think=think) for think in ("PT2M", *["PT25M"] * 3)]
        withdrawn = await self.begin(outcome="silent", callbacks=False)
        for reference in decided:
            await self.until(reference, "complete")
        await self.command(withdrawn, "poll")
        await self.command(withdrawn, "withdraw")
        await self.until(withdrawn, "complete")

    async def send_nonsense(self, port: int) -> None:
        """Say what a stranger may say: to HTTP, to routes and to callbacks."""
        for line in (f"GET /{PLANTED} HTTP/9.9\r\n\r\n", f"{PLANTED}\r\n\r\n", "GET / HTTP/1.1\r\na b: c\r\n\r\n"):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.write(line.encode())
            await writer.drain()
            writer.close()
        api = self._stack.api
        await self._http.get(f"{api}/verifications/{ACCOUNT}/{PLANTED}", headers=self._key)
        await self._http.post(f"{api}/verifications", json={PLANTED: PLANTED}, headers=self._key)
        await self._http.get(f"{api}/verifications", headers={"Authorization": f"Bearer {PLANTED}"})
        await self._http.post(f"{api}/callbacks/{PLANTED}", content=PLANTED)
        await self._http.post(f"{api}/callbacks/{ACCOUNT}", content=PLANTED, headers=self._header)

    async def run_without_storage(self, storage: Path) -> None:
        """Take the storage away while verdicts, callbacks, downloads and records need it."""
        with_files = [await self.begin() for _ in range(4)]
        polled = await self.begin(outcome="silent", callbacks=False)
        drafts, aside = storage / ".tmp", storage.parent / "aside"
        drafts.rename(aside)
        try:
            for _ in range(6):
                await asyncio.gather(*(self.call_back(reference) for reference in (*with_files, polled)))
                await self.command(polled, "poll")
                await asyncio.sleep(0.2)
            storage.rename(storage.parent / "gone")
            await asyncio.gather(*(self.call_back(reference) for reference in with_files))
            await asyncio.sleep(0.5)
        finally:
            (storage.parent / "gone").rename(storage)
            aside.rename(drafts)
        for reference in with_files:
            await self.until(reference, "complete")


@asynccontextmanager
async def campaign(stack: Stack) -> AsyncIterator[Campaign]:
    async with (
        stack.run(),
        open_installation(stack.config) as runtime,
        httpx.AsyncClient(trust_env=False, timeout=40) as http,
    ):
        yield Campaign(stack, runtime.settings, http)


def umask_of(pid: int | None) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(line.split()[1] for line in status.splitlines() if line.startswith("Umask:"))


async def collect(folder: Path) -> Logs:
    ports = Ports.find_free()
    accounts = [account for account in SIMULATED_ACCOUNTS if account.name == ACCOUNT]
    stack = Stack(folder, ports, accounts=accounts, time_scale=400, in_memory=True)

    def read_lines() -> list[str]:
        return [line for part in OURS for line in stack.log(part).read_text().splitlines()]

    logs = Logs()
    async with campaign(stack) as played:
        await played.run_healthily()
        logs.healthy = read_lines()
        logs.umasks = [umask_of(stack.programs[part].pid) for part in OURS]
        await played.send_nonsense(ports.api)
        await played.run_without_storage(folder / "storage")
        logs.references = played.references
    logs.all = read_lines()
    return logs


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    found = asyncio.run(collect(tmp_path_factory.mktemp("logs") / "stack"))
    if keep := os.environ.get("KEEP_LOGS"):
        Path(keep).write_text("\n".join(found.all))
    return found


def test_every_line_is_one_json_object(logs: Logs) -> None:
    assert len(logs.all) > 20
    assert [line for line in logs.all if not line.startswith("{") or not isinstance(json.loads(line), dict)] == []


def test_no_line_holds_a_reference_or_what_a_stranger_sent(logs: Logs) -> None:
    secrets = [*logs.references, PLANTED, "Jane", "verification/"]
    assert len(logs.references) == 10
    assert [line for line in logs.all if any(secret in line for secret in secrets)] == []


def test_a_healthy_run_logs_no_error(logs: Logs) -> None:
    assert [line for line in logs.healthy if json.loads(line)["level"] not in {"info", "warning"}] == []


def test_an_outage_of_the_storage_is_no_failure_of_an_activity(logs: Logs) -> None:
    assert [line for line in logs.all if "Completing activity as failed" in line] == []


def test_what_a_process_writes_is_for_nobody_else_on_the_machine(logs: Logs) -> None:
    assert logs.umasks == ["0077", "0077"]


@pytest.mark.parametrize("command", [["worker.py"], ["-m", "vigil.cli.main", "serve", "api"]])
def test_a_process_that_cannot_start_says_why_in_one_json_object(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "vigil.toml").write_text(f"colour = '{PLANTED}'")
    environment = os.environ | {"VIGIL_CONFIG": str(tmp_path / "vigil.toml")}
    ended = subprocess.run(
        [sys.executable, *command], env=environment, cwd=find_checkout(), capture_output=True, text=True, check=False
    )

    [line] = [json.loads(line) for line in ended.stderr.splitlines()]
    assert (ended.returncode, ended.stdout, line["level"]) == (2, "", "critical")
    assert "vigil.toml: " in line["reason"]
    assert PLANTED not in ended.stderr


EVERY_SOURCE: Final = """
import asyncio, gc, logging, sys, threading, warnings
from temporalio.client import Client
from vigil.observability import set_up_logging
from tests.sealed import connect
from vigil.temporal.connection import open_sdk_runtime

logging.getLogger("uvicorn").addHandler(logging.StreamHandler())
set_up_logging()
SECRET = "verification/id360/4711 of Jane Doe"

def fail():
    raise ValueError(SECRET)

class Unraisable:
    def __del__(self):
        fail()

async def leave_a_failure():
    asyncio.get_running_loop().create_task(asyncio.to_thread(fail), name=SECRET)
    await asyncio.sleep(0.1)
    gc.collect()
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)

logging.getLogger("uvicorn").warning("Invalid HTTP request received. %s", SECRET)
logging.getLogger("somebody").error("failed at %s", SECRET)
logging.getLogger("somebody").error("too many values", SECRET)
logging.getLogger("temporalio.activity").warning(f"Completing activity as failed ({SECRET})")
warnings.warn(SECRET)
Unraisable()
thread = threading.Thread(target=fail, name=SECRET)
thread.start()
thread.join()
asyncio.run(leave_a_failure())
fail()
"""


def test_every_source_of_a_process_writes_json_without_what_it_failed_at() -> None:
    ended = subprocess.run([sys.executable, "-c", EVERY_SOURCE], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "4711" not in ended.stderr
    assert "Jane" not in ended.stderr
    assert [(line["event"], line.get("error")) for line in lines] == [
        ("Invalid HTTP request received.", None),
        ("library.logged", None),
        ("Completing activity as failed", None),
        ("warning.raised", "UserWarning"),
        ("finalizer.failed", "ValueError"),
        ("thread.failed", "ValueError"),
        ("Task exception was never retrieved", "ValueError"),
        ("Exception in callback", "ValueError"),
        ("process.failed", "ValueError"),
    ]
