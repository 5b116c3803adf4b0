"""The whole of Vigil on this machine: Temporal, the simulator, the API and a worker, each a process."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

import httpx

from vigil.demo.processes import Program, last_words
from vigil.demo.simulator_accounts import write_settings
from vigil.demo.temporal_server import LOOPBACK, NoTemporalServer, ServerAddress, run_temporal_server
from vigil.simulator.story import PlayedAccount
from vigil.temporal.messages import SEARCH_ATTRIBUTES

READY_WITHIN: Final = timedelta(seconds=90)
_LOOKED_EVERY: Final = timedelta(seconds=0.1)

Part: TypeAlias = Literal["temporal", "simulator", "api", "worker"]


class StackFailed(Exception):
    """A part of the stack did not start; the text names it, says why, and shows the end of its log."""


@dataclass(frozen=True)
class Ports:
    """Where the parts listen on this machine."""

    temporal: int
    ui: int
    api: int
    simulator: int
    mail: int

    @classmethod
    def free(cls) -> "Ports":
        """Return ports that nobody uses now."""
        probes = [socket.socket() for _ in fields(cls)]
        try:
            for probe in probes:
                probe.bind((LOOPBACK, 0))
            return cls(*(probe.getsockname()[1] for probe in probes))
        finally:
            for probe in probes:
                probe.close()

    def taken(self) -> Sequence[tuple[str, int]]:
        """Return the ports on which somebody listens already, with the parts that want them."""
        wanted = [(field.name, int(getattr(self, field.name))) for field in fields(self)]
        return [(name, port) for name, port in wanted if _is_listened_to(port)]


class Stack:
    """All four parts, from `start` to `stop`, or for as long as a block lasts.

    The settings, the data and the logs rest in `folder`; settings that are there already are kept.
    """

    def __init__(
        self, folder: Path, ports: Ports, *, accounts: Sequence[PlayedAccount], time_scale: float, forgets: bool = False
    ) -> None:
        """Take where to rest and to listen. `forgets`: Temporal keeps nothing beyond its end."""
        self.folder = folder.absolute()
        self.config = self.folder / "vigil.toml"
        self.api = f"http://{LOOPBACK}:{ports.api}"
        self.simulator = f"http://{LOOPBACK}:{ports.simulator}"
        self.temporal_address = f"{LOOPBACK}:{ports.temporal}"
        self._ports = ports
        self._accounts = accounts
        self._time_scale = time_scale
        self._forgets = forgets
        self._server: ServerAddress | None = None
        self._temporal = AsyncExitStack()
        self._reported: set[str] = set()
        serve = ["-m", "uvicorn", "--factory", "api.app:create_app", "--host", LOOPBACK, "--port", str(ports.api)]
        listen = ["--port", str(ports.simulator), "--mail-port", str(ports.mail)]
        play = ["-m", "vigil.simulator", *listen, "--time-scale", str(time_scale)]
        self.programs: dict[str, Program] = {
            name: Program(name, arguments, log=self.log(name), config=self.config)
            for name, arguments in (
                ("simulator", play),
                ("api", [*serve, "--no-access-log"]),
                ("worker", ["worker.py"]),
            )
        }

    async def __aenter__(self) -> Self:
        """Start everything; what was started is stopped again where a part fails."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        await self.stop()

    @property
    def account_names(self) -> Sequence[str]:
        """The accounts at the simulator."""
        return [account.name for account in self._accounts]

    @property
    def server(self) -> ServerAddress:
        """Temporal, once it was started."""
        if self._server is None:
            raise StackFailed("temporal is not started")
        return self._server

    def log(self, part: str) -> Path:
        """Return where a part writes its log."""
        return self.folder / "logs" / f"{part}.log"

    def last_words(self, part: str) -> str:
        """Return the end of a part's log."""
        return last_words(self.log(part))

    async def start(self) -> None:
        """Start all parts and return when each is ready. Raises `StackFailed`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._start_temporal()
        if not self.config.exists():
            write_settings(
                self.config,
                self._accounts,
                temporal=self.server.address,
                api=self.api,
                simulator=self.simulator,
                mail=f"{LOOPBACK}:{self._ports.mail}",
                time_scale=self._time_scale,
            )
        for program in self.programs.values():
            await program.start()
        waits = [asyncio.create_task(self._until_ready(name)) for name in self.programs]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()

    async def stop(self) -> None:
        """Stop all parts, Temporal last."""
        await asyncio.gather(*(program.stop() for program in self.programs.values()))
        await self._temporal.aclose()

    async def restart(self, part: Part) -> None:
        """Stop one part, start it again and return when it is ready. Raises `StackFailed`."""
        if part == "temporal":
            await self._temporal.aclose()
            await self._start_temporal()
            return
        await self.programs[part].stop()
        await self.programs[part].start()
        self._reported.discard(part)
        await self._until_ready(part)

    async def next_death(self) -> str:
        """Return when a part has ended that nobody stopped, with its name; each death is told once."""
        while True:
            ended = {name for name, program in self.programs.items() if program.code is not None}
            if not await _accepts(self.server.address):
                ended.add("temporal")
            for name in sorted(ended - self._reported):
                self._reported.add(name)
                return name
            await asyncio.sleep(0.5)

    async def _start_temporal(self) -> None:
        try:
            self._server = await self._temporal.enter_async_context(
                run_temporal_server(
                    port=self._ports.temporal,
                    ui_port=self._ports.ui,
                    database=None if self._forgets else self.folder / "temporal.db",
                    log=self.log("temporal"),
                    search_attributes=SEARCH_ATTRIBUTES,
                )
            )
        except NoTemporalServer as error:
            raise StackFailed(f"{error}\n{last_words(self.log('temporal'))}") from None

    async def _until_ready(self, name: str) -> None:
        program = self.programs[name]
        try:
            async with asyncio.timeout(READY_WITHIN.total_seconds()), httpx.AsyncClient(trust_env=False) as http:
                while not await self._is_ready(http, name):
                    if program.code is not None:
                        raise StackFailed(f"{name} ended with code {program.code}:\n{program.last_words()}")
                    await asyncio.sleep(_LOOKED_EVERY.total_seconds())
        except TimeoutError:
            within = READY_WITHIN.seconds
            raise StackFailed(f"{name} was not ready within {within} s:\n{program.last_words()}") from None

    async def _is_ready(self, http: httpx.AsyncClient, name: str) -> bool:
        # A worker has no face of its own: it logs that it serves, and the API says whether one does for each account.
        if name == "worker" and not self.programs[name].has_said("worker.started"):
            return False
        addresses = {
            "simulator": f"{self.simulator}/control/health",
            "api": f"{self.api}/health/live",
            "worker": f"{self.api}/health/ready",
        }
        try:
            return (await http.get(addresses[name], timeout=5)).is_success
        except httpx.HTTPError:
            return False


def _is_listened_to(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


async def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 2)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
