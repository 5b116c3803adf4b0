"""A worker process as an operator starts it."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.sealed import write_keys

SETTINGS = """
digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"
seal = {{ folder = "keys" }}
time_scale = 1

[temporal]
address = "{address}"

[storage]
url = "{storage}"

[worker]
metrics_address = "127.0.0.1:{metrics}"
health_address = "127.0.0.1:{health}"
"""
ACCOUNT = """
[accounts.{name}]
provider = "identomat"
base_url = "{provider}"
company_key = "the key of a company, {name}"
callback_api_key = "Tf5Gh2Jk9Lz4Xc7Vb1Nm8Qw3Er6Ty0Ua{name}"
reads_per_second = 1
"""
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class WorkerProcess:
    """Where it answers, its settings, and its process."""

    config: Path
    log: Path
    health: str
    metrics: str
    process: subprocess.Popen[bytes]

    async def wait_until(self, path: str, status: int = 200) -> None:
        """Wait until a path of its health listener answers with a status."""
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=self.health, trust_env=False) as http:
            while True:
                assert self.process.poll() is None, self.log.read_text()
                with suppress(httpx.TransportError):
                    if (await http.get(path)).status_code == status:
                        return
                await asyncio.sleep(0.1)

    async def wait_for_line(self, event: str) -> None:
        """Wait until it has logged an event."""
        async with asyncio.timeout(60):
            while event not in self.log.read_text():
                assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.1)

    async def wait_for_end(self) -> int:
        """Return its exit code."""
        return await asyncio.to_thread(self.process.wait, 60)


@asynccontextmanager
async def run_worker(
    folder: Path,
    temporal: str,
    accounts: Mapping[str, str],
    *,
    program: Sequence[str] = ("worker.py",),
) -> AsyncIterator[WorkerProcess]:
    """Start a worker for accounts at Identomat, by name and base URL. Yield when it serves, and stop it."""
    folder.mkdir(exist_ok=True)
    metrics, health = _free_ports(2)
    config, log = folder / "vigil.toml", folder / "worker.log"
    storage = (folder / "storage").as_uri()
    tables = [ACCOUNT.format(name=name, provider=provider) for name, provider in accounts.items()]
    write_keys(config.parent / "keys")
    config.write_text(
        SETTINGS.format(address=temporal, storage=storage, metrics=metrics, health=health) + "".join(tables)
    )
    config.chmod(0o600)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "TEMPORAL_"))}
    environment |= {"VIGIL_CONFIG": str(config), "PYTHONPATH": str(Path.cwd())}
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, *program], env=environment, stdout=out, stderr=out)  # noqa: ASYNC220
    worker = WorkerProcess(config, log, f"http://127.0.0.1:{health}", f"http://127.0.0.1:{metrics}", process)
    try:
        await worker.wait_for_line("worker.started")
        yield worker
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()


def _free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
