"""A stack whose API and worker are each of this release or of the next one."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import pytest_asyncio

from tests.releases.next_release import ROOT, build_next_release
from vigil.cli.context import open_installation
from vigil.demo.ports import Ports
from vigil.demo.processes import Program
from vigil.demo.simulator_accounts import authorization, read_key
from vigil.demo.stack import Stack, python_program
from vigil.providers.id360.settings import Id360Settings
from vigil.runtime import Runtime
from vigil.simulator.registry import SIMULATED_ACCOUNTS

ACCOUNT = "id360"
WITHIN = 90
"""Seconds. Nothing that a test waits for takes so long, unless it never comes."""
BRISK = {"think": "PT1M", "step_every": "PT30S"}

Release = Literal["old", "new"]
Answer = tuple[int, Any]


@dataclass
class Installation:
    """A stack that runs, and the trees of both releases. It starts as one of the old release."""

    stack: Stack
    runtime: Runtime
    http: httpx.AsyncClient
    trees: Mapping[Release, Path]
    runs: dict[str, Release] = field(default_factory=lambda: {"api": "old", "worker": "old"})

    async def roll(self, **releases: Release) -> None:
        """Restart parts as another release: the worker first, as in a deploy."""
        for part in ("worker", "api"):
            release = releases.get(part)
            if release is not None and release != self.runs[part]:
                await self.stack.programs[part].stop()
                self.stack.programs[part] = self.program(part, release, self.stack.config)
                await self.stack.restart(part)
                self.runs[part] = release

    def program(self, part: str, release: Release, config: Path) -> Program:
        """Return the program of a part, in the tree of a release."""
        serve = ["-m", "vigil.cli.main", "serve", "api", "--host", "127.0.0.1", "--port", self.stack.api.split(":")[-1]]
        made = python_program(["worker.py"] if part == "worker" else serve, log=self.stack.log(part), config=config)
        made._folder = self.trees[release]
        made._environment = {**(made._environment or {}), "PYTHONPATH": str(self.trees[release])}
        return made

    @property
    def secret(self) -> str:
        """The secret that proves a callback."""
        own = self.runtime.settings.accounts[ACCOUNT].own
        assert isinstance(own, Id360Settings)
        return own.callback_headers["Authorization"][0].get_secret_value()

    async def play(self, **scenario: Any) -> str:
        """Have the simulator create a verification; returns its reference."""
        endpoint = {"url": f"{self.stack.api}/callbacks/{ACCOUNT}", "headers": {"Authorization": self.secret}}
        answer = await self.http.post(
            f"{self.stack.simulator}/control/{ACCOUNT}/verifications",
            json={"endpoints": [endpoint], **BRISK, **scenario},
        )
        answer.raise_for_status()
        return str(answer.json()["reference"])

    async def call_back(self, reference: str, number: int) -> int:
        """Send the callback of a finished step, and return the status of its answer."""
        body = {
            "id": int(reference),
            "status": "STARTED",
            "reason": None,
            "steps_status": {"done": number, "total": 9},
            "enrollment_step": {"status": "OK", "errors": [], "reason": "", "name": f"step-{number}", "documents": []},
        }
        url = f"{self.stack.api}/callbacks/{ACCOUNT}"
        return (await self.http.post(url, json=body, headers={"Authorization": self.secret})).status_code

    async def register(self, reference: str) -> str:
        """Register a verification as a backend does, and return what it met."""
        status, answer = await self.request("POST", "", json={"account": ACCOUNT, "reference": reference})
        assert status in {200, 201}, answer
        return str(answer["registered"])

    async def request(self, method: str, tail: str, **more: Any) -> Answer:
        """Ask the API as a backend does: 503 is repeated. A fault of ours fails the test, whatever it asks for."""
        key = {**authorization(read_key(self.stack.config)), "Idempotency-Key": "release-trial"}
        async with asyncio.timeout(WITHIN):
            while True:
                answer = await self.http.request(method, f"{self.stack.api}/verifications{tail}", headers=key, **more)
                assert answer.status_code != 500, (self.runs, method, tail, answer.text)
                if answer.status_code != 503:
                    return answer.status_code, answer.json()
                await asyncio.sleep(1)

    async def known(self, reference: str, **query: Any) -> Any:
        """Return what the API says of a verification."""
        status, answer = await self.request("GET", f"/{ACCOUNT}/{reference}", params=query)
        assert status == 200, answer
        return answer


@pytest.fixture(scope="package")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the next release."""
    tree = tmp_path_factory.mktemp("next") / "tree"
    build_next_release(tree)
    return tree


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(next_release: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """One stack for all trials. Each begins by saying which release each part has."""
    trees: dict[Release, Path] = {"old": ROOT, "new": next_release}
    folder = tmp_path_factory.mktemp("releases")
    stack = Stack(folder / "stack", Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=240, in_memory=True)
    async with (
        stack.run(),
        open_installation(stack.config) as runtime,
        httpx.AsyncClient(trust_env=False, timeout=40) as http,
    ):
        yield Installation(stack, runtime, http, trees)
