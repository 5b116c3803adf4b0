"""Vigil beside others that keep a workflow's state: DBOS with PostgreSQL, and Restate. `make bench-peers`.

All do "start, callback, read, record" against one provider, over HTTP, on this machine, in alternating rounds. The
table also says what the others do not do: Vigil's figures pay for it. It ends by itself, after twenty minutes
at most, and stops every process that it started.
"""

import argparse
import asyncio
import itertools
import os
import pwd
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import httpx

from benchmarks.installation import ACCOUNT, Installation, run_installation
from benchmarks.publishing import Result, Table, run
from vigil.checkout import find_checkout
from vigil.demo.ports import LOOPBACK, accepts_connections, find_free_ports
from vigil.demo.processes import Program

ENDS_WITHIN: Final = timedelta(minutes=20)
ROUNDS: Final = 3
WHOLE: Final = 100
AT_ONCE: Final = 32
IDLE: Final = 15
CALLBACKS: Final = 600
"""Callbacks that decide nothing, for each round."""
READY_WITHIN: Final = timedelta(seconds=180)
KEPT_FOR: Final = timedelta(seconds=2)
STOPS_WITHIN: Final = timedelta(seconds=10)
BY: Final[Mapping[str, str]] = {
    "vigil": "Vigil",
    "dbos": "DBOS with PostgreSQL",
    "restate": "Restate",
}
DOES: Final[Mapping[str, Sequence[str]]] = {
    "an acknowledged callback survives the end of the process": ("yes", "yes", "yes"),
    "the callback itself is stored, and can be looked at later": ("yes", "its word", "its word"),
    "the sender is proven before anything is stored": ("yes", "no", "no"),
    "a verification is found by polling if its callback is lost": ("yes", "no", "no"),
    "what is stored is sealed": ("yes", "no", "no"),
    "files are downloaded, backends are notified": ("yes, not measured here", "no", "no"),
    "the record can be read when the workflow's history is gone": ("yes", "no", "no"),
}
"""What each of the programs that are measured does, in the order of `BY`. They could be made to do more."""

_references = itertools.count(7_000_001)
_checkout = find_checkout()


class Wrong(Exception):
    """A contender did not do its work."""


class Contender(Protocol):
    """Something that tracks verifications."""

    async def start(self, reference: str) -> None:
        """Start a verification; it is durable on return."""
        ...

    async def call_back(self, reference: str, word: str) -> None:
        """Deliver a callback; it is durable on return."""
        ...

    async def result(self, reference: str) -> None:
        """Wait for the verdict."""
        ...


@dataclass(frozen=True)
class Vigil:
    """Ourselves. A callback that is not acknowledged is sent again, as its sender does, and counted."""

    http: httpx.AsyncClient
    secret: str
    refused: list[str] = field(default_factory=list)

    async def start(self, reference: str) -> None:
        """Register."""
        await self._insist("/verifications", {"account": ACCOUNT, "reference": reference})

    async def call_back(self, reference: str, word: str) -> None:
        """Deliver a callback; steps differ, since Vigil takes an equal body for a repetition."""
        step = {"name": "form", "status": "OK", "documents": [f"d{next(_references)}"]}
        body = {"id": int(reference), "status": word, "enrollment_step": step}
        await self._insist(f"/callbacks/{ACCOUNT}", body, {"Authorization": self.secret})

    async def _insist(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send until it is acknowledged, as backends and senders do: a busy installation says 503."""
        while True:
            # A kept connection may end just when a request is sent.
            with suppress(httpx.ReadError, httpx.RemoteProtocolError):
                answer = await self.http.post(path, json=body, headers=headers)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    _check(answer)
                    return
            self.refused.append(path)
            await asyncio.sleep(1)

    async def result(self, reference: str) -> None:
        """Wait for the outcome. One request waits for 30 seconds at most."""
        decision = None
        async with asyncio.timeout(READY_WITHIN.total_seconds() * 2):
            while decision is None:
                answer = _check(await self.http.get(f"/verifications/{ACCOUNT}/{reference}?wait=30&until=outcome"))
                decision = (answer.json()["state"] or {}).get("decision")
        if decision != "approved":
            raise Wrong(f"{reference} is {decision}")


@dataclass(frozen=True)
class Dbos:
    """The workflow of `benchmarks.peers.with_dbos`."""

    http: httpx.AsyncClient

    async def start(self, reference: str) -> None:
        """Start the workflow."""
        _check(await self.http.post(f"/start/{reference}"))

    async def call_back(self, reference: str, word: str) -> None:
        """Send the workflow a message."""
        _check(await self.http.post(f"/callback/{reference}/{word}"))

    async def result(self, reference: str) -> None:
        """Wait for the result."""
        _check(await self.http.get(f"/result/{reference}"))


@dataclass(frozen=True)
class Restate:
    """The workflow of `benchmarks.peers.with_restate`, through Restate's ingress."""

    http: httpx.AsyncClient

    async def start(self, reference: str) -> None:
        """Start the workflow."""
        _check(await self.http.post(f"/Verification/{reference}/run/send", json=reference))

    async def call_back(self, reference: str, word: str) -> None:
        """Call the workflow's handler."""
        _check(await self.http.post(f"/Verification/{reference}/called", json=word))

    async def result(self, reference: str) -> None:
        """Attach to the workflow."""
        _check(await self.http.get(f"/restate/workflow/Verification/{reference}/attach"))


def _check(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise Wrong(f"{answer.request.method} {answer.request.url} was answered {answer.status_code}")
    return answer


# ------------------------------------------------------------ what is measured


async def acknowledged(contender: Contender) -> float:
    """Return how many callbacks a second are acknowledged, for verifications that stay open."""
    references = [str(next(_references)) for _ in range(AT_ONCE)]
    await asyncio.gather(*map(contender.start, references))

    async def call_again(reference: str) -> None:
        for _ in range(CALLBACKS // AT_ONCE):
            await contender.call_back(reference, "STARTED")

    began = time.perf_counter()
    await asyncio.gather(*map(call_again, references))
    return CALLBACKS / (time.perf_counter() - began)


async def whole(contender: Contender) -> float:
    """Return how many whole verifications a second pass, so many at once."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with slots:
            await _verify(contender)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(WHOLE)))
    return WHOLE / (time.perf_counter() - began)


async def idle(contender: Contender) -> float:
    """Return the milliseconds from a callback to the verdict, the median of some, one after the other."""
    return statistics.median([await _verify(contender, settle=0.3) for _ in range(IDLE)])


async def _verify(contender: Contender, *, settle: float = 0) -> float:
    reference = str(next(_references))
    await contender.start(reference)
    waiting = asyncio.create_task(contender.result(reference))
    await asyncio.sleep(settle)
    began = time.perf_counter()
    await contender.call_back(reference, "OK")
    await waiting
    return (time.perf_counter() - began) * 1000


MEASURED: Final[Mapping[str, Callable[[Contender], Awaitable[float]]]] = {
    f"callbacks acknowledged a second, {AT_ONCE} at once": acknowledged,
    f"whole verifications a second, {AT_ONCE} at once": whole,
    "callback to verdict at idle, ms": idle,
}


# ------------------------------------------------------------ what runs


@asynccontextmanager
async def run_dbos(folder: Path, provider: str) -> AsyncIterator[Dbos]:
    """Run PostgreSQL and the DBOS program for as long as the context lasts."""
    port, database_port = find_free_ports(2)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_run_postgres(folder / "postgres", database_port))
        address = f"postgresql://postgres@{LOOPBACK}:{database_port}/postgres"
        command = _peer_command("with_dbos", str(port), provider, address)
        await _run(stack, Program(command, log=folder / "dbos.log", folder=_checkout), port)
        yield Dbos(await stack.enter_async_context(_client(f"http://{LOOPBACK}:{port}")))


@asynccontextmanager
async def _run_postgres(data: Path, port: int) -> AsyncIterator[None]:
    binaries, user = _prepare_postgres(data)
    initialise: list[str | Path] = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust"]
    process = await asyncio.create_subprocess_exec(*initialise, user=user, stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise SystemExit("initdb failed")
    server: list[str | Path] = [binaries / "postgres", "-D", data, "-p", str(port), "-k", data, "-h", LOOPBACK]
    process = await asyncio.create_subprocess_exec(
        *server, user=user, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _wait_for(port)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # it does not wait until its clients have gone
        try:
            await asyncio.wait_for(process.wait(), STOPS_WITHIN.total_seconds())
        except TimeoutError:
            process.send_signal(signal.SIGQUIT)
            await process.wait()


def _prepare_postgres(data: Path) -> tuple[Path, str]:
    """Make the folder. Return where PostgreSQL's programs are, and the user who runs them: never root."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        raise SystemExit("PostgreSQL is missing: install Debian's postgresql")
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    data.parent.chmod(0o711)
    data.mkdir(mode=0o700)
    shutil.chown(data, user)
    return binaries[-1], user


@asynccontextmanager
async def run_restate(folder: Path, provider: str) -> AsyncIterator[Restate]:
    """Run Restate's server and the program with the workflow for as long as the context lasts."""
    port, ingress, admin, node = find_free_ports(4)
    # The script that npm puts into .bin starts this one, which would outlive it.
    packages = _checkout / "benchmarks/peers/npm/node_modules/@restatedev"
    binary = next(packages.glob("restate-server-*/bin/restate-server"))
    environment = {
        "PATH": os.environ["PATH"],
        "RESTATE_INGRESS__BIND_ADDRESS": f"{LOOPBACK}:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"{LOOPBACK}:{admin}",
        "RESTATE_BIND_ADDRESS": f"{LOOPBACK}:{node}",
        "RESTATE_DISABLE_TELEMETRY": "true",
    }
    server = Program(
        [binary, "--base-dir", folder / "restate"], log=folder / "restate.log", environment=environment, folder=folder
    )
    async with AsyncExitStack() as stack:
        command = _peer_command("with_restate", str(port), provider)
        await _run(stack, Program(command, log=folder / "restate-program.log", folder=_checkout), port)
        await _run(stack, server, ingress)
        await _wait_for(admin)
        async with _client(f"http://{LOOPBACK}:{admin}") as http:
            _check(await http.post("/deployments", json={"uri": f"http://{LOOPBACK}:{port}"}))
        yield Restate(await stack.enter_async_context(_client(f"http://{LOOPBACK}:{ingress}")))


@asynccontextmanager
async def run_vigil() -> AsyncIterator[tuple[Installation, Vigil]]:
    """Run Vigil with its workers for as long as the context lasts."""
    async with run_installation() as installation:
        await installation.start_workers()
        async with _client(installation.api_url, {"Authorization": f"Bearer {installation.key}"}) as http:
            yield installation, Vigil(http, installation.secret)


def _client(url: str, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    # A server ends a connection that rests for some seconds, perhaps just when a request is sent.
    limits = httpx.Limits(
        max_connections=3 * AT_ONCE, max_keepalive_connections=3 * AT_ONCE, keepalive_expiry=KEPT_FOR.total_seconds()
    )
    return httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60, limits=limits)


def _peer_command(module: str, *arguments: str) -> list[str | Path]:
    return [_checkout / ".venv-peers/bin/python", _checkout / f"benchmarks/peers/{module}.py", *arguments]


async def _run(stack: AsyncExitStack, program: Program, port: int) -> None:
    stack.push_async_callback(program.stop)
    await program.start()
    await program.wait_until_ready(
        lambda: asyncio.to_thread(accepts_connections, f"{LOOPBACK}:{port}"), within=READY_WITHIN
    )


async def _wait_for(port: int) -> None:
    async with asyncio.timeout(READY_WITHIN.total_seconds()):
        while not await asyncio.to_thread(accepts_connections, f"{LOOPBACK}:{port}"):  # noqa: ASYNC110 -- not our process
            await asyncio.sleep(0.1)


async def compare(rounds: int) -> Result:
    """Measure all contenders in alternating rounds, and return the medians."""
    async with asyncio.timeout(ENDS_WITHIN.total_seconds()), AsyncExitStack() as stack:
        installation, vigil = await stack.enter_async_context(run_vigil())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-peers-")))
        contenders: dict[str, Contender] = {
            "vigil": vigil,
            "dbos": await stack.enter_async_context(run_dbos(folder, installation.provider)),
            "restate": await stack.enter_async_context(run_restate(folder, installation.provider)),
        }
        for contender in contenders.values():
            await _verify(contender)  # the first of everything is slower
        figures: dict[str, dict[str, list[float]]] = {what: {name: [] for name in contenders} for what in MEASURED}
        for _ in range(rounds):
            for what, measured in MEASURED.items():
                for name, contender in contenders.items():
                    figures[what][name].append(await measured(contender))
    return _result(figures, refused=len(vigil.refused))


def _result(figures: Mapping[str, Mapping[str, Sequence[float]]], *, refused: int) -> Result:
    medians = {
        what: {name: statistics.median(values) for name, values in each.items()} for what, each in figures.items()
    }
    rows = [(what, *(each[name] for name in BY)) for what, each in medians.items()]
    return Result(
        figures={"medians": medians, "asked again": refused},
        tables=[
            Table(("", *BY.values()), rows),
            Table(("What the measured program does", *BY.values()), [(what, *does) for what, does in DOES.items()]),
        ],
        notes=[f"Vigil was asked again {refused} times, since it had answered 503."] if refused else [],
    )


def main() -> None:
    """Measure by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="(%(default)s)")
    run(lambda given: compare(given.rounds), parser)


if __name__ == "__main__":
    main()
