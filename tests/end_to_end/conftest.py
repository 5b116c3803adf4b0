"""A running stack, and what a test needs to speak to it as a provider and as a backend do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from vigil.cli.context import open_installation
from vigil.demo.ports import Ports
from vigil.demo.simulator_accounts import authorization, read_key
from vigil.demo.stack import Stack
from vigil.providers.id360.settings import Id360Settings
from vigil.runtime import Runtime
from vigil.simulator.registry import SIMULATED_ACCOUNTS

ACCOUNT = "id360"


@dataclass
class Running:
    """A stack that runs."""

    stack: Stack
    runtime: Runtime
    http: httpx.AsyncClient

    @property
    def authorization(self) -> dict[str, str]:
        """The header that proves a callback of the played account."""
        own = self.runtime.settings.accounts[ACCOUNT].own
        assert isinstance(own, Id360Settings)
        return {"Authorization": own.callback_headers["Authorization"][0].get_secret_value()}

    async def call_back(self, body: dict[str, Any]) -> int | None:
        """Send a callback as the provider does; None: no answer."""
        try:
            answer = await self.http.post(
                f"{self.stack.api}/callbacks/{ACCOUNT}", json=body, headers=self.authorization, timeout=5
            )
        except httpx.HTTPError:
            return None
        return answer.status_code

    async def play(self, **scenario: Any) -> str:
        """Have the simulator create a verification; returns its reference."""
        endpoint = {"url": f"{self.stack.api}/callbacks/{ACCOUNT}", "headers": self.authorization}
        answer = await self.http.post(
            f"{self.stack.simulator}/control/{ACCOUNT}/verifications", json={"endpoints": [endpoint], **scenario}
        )
        answer.raise_for_status()
        return str(answer.json()["reference"])

    async def register(self, reference: str) -> None:
        """Register a verification as a backend does."""
        answer = await self.http.post(
            f"{self.stack.api}/verifications",
            json={"account": ACCOUNT, "reference": reference},
            headers=authorization(read_key(self.stack.config)),
        )
        assert answer.status_code in {200, 201}, answer.text

    async def known(self, reference: str, **query: Any) -> dict[str, Any]:
        """Return what the API says of a verification."""
        answer = await self.http.get(
            f"{self.stack.api}/verifications/{ACCOUNT}/{reference}",
            params=query,
            headers=authorization(read_key(self.stack.config)),
        )
        answer.raise_for_status()
        seen: dict[str, Any] = answer.json()
        return seen


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    stack = Stack(tmp_path / "stack", Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=240, in_memory=True)
    async with (
        stack.run(),
        open_installation(stack.config) as runtime,
        httpx.AsyncClient(trust_env=False, timeout=40) as http,
    ):
        yield Running(stack, runtime, http)
