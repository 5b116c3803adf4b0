"""Each process of the documented topology is killed once while callbacks arrive, and nothing is lost."""

import asyncio
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.end_to_end.test_acknowledged_is_durable import finished_step
from tests.end_to_end.topology import Topology
from vigil.cli.context import open_installation
from vigil.demo.simulator_accounts import authorization, read_key
from vigil.domain.verification_key import VerificationKey
from vigil.providers.id360.settings import Id360Settings
from vigil.runtime import Runtime
from vigil.simulator.serving import serving

VERIFICATIONS = 5
CALLBACKS_A_ROUND = 20


class Backend:
    """Receives notifications. `decided` are the references whose verdict it was notified of."""

    def __init__(self) -> None:
        self.decided: set[str] = set()
        self.app = Starlette(routes=[Route("/", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        notification = await request.json()
        if notification["data"]["decision"] == "approved":
            self.decided.add(notification["data"]["reference"])
        return Response()


@dataclass
class Traffic:
    """What providers, backends and a curious person do with the topology."""

    topology: Topology
    runtime: Runtime
    http: httpx.AsyncClient

    async def register(self, outcome: str) -> str:
        """Have the simulator create a verification, and register it; returns its reference."""
        made = await self.http.post(
            f"{self.topology.simulator}/control/id360/verifications", json={"outcome": outcome, "callbacks": False}
        )
        reference = str(made.json()["reference"])
        body = {"account": "id360", "reference": reference, "notify": ["backend"]}
        answer = await self.http.post(f"{self.topology.inside}/verifications", json=body, headers=self._key)
        assert answer.status_code == 201, answer.text
        return reference

    async def call_back(self, body: Mapping[str, Any], *, after: float) -> bool:
        """Send a callback from the internet; returns whether it was accepted."""
        own = self.runtime.settings.accounts["id360"].own
        assert isinstance(own, Id360Settings)
        proof = {"Authorization": own.callback_headers["Authorization"][0].get_secret_value()}
        await asyncio.sleep(after)
        try:
            answer = await self.http.post(f"{self.topology.outside}/callbacks/id360", json=body, headers=proof)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    async def steps_of(self, reference: str) -> set[str]:
        """Return the steps that the verification was told of."""
        key = VerificationKey(account="id360", reference=reference)
        record = await self.runtime.tracker.handle(key).query("record")
        return {check["name"] for check in record["callbacks"]["progress"]["checks"]} if record else set()

    async def files_of(self, reference: str) -> list[str]:
        """Return the states of the files, once the verification is complete."""
        path = f"{self.topology.inside}/verifications/id360/{reference}"
        while (await self.http.get(path, headers=self._key)).json()["state"]["stage"] != "complete":
            await asyncio.sleep(0.5)
        evidence = (await self.http.get(f"{path}/evidence", headers=self._key)).json()["evidence"]
        return [row["state"] for row in evidence]

    @property
    def _key(self) -> Mapping[str, str]:
        return authorization(read_key(self.topology.config))


async def kill_each_under_callbacks(traffic: Traffic, references: list[str]) -> dict[str, set[str]]:
    """Kill each process once while callbacks arrive; returns the steps that were accepted, by reference."""
    accepted: dict[str, set[str]] = {reference: set() for reference in references}
    numbers, chance = count(), random.Random(7)

    async def send(number: int) -> None:
        reference = references[number % len(references)]
        if await traffic.call_back(finished_step(reference, number), after=chance.random()):
            accepted[reference].add(f"step-{number}")

    for name in traffic.topology.killable:
        sending = [asyncio.create_task(send(next(numbers))) for _ in range(CALLBACKS_A_ROUND)]
        await asyncio.sleep(0.4)
        await traffic.topology.kill(name)
        await asyncio.gather(*sending)
        await traffic.topology.start(name)
    return accepted


@pytest.mark.alone
@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed; .ci/run installs it")
async def test_nothing_accepted_is_lost_when_each_process_is_killed_once(tmp_path: Path) -> None:
    backend = Backend()
    async with serving(backend.app) as url:
        topology = Topology(tmp_path, backend=url)
        async with topology.run(), open_installation(topology.config) as runtime, topology.http() as http:
            traffic = Traffic(topology, runtime, http)
            silent = [await traffic.register("silent") for _ in range(VERIFICATIONS)]
            ending = [await traffic.register("OK") for _ in range(VERIFICATIONS)]
            accepted = await kill_each_under_callbacks(traffic, silent)
            await topology.wait_until_whole()
            async with asyncio.timeout(240):
                while not all([accepted[reference] <= await traffic.steps_of(reference) for reference in silent]):
                    await asyncio.sleep(0.5)
                files = [await traffic.files_of(reference) for reference in ending]
                while len(backend.decided) < VERIFICATIONS:
                    await asyncio.sleep(0.5)

    assert topology.killable == (
        "api-1",
        "worker-verifications",
        "api-2",
        "temporal",
        "worker-providers",
        "store",
        "proxy",
        "worker-messages-notifications",
        "worker-artifacts",
    )
    assert sum(map(len, accepted.values())) > CALLBACKS_A_ROUND
    assert all(states and set(states) == {"stored"} for states in files)
    assert backend.decided == set(ending)
