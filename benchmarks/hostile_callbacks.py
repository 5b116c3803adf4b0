"""How genuine callbacks fare beside strangers, and what the limits cost without any: part of `make bench`.

Starts Temporal and the API on this machine, without a worker. Genuine callbacks of registered verifications come at a
steady pace while strangers, in a process of their own, send the worst bodies of each kind or hold connections
half-open. Then the rate of `vigil serve api` is compared with that of plain uvicorn.
"""

import asyncio
import contextlib
import itertools
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from vigil.config.settings import load_settings
from vigil.demo.ports import LOOPBACK, Ports
from vigil.demo.processes import Program
from vigil.demo.simulator_accounts import KEY_FILE, write_settings
from vigil.demo.stack import python_program
from vigil.demo.temporal_server import run_temporal_server
from vigil.process_exit import exit_now
from vigil.simulator.registry import SIMULATED_ACCOUNTS
from vigil.temporal.messages import SEARCH_ATTRIBUTES

SIZE: Final = 2_000_000
"""Bytes of each body of a stranger: just below what is taken at all."""
SENDERS: Final = 8
HALF_OPEN: Final = 500
SECONDS: Final = 2.5
"""For each kind."""
PACE: Final = 0.025
"""Seconds between two genuine callbacks."""
REFERENCES: Final = range(800_001, 800_021)
CONNECTIONS: Final = 16
"""To measure the rate."""

BODIES: Final[Mapping[str, bytes]] = {
    "arrays": b"[" + b"[]," * (SIZE // 3 - 1) + b"[]]",
    "objects": b"[" + b"{}," * (SIZE // 3 - 1) + b"{}]",
    "names": b"{" + b",".join(b'"%d":1' % number for number in range(180_000)) + b"}",
    "as complex as taken": b"[" + b'{"a":[]},' * 6_600 + b"0" + b" " * (SIZE - 60_000) + b"]",
    "escapes": b'{"a": "' + b"\\n" * (SIZE // 2 - 10) + b'"}',
    "depth": b"[" * SIZE,
    "a photo": b'{"a": "' + b"A" * (SIZE - 20) + b'"}',
}
_numbers = itertools.count(1)


class Caller:
    """Sends callbacks on one connection that stays open, as a sender does."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self) -> tuple[int, float]:
        """Send one genuine callback. Return the status, 0 for no answer, and the milliseconds until it."""
        number = next(_numbers)
        return await self.call_for(REFERENCES[number % len(REFERENCES)])

    async def call_for(self, reference: int) -> tuple[int, float]:
        """As `call`, for this verification. No two bodies are equal, and none decides anything."""
        step = {"name": "form", "status": "OK", "documents": [f"d{next(_numbers)}"]}
        body = json.dumps({"id": reference, "status": "STARTED", "enrollment_step": step})
        head = _head("id360", len(body), f"Authorization: {self._secret}\r\n")
        began = time.perf_counter()
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(LOOPBACK, self._port)
            reader, writer = self._streams
            writer.write(head + body.encode())
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            status = int(answer.split()[1])
        except (OSError, EOFError, TimeoutError):
            status = 0
        if status != httpx.codes.OK:
            self.close()
        return status, (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """End the connection; the next call opens another."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def _head(account: str, length: int, headers: str = "") -> bytes:
    lines = f"POST /callbacks/{account} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Length: {length}\r\n{headers}\r\n"
    return lines.encode()


# What strangers do, in a process of their own.


async def attack(kind: str, port: int) -> None:
    """Do one kind of harm until the process is stopped."""
    if kind == "half-open":
        await asyncio.gather(*(_hold_half_open(port) for _ in range(HALF_OPEN)))
    await asyncio.gather(*(_send(port, BODIES[kind]) for _ in range(SENDERS)))


async def _hold_half_open(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.write(b"POST /callbacks/id360 HTTP/1.1\r\nHost: ")
            await reader.read()
            writer.close()
        await asyncio.sleep(1)


async def _send(port: int, body: bytes) -> None:
    request = _head("identomat", len(body)) + body
    while True:
        with contextlib.suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            while True:
                writer.write(request)
                await reader.readuntil(b"\r\n\r\n")


# What is measured.


async def measure_beside(kind: str | None, port: int, secret: str) -> str:
    """Return the row of the table for one kind of harm; None: for none."""
    async with AsyncExitStack() as stack:
        if kind is not None:
            await stack.enter_async_context(_run_attack(kind, port))
        callers = [Caller(port, secret) for _ in range(CONNECTIONS)]
        calls, until = [], time.monotonic() + SECONDS
        for caller in itertools.cycle(callers):
            calls.append(asyncio.create_task(caller.call()))
            await asyncio.sleep(PACE)
            if time.monotonic() > until:
                break
            # A caller whose answer is still to come must not send a second request.
            while len(calls) >= CONNECTIONS and not calls[-CONNECTIONS].done():  # noqa: ASYNC110 -- any of them may end
                await asyncio.sleep(0.001)
        results = await asyncio.gather(*calls)
    for caller in callers:
        caller.close()
    took = sorted(milliseconds for _, milliseconds in results)
    failed = sum(status != httpx.codes.OK for status, _ in results)
    middle, late = took[len(took) // 2], took[int(len(took) * 0.99)]
    return f"{kind or 'nobody':22}{len(took):6}{failed:9}{middle:9.0f} ms{late:9.0f} ms{took[-1]:9.0f} ms"


@asynccontextmanager
async def _run_attack(kind: str, port: int) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "benchmarks.hostile_callbacks", kind, str(port)]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await asyncio.sleep(1)  # until it is under way
        yield
    finally:
        process.kill()
        await process.wait()


async def measure_rate(port: int, secret: str) -> float:
    """Return how many callbacks a second are answered 200."""

    async def call_again_and_again() -> int:
        caller, answered = Caller(port, secret), 0
        while time.monotonic() < until:
            status, _ = await caller.call()
            answered += status == httpx.codes.OK
        caller.close()
        return answered

    until = time.monotonic() + SECONDS
    return sum(await asyncio.gather(*(call_again_and_again() for _ in range(CONNECTIONS)))) / SECONDS


async def print_figures() -> None:
    """Start what is measured, and print a table."""
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        async with AsyncExitStack() as stack:
            ports, plain_port = Ports.find_free(), Ports.find_free().api
            temporal = await stack.enter_async_context(
                run_temporal_server(log=Path(folder) / "temporal.log", search_attributes=SEARCH_ATTRIBUTES)
            )
            config = Path(folder) / "vigil.toml"
            write_settings(config, SIMULATED_ACCOUNTS, ports, temporal=temporal.address, time_scale=1)
            own = ["-m", "vigil.cli.main", "serve", "api", f"--port={ports.api}"]
            plain = ["-m", "uvicorn", "--factory", "api.app:create_app", f"--port={plain_port}", "--no-access-log"]
            for name, command, port in (("own", own, ports.api), ("plain", plain, plain_port)):
                program = python_program(command, log=Path(folder) / f"{name}.log", config=config)
                await _start(stack, program, port)
            await _register(ports.api_url, (Path(folder) / KEY_FILE).read_text().strip())
            settings: Any = load_settings(config).accounts["id360"].own
            secret = settings.callback_headers["Authorization"][0].get_secret_value()
            await measure_rate(ports.api, secret)  # the first of everything is slower
            print(
                f"Genuine callbacks beside {SENDERS} connections that send 2 MB, and beside {HALF_OPEN} half-open ones"
            )
            print(f"{'beside':22}{'sent':>6}{'not 2xx':>9}{'p50':>12}{'p99':>12}{'worst':>12}")
            for kind in (None, *BODIES, "half-open"):
                print(await measure_beside(kind, ports.api, secret), flush=True)
            rates = [(await measure_rate(ports.api, secret), await measure_rate(plain_port, secret)) for _ in range(2)]
    _print_rates([sum(each) / len(rates) for each in zip(*rates, strict=True)])


def _print_rates(rates: Sequence[float]) -> None:
    own, plain = rates
    print(f"callbacks a second: {own:.0f} by `vigil serve api`, {plain:.0f} by plain uvicorn, ratio {own / plain:.2f}")


async def _start(stack: AsyncExitStack, program: Program, port: int) -> None:
    await program.start()
    stack.push_async_callback(program.stop)
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as http:
        while True:
            with contextlib.suppress(httpx.TransportError):
                await http.get(f"http://{LOOPBACK}:{port}/health/live")
                return
            await asyncio.sleep(0.1)


async def _register(url: str, key: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, headers={"Authorization": f"Bearer {key}"}) as http:
        for reference in REFERENCES:
            answer = await http.post("/verifications", json={"account": "id360", "reference": str(reference)})
            answer.raise_for_status()


if __name__ == "__main__":
    asyncio.run(attack(sys.argv[1], int(sys.argv[2])) if sys.argv[1:] else print_figures())
    exit_now(0)
