"""All of Vigil before a simulated Smile ID, sixty times as fast, and what an attacker with a signature can send."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

import worker
from api.app import build_app, build_dependencies
from tests.conformance.rig import configured
from tests.sealed import write_keys
from vigil.config.settings import SealSettings, Settings, StorageSettings, TemporalSettings
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.verification_key import VerificationKey
from vigil.outbound_http import certificates
from vigil.providers.smile_id.provider import NAME
from vigil.runtime import Runtime, open_runtime
from vigil.simulator.app import create_app
from vigil.simulator.serving import serving
from vigil.simulator.smile_id.signing import signature, written

SCALE: Final = 60
PARTNER: Final = "4107"
KEY: Final = "the-key-that-the-attacker-never-has"
POLICIES: Final = {
    "smile-v1": {},
    "smile-v3": {"attention/medium_risk": "approved"},
    "smile-v3-honest": {"attention/document_expired": "approved"},
}
"""By account. The simulated reason of `attention` is `document_expired`."""


@dataclass
class SmileIdStack:
    """The stack. `signed` makes the headers of a callback that Smile ID sent to somebody, at some time."""

    api: str
    simulator: str
    runtime: Runtime
    http: httpx.AsyncClient

    async def play(self, account: str, **scenario: Any) -> str:
        """Have Smile ID begin a job that calls back; returns its id."""
        generation = "v1" if account == "smile-v1" else "v3"
        order = {
            "generation": generation,
            "partner_id": PARTNER,
            "api_key": KEY,
            "endpoints": [{"url": f"{self.api}/callbacks/{account}"}],
            "think": "PT30S",
            "step_every": "PT30S",
            **scenario,
        }
        answer = await self.http.post(f"{self.simulator}/control/{NAME}/verifications", json=order)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["reference"])

    async def view(self, reference: str) -> dict[str, Any]:
        """Return what a tester sees of a job at the simulator."""
        answer = await self.http.get(f"{self.simulator}/control/{NAME}/verifications/{reference}")
        seen: dict[str, Any] = answer.json()
        return seen

    async def register(self, account: str, reference: str, **coordinates: str) -> None:
        """Register a job as a backend does."""
        await self.runtime.tracker.register(
            Registration(
                key=VerificationKey(account=account, reference=reference),
                sender="v1" if account == "smile-v1" else "v3",
                coordinates=coordinates,
                registered_at=datetime.now(UTC),
                registered_by="checkout",
            )
        )

    async def forge(self, account: str, reference: str, body: Mapping[str, Any], signed: Mapping[str, str]) -> int:
        """Send a callback of the third generation with somebody's signature; returns the answer."""
        headers = {"Job-ID": reference, **signed}
        answer = await self.http.post(f"{self.api}/callbacks/{account}", content=json.dumps(body), headers=headers)
        return answer.status_code

    async def until(self, account: str, reference: str, holds: Callable[[Record], bool]) -> Record:
        """Wait until the record is as a test wants it."""
        handle = self.runtime.tracker.handle(VerificationKey(account=account, reference=reference))
        async with asyncio.timeout(60):
            while True:
                record: Record | None = await handle.query("record", result_type=Record)
                if record is not None and holds(record):
                    return record
                await asyncio.sleep(0.05)

    async def files(self, account: str, reference: str) -> list[str]:
        """Return the names of the stored files of a job."""
        return await self.runtime.storage.list(f"verifications/{account}/{reference}/artifacts")


def signed(at: datetime | None = None) -> dict[str, str]:
    """Return the headers of a signature that Smile ID made for some callback."""
    timestamp = written(at or datetime.now(UTC))
    return {"Response-Timestamp": timestamp, "Response-Signature": signature(timestamp, PARTNER, KEY)}


@asynccontextmanager
async def smile_id_stack(temporal: str, folder: Path) -> AsyncIterator[SmileIdStack]:
    """Run API, worker and simulator for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(serving(create_app(time_scale=SCALE)))
        accounts = {
            name: configured(
                NAME,
                {
                    "base_url": f"{simulator}/smile_id",
                    "generations": ["v1" if name == "smile-v1" else "v3"],
                    "partner_id": PARTNER,
                    "api_key": KEY,
                    "policy": policy,
                },
            )
            for name, policy in POLICIES.items()
        }
        settings = Settings(
            digest_key=(SecretStr("a digest key for attacks that is long enough"),),
            seal=SealSettings(folder=write_keys(folder / "keys")),
            temporal=TemporalSettings(address=temporal, namespace="default"),
            storage=StorageSettings(url=(folder / "storage").as_uri()),
            accounts=accounts,
            time_scale=SCALE,
        )
        await stack.enter_async_context(worker.serving(settings))
        runtime = await stack.enter_async_context(open_runtime(settings))
        api = await stack.enter_async_context(serving(build_app(build_dependencies(runtime))))
        http = await stack.enter_async_context(
            httpx.AsyncClient(verify=certificates(), trust_env=False, timeout=timedelta(seconds=20).seconds)
        )
        yield SmileIdStack(api, simulator, runtime, http)
