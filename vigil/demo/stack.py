"""All of Vigil on one machine: Temporal, the simulator, the API, a worker and a codec server, a process each."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias

import httpx

from vigil.checkout import find_checkout
from vigil.demo.ports import LOOPBACK, Ports, accepts_connections
from vigil.demo.processes import Program, ProgramFailed
from vigil.demo.simulator_accounts import authorization, codec_endpoint, read_key, write_settings
from vigil.demo.temporal_server import NoTemporalServer, TemporalServer, run_temporal_server
from vigil.errors import VigilError
from vigil.simulator.story import SimulatedAccount
from vigil.temporal.messages import SEARCH_ATTRIBUTES

READY_WITHIN: Final = timedelta(seconds=90)
_WATCH_INTERVAL: Final = timedelta(seconds=0.5)

Part: TypeAlias = Literal["temporal", "simulator", "api", "worker", "codec"]


class StackFailed(VigilError):
    """A part of the stack did not start; the text names the part and the reason, and holds the end of its log."""


class Stack:
    """The parts. Settings, data and logs are in `folder`; settings that exist there are used as they are."""

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        *,
        accounts: Sequence[SimulatedAccount],
        time_scale: float,
        in_memory: bool = False,
        shows_payloads: bool = False,
    ) -> None:
        """Take where to keep files and where to listen.

        `in_memory`: Temporal writes nothing to `folder`. `shows_payloads`: a codec server runs for Temporal's UI.
        """
        self.folder = folder.absolute()
        self.config = self.folder / "vigil.toml"
        self.accounts = accounts
        self.api = ports.api_url
        self.simulator = ports.simulator_url
        self._ports = ports
        self._time_scale = time_scale
        self._in_memory = in_memory
        self._server: TemporalServer | None = None
        self._temporal = AsyncExitStack()
        self._reported: set[str] = set()
        serve = ["-m", "vigil.cli.main", "serve", "api", "--host", LOOPBACK, "--port", str(ports.api)]
        simulate = ["-m", "vigil.simulator", "--port", str(ports.simulator), "--mail-port", str(ports.mail)]
        if not in_memory:
            simulate += ["--keep-in", str(self.folder / "simulator.state")]
        commands = {
            "simulator": [*simulate, "--time-scale", str(time_scale)],
            "api": serve,
            "worker": ["worker.py"],
        }
        self._shows_payloads = shows_payloads
        if shows_payloads:
            commands["codec"] = ["-m", "vigil.cli.main", "serve", "codec"]
        self.programs: dict[str, Program] = {
            name: python_program(arguments, log=self.log(name), config=self.config)
            for name, arguments in commands.items()
        }

    @asynccontextmanager
    async def run(self, while_starting: AbstractContextManager[object] | None = None) -> AsyncIterator[Self]:
        """Start all parts, and stop those that were started at the end. Raises `StackFailed`."""
        try:
            with while_starting or nullcontext():
                await self._start()
            yield self
        finally:
            await asyncio.gather(*(program.stop() for program in self.programs.values()))
            await self._temporal.aclose()

    @property
    def server(self) -> TemporalServer:
        """Temporal. Raises `StackFailed` before it is started."""
        if self._server is None:
            raise StackFailed("temporal is not started")
        return self._server

    def log(self, part: str) -> Path:
        """Return the file to which a part writes its log."""
        return self.folder / "logs" / f"{part}.log"

    async def stop(self, part: Part) -> None:
        """Stop one part."""
        await (self._temporal.aclose() if part == "temporal" else self.programs[part].stop())

    async def restart(self, part: Part) -> None:
        """Stop one part, start it again and return when it is ready. Raises `StackFailed`."""
        await self.stop(part)
        if part == "temporal":
            await self._start_temporal()
            return
        await self.programs[part].start()
        self._reported.discard(part)
        await self._wait_until_ready(part)

    async def wait_for_ended_part(self) -> str:
        """Return the name of a part that ended although nobody stopped it; each end is reported once."""
        while True:
            ended = {name for name, program in self.programs.items() if program.exit_code is not None}
            if not await asyncio.to_thread(accepts_connections, self.server.address):
                ended.add("temporal")
            for name in sorted(ended - self._reported):
                self._reported.add(name)
                return name
            await asyncio.sleep(_WATCH_INTERVAL.total_seconds())

    async def _start(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._start_temporal()
        if not self.config.exists():
            write_settings(
                self.config, self.accounts, self._ports, temporal=self.server.address, time_scale=self._time_scale
            )
        for program in self.programs.values():
            await program.start()
        waits = [asyncio.create_task(self._wait_until_ready(name)) for name in self.programs]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()

    async def _start_temporal(self) -> None:
        server = run_temporal_server(
            port=self._ports.temporal,
            ui_port=self._ports.ui,
            database=None if self._in_memory else self.folder / "temporal.db",
            log=self.log("temporal"),
            search_attributes=SEARCH_ATTRIBUTES,
            codec=codec_endpoint(self.config, self._ports) if self._shows_payloads else None,
        )
        try:
            self._server = await self._temporal.enter_async_context(server)
        except NoTemporalServer as error:
            raise StackFailed(str(error)) from None

    async def _wait_until_ready(self, name: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            try:
                await self.programs[name].wait_until_ready(lambda: self._is_ready(name, http), within=READY_WITHIN)
            except ProgramFailed as failure:
                raise StackFailed(f"{name} {failure}") from None

    async def _is_ready(self, name: str, http: httpx.AsyncClient) -> bool:
        # A worker has no HTTP interface. It logs that it serves, and the API says whether every account has a worker.
        if name == "worker" and not self.programs[name].has_logged("worker.started"):
            return False
        key = read_key(self.config)
        addresses = {
            "simulator": f"{self.simulator}/control/health",
            "api": f"{self.api}/health/live",
            "worker": f"{self.api}/health/installation",
            "codec": f"http://{LOOPBACK}:{self._ports.codec}/health/live",
        }
        try:
            return (await http.get(addresses[name], headers=authorization(key))).is_success
        except httpx.HTTPError:
            return False


def python_program(arguments: Sequence[str], *, log: Path, config: Path) -> Program:
    """Return a program of this checkout, such as `worker.py`, that reads the settings in `config`."""
    # What is set for another installation must not reach this one.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment = {**inherited, "VIGIL_CONFIG": str(config), "PYTHONUNBUFFERED": "1"}
    return Program([sys.executable, *arguments], log=log, environment=environment, folder=find_checkout())
