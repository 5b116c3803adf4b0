"""An installation to measure: Temporal, the API, a worker and a provider that answers at once, each a process."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from temporalio.client import Client

from vigil.config.settings import load_settings
from vigil.demo.ports import LOOPBACK, Ports, accepts_connections
from vigil.demo.processes import Program
from vigil.demo.simulator_accounts import KEY_FILE, write_settings
from vigil.demo.stack import python_program
from vigil.demo.temporal_server import run_temporal_server
from vigil.simulator.story import SimulatedAccount
from vigil.temporal.messages import SEARCH_ATTRIBUTES

ACCOUNT: Final = "id360"
READY_WITHIN: Final = timedelta(seconds=180)
REFERENCES: Final = itertools.count(5_000_001)
"""Of verifications that their provider has approved."""


@dataclass(frozen=True)
class Installation:
    """What runs, and how to reach it. `bare` serves the workflows of `benchmarks.bare` on the same Temporal server."""

    folder: Path
    config: Path
    temporal: str
    api_port: int
    provider: str
    secret: str
    key: str
    client: Client
    """Without keys, as the bare side has none."""
    api: Program
    worker: Program
    bare: Program

    @property
    def api_url(self) -> str:
        """The address of the API."""
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def temporal_pid(self) -> int:
        """The process of Temporal's server."""
        wanted = f"--port={self.temporal.rpartition(':')[2]}".encode()
        found = (each for each in Path("/proc").glob("[0-9]*/cmdline") if wanted in each.read_bytes().split(b"\0"))
        return int(next(found).parent.name)

    def backend(self) -> httpx.AsyncClient:
        """Return a client of the API with the key of a backend."""
        headers, limits = {"Authorization": f"Bearer {self.key}"}, httpx.Limits(max_connections=64, keepalive_expiry=2)
        return httpx.AsyncClient(base_url=self.api_url, trust_env=False, headers=headers, timeout=120, limits=limits)

    async def start_workers(self) -> None:
        """Start the worker of Vigil, and return when it is ready."""
        await _start(self.worker, _logged(self.worker, "worker.started"))

    async def start_bare_worker(self) -> None:
        """Start the worker of `benchmarks.bare`, and return when it is ready."""
        await _start(self.bare, _logged(self.bare, "ready"))

    async def register(self, references: Iterable[str], *, at_once: int = 16) -> None:
        """Register verifications over HTTP."""
        slots = asyncio.Semaphore(at_once)

        async def register_one(http: httpx.AsyncClient, reference: str) -> None:
            async with slots:
                answer = await http.post("/verifications", json={"account": ACCOUNT, "reference": reference})
                answer.raise_for_status()

        async with self.backend() as http:
            await asyncio.gather(*(register_one(http, reference) for reference in references))


@asynccontextmanager
async def run_installation(
    *, time_scale: float = 1, changes: Mapping[str, str] | None = None
) -> AsyncIterator[Installation]:
    """Run everything but the workers for as long as the context lasts, in a folder that is removed.

    `changes` are texts of the settings, and what stands in their place.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-bench-")))
        ports, provider_port = Ports.find_free(), Ports.find_free().api
        temporal = await stack.enter_async_context(
            run_temporal_server(log=folder / "temporal.log", search_attributes=SEARCH_ATTRIBUTES)
        )
        provider = f"http://{LOOPBACK}:{provider_port}"
        account = SimulatedAccount(
            name=ACCOUNT,
            provider="id360",
            settings={
                "base_url": provider,
                "username": "bench",
                "password": "{password}",
                "callback_headers": {"Authorization": "{secret}"},
                "reads_per_second": 1000,
            },
            secret_at=("callback_headers", "Authorization"),
            scenario={},
        )
        config = folder / "vigil.toml"
        write_settings(config, [account], ports, temporal=temporal.address, time_scale=time_scale)
        _change(config, changes or {})
        programs = {
            "provider": ["-m", "benchmarks.fast_provider", str(provider_port)],
            "api": ["-m", "vigil.cli.main", "serve", "api", f"--port={ports.api}"],
            "worker": ["worker.py"],
            "bare": ["-m", "benchmarks.bare", temporal.address, provider],
        }
        program = {
            name: python_program(command, log=folder / f"{name}.log", config=config)
            for name, command in programs.items()
        }
        for each in program.values():
            stack.push_async_callback(each.stop)
        for name, port in (("provider", provider_port), ("api", ports.api)):
            await _start(program[name], _accepts(port))
        own: Any = load_settings(config).accounts[ACCOUNT].own
        yield Installation(
            folder=folder,
            config=config,
            temporal=temporal.address,
            api_port=ports.api,
            provider=provider,
            secret=own.callback_headers["Authorization"][0].get_secret_value(),
            key=(folder / KEY_FILE).read_text().strip(),
            client=await Client.connect(temporal.address),
            api=program["api"],
            worker=program["worker"],
            bare=program["bare"],
        )


def _change(config: Path, changes: Mapping[str, str]) -> None:
    text = config.read_text(encoding="utf-8")
    for old, new in changes.items():
        if old not in text:
            raise LookupError(f"the settings have no {old}")
        text = text.replace(old, new)
    config.write_text(text, encoding="utf-8")


def processor_time(process: int) -> float:
    """Return the seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_memory(process: int | None) -> float:
    """Return the resident memory of a process in megabytes. Raises OSError if it has ended."""
    pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _start(program: Program, is_ready: Callable[[], Awaitable[bool]]) -> None:
    await program.start()
    await program.wait_until_ready(is_ready, within=READY_WITHIN)


def _accepts(port: int) -> Callable[[], Awaitable[bool]]:
    return lambda: asyncio.to_thread(accepts_connections, f"{LOOPBACK}:{port}")


def _logged(program: Program, text: str) -> Callable[[], Awaitable[bool]]:
    return lambda: asyncio.to_thread(program.has_logged, text)
