"""The processes of a campaign: Temporal on a file, the simulator, the receivers, APIs and workers."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
from temporalio.client import Client
from temporalio.service import RPCError

from faults import bucket
from faults.places import Places, Storage
from faults.storage_faults import SWITCH
from vigil.checkout import find_checkout
from vigil.demo.ports import LOOPBACK, accepts_connections
from vigil.demo.processes import Program, ProgramFailed
from vigil.demo.simulator_accounts import RECEIVER_PATH, write_settings
from vigil.demo.temporal_server import find_binary
from vigil.simulator.registry import SIMULATED_ACCOUNTS
from vigil.temporal.messages import SEARCH_ATTRIBUTES

WORKERS: Final = ("worker-1", "worker-2")
SKEWED: Final = "worker-2"
"""The process whose clock differs."""
READY_WITHIN: Final = timedelta(seconds=300)
_MEMORY_EVERY: Final = 2.0
_MORE_SETTINGS: Final = """
[messages.limits]
per_account_and_minute = 1000
"""


class NoTemporal(Exception):
    """No Temporal server is installed."""


@dataclass
class Fleet:
    """All processes. Each can be killed, stopped, continued and started again by its name."""

    places: Places
    programs: Mapping[str, Program]
    memory: dict[str, int] = field(default_factory=dict)
    """By process, the most resident memory that was seen, in bytes."""

    async def kill(self, name: str) -> None:
        """Kill a process at once."""
        await self.programs[name].kill()

    async def terminate(self, name: str) -> None:
        """Ask a process to end, and wait for its end."""
        await self.programs[name].stop()

    def pause(self, name: str) -> None:
        """Stop a process; it keeps its connections and does nothing."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Continue a process that was stopped."""
        self._signal(name, signal.SIGCONT)

    async def start(self, name: str) -> float:
        """Start a process. Return after how many seconds it was ready. Raises `ProgramFailed`."""
        began = time.monotonic()
        program = self.programs[name]
        while True:
            await program.start()
            try:
                await program.wait_until_ready(lambda: self._is_ready(name), within=READY_WITHIN)
            except ProgramFailed as failure:
                # A worker ends if Temporal is away when it starts. A supervisor would start it again, and so do we.
                if program.exit_code is None or time.monotonic() - began > READY_WITHIN.total_seconds():
                    raise ProgramFailed(f"{name} {failure}") from None
                await asyncio.sleep(1)
                continue
            return time.monotonic() - began

    async def measure_memory(self) -> None:
        """Note the memory of all processes until canceled."""
        while True:
            for name, program in self.programs.items():
                if program.pid is not None:
                    self.memory[name] = max(self.memory.get(name, 0), _resident(program.pid))
            await asyncio.sleep(_MEMORY_EVERY)

    def ended(self) -> list[str]:
        """Return the processes that do not run."""
        return [name for name, program in self.programs.items() if program.pid is None]

    def _signal(self, name: str, given: signal.Signals) -> None:
        pid = self.programs[name].pid
        if pid is not None:
            os.kill(pid, given)

    async def _is_ready(self, name: str) -> bool:
        if name == "temporal":
            return await _answers(self.places.temporal)
        if name == "bucket":
            return await _makes_bucket(self.places.bucket)
        if name.startswith("worker"):
            return self.programs[name].has_logged("worker.started")
        if name == "simulator":
            url = f"{self.places.ports.simulator_url}/control/health"
        elif name == "receivers":
            url = f"{self.places.receivers_url}/health"
        else:
            url = f"http://{LOOPBACK}:{self.places.apis[name]}/health/live"
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
                return (await http.get(url)).is_success
        except httpx.HTTPError:
            return False


@asynccontextmanager
async def running(
    places: Places, *, time_scale: float, sabotage: str | None, clock: str | None
) -> AsyncIterator[Fleet]:
    """Run all processes for as long as the context lasts, and leave none behind. Raises `ProgramFailed`.

    The clock of one worker differs by `clock`, such as `+10m`.
    """
    fleet = Fleet(places, _programs(places, time_scale=time_scale, sabotage=sabotage, clock=clock))
    _write_settings(places, time_scale=time_scale)
    measuring = asyncio.create_task(fleet.measure_memory())
    try:
        first = [name for name in ("temporal", "bucket") if name in fleet.programs]
        await asyncio.gather(*map(fleet.start, first))
        await asyncio.gather(*(fleet.start(name) for name in fleet.programs if name not in first))
        yield fleet
    finally:
        measuring.cancel()
        for name in fleet.programs:
            fleet.resume(name)
        others = [program for name, program in fleet.programs.items() if name != "temporal"]
        await asyncio.gather(*(program.stop(within=timedelta(seconds=3)) for program in others))
        await fleet.programs["temporal"].stop(within=timedelta(seconds=3))


def clock_library() -> Path | None:
    """Return Debian's library that shows a process another time; None: the package `faketime` is not installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


def _skewed(clock: str | None) -> Mapping[str, str]:
    """Return the environment of a process whose clock differs. The time that it measures stays right."""
    library = clock_library()
    if clock is None or library is None:
        return {}
    return {"LD_PRELOAD": str(library), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def _programs(places: Places, *, time_scale: float, sabotage: str | None, clock: str | None) -> Mapping[str, Program]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "TEMPORAL_"))}
    environment = {
        **inherited,
        "VIGIL_CONFIG": str(places.config),
        "PYTHONUNBUFFERED": "1",
        SWITCH: str(places.switch),
        **(bucket.environment(places.bucket) if places.kind is Storage.BUCKET else {}),
    }
    start = ["-m", "faults.start"]
    more = ["--sabotage", sabotage] if sabotage else []
    has_bucket = places.kind is Storage.BUCKET
    simulator = ["simulator", "--port", str(places.ports.simulator), "--time-scale", str(time_scale)]
    commands: dict[str, Sequence[str | Path]] = {
        "temporal": _temporal(places),
        "simulator": [sys.executable, *start, *simulator, "--folder", str(places.folder)],
        "receivers": [
            *(sys.executable, "-m", "faults.receivers", "--port", str(places.receivers)),
            *("--mail-port", str(places.ports.mail), "--folder", str(places.folder)),
        ],
        **({"bucket": [sys.executable, "-m", "faults.bucket", str(places.bucket)]} if has_bucket else {}),
        **{name: [sys.executable, *start, "api", "--port", str(port), *more] for name, port in places.apis.items()},
        **{name: [sys.executable, *start, "worker", *more] for name in WORKERS},
    }
    return {
        name: Program(
            command,
            log=places.folder / "logs" / f"{name}.log",
            environment={**environment, **(_skewed(clock) if name == SKEWED else {})},
            folder=find_checkout(),
        )
        for name, command in commands.items()
    }


def _temporal(places: Places) -> Sequence[str | Path]:
    binary = find_binary()
    if binary is None:
        raise NoTemporal("install Temporal's command line: the campaign starts its own server")
    return [
        *(binary, "server", "start-dev", f"--ip={LOOPBACK}", f"--port={places.ports.temporal}", "--headless"),
        *("--log-level=error", f"--db-filename={places.folder / 'temporal.db'}", "--sqlite-pragma=journal_mode=wal"),
        *(f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()),
        *(f"--dynamic-config-value=matching.numTaskqueue{side}Partitions=1" for side in ("Read", "Write")),
    ]


def _write_settings(places: Places, *, time_scale: float) -> None:
    """Write the settings of a demonstration, with our proxy and our receivers in the place of the simulator's."""
    write_settings(places.config, SIMULATED_ACCOUNTS, places.ports, temporal=places.temporal, time_scale=time_scale)
    text, simulator = places.config.read_text(encoding="utf-8"), places.ports.simulator_url
    instead = {
        f"{simulator}/gateway/messages": f"{places.receivers_url}/gateway",
        f"{simulator}{RECEIVER_PATH}": f"{places.receivers_url}/hook",
        f'public_url = "{places.ports.api_url}"': f'public_url = "http://{LOOPBACK}:{places.proxy}"',
    }
    if places.kind is Storage.BUCKET:
        instead[f'"{places.storage.as_uri()}"'] = f'"s3://{bucket.BUCKET}/vigil"'
    for old, new in instead.items():
        text = text.replace(old, new)
    places.config.write_text(text + _MORE_SETTINGS, encoding="utf-8")


async def _makes_bucket(port: int) -> bool:
    """Make the bucket; it may exist. Return whether the store answers."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            return (await http.put(f"http://{LOOPBACK}:{port}/{bucket.BUCKET}")).is_success
    except httpx.HTTPError:
        return False


async def _answers(address: str) -> bool:
    if not await asyncio.to_thread(accepts_connections, address):
        return False
    try:
        client = await Client.connect(address)
        await client.count_workflows(rpc_timeout=timedelta(seconds=2))
    except (RPCError, RuntimeError):
        return False
    return True


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(status[1]) * os.sysconf("SC_PAGE_SIZE")
