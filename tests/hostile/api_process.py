"""An API process as an operator starts it, and requests written byte by byte."""

import asyncio
import base64
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.sealed import write_keys
from vigil.config.settings import load_settings
from vigil.runtime import open_runtime
from vigil.storage.contract import NotStored, names_under

SECRET = "q7Yt2nVx9Lk4Rb8Wd3Hs6Jf1Mz5Cp0Ga"
SETTINGS = """
digest_key = "Zk3Vn8Qw1Rt6Yb5Xc9Lp2Hd7Fs4Jg0Ma"
seal = { folder = "keys" }
[temporal]
address = "TEMPORAL"
[storage]
url = "STORAGE"
[api]
port = PORT
[accounts.id360]
provider = "id360"
environment = "sandbox"
base_url = "http://127.0.0.1:9"
username = "robot"
password = "the password of a robot, long"
callback_headers = { Authorization = "q7Yt2nVx9Lk4Rb8Wd3Hs6Jf1Mz5Cp0Ga" }
[accounts.smile]
provider = "smile_id"
base_url = "http://127.0.0.1:9"
partner_id = "2041"
api_key = "demo-key-not-real-0001"
[accounts.assure]
provider = "signicat"
environment = "sandbox"
base_url = "http://127.0.0.1:9"
generations = ["legacy", "events"]
client_id = "robot"
client_secret = "the secret of a robot, long"
authorization_header = "Bv6Nc1Xz8Kq3Wj7Rt2Yh5Pd9Ls4Gf0Me"
[accounts.identomat]
provider = "identomat"
base_url = "http://127.0.0.1:9"
company_key = "the key of a company, which is long"
callback_api_key = "Tf5Gh2Jk9Lz4Xc7Vb1Nm8Qw3Er6Ty0Ua"
"""
NOWHERE = "127.0.0.1:9"


@dataclass(frozen=True)
class ApiProcess:
    """Where it listens, what it stores, and its process."""

    port: int
    config: Path
    storage: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])

    def descriptors(self) -> int:
        """How many descriptors it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def bodies(self, account: str) -> list[bytes]:
        """The bodies of an account's callbacks, as they are stored."""
        async with open_runtime(load_settings(self.config), lazy=True) as runtime:
            names = [
                name for folder in ("inbox", "verifications") async for name in names_under(runtime.storage, folder)
            ]
            found = []
            for name in names:
                with suppress(NotStored):  # a receipt may move just now
                    content = await runtime.storage.read(name)
                    if content.startswith(b'{"received_at') and (receipt := json.loads(content))["account"] == account:
                        found.append(base64.b64decode(receipt["body"]))
        return found


@asynccontextmanager
async def run_api(
    folder: Path, *, temporal: str = NOWHERE, descriptors: int | None = None
) -> AsyncIterator[ApiProcess]:
    """Start `vigil serve api`, yield when it answers, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config, storage, log = folder / "vigil.toml", folder / "storage", folder / "log"
    text = SETTINGS.replace("TEMPORAL", temporal).replace("STORAGE", storage.as_uri()).replace("PORT", str(port))
    write_keys(config.parent / "keys")
    config.write_text(text)
    config.chmod(0o600)

    def limit() -> None:
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "TEMPORAL_"))}
    command = [sys.executable, "-m", "vigil.cli.main", "--config", str(config), "serve", "api"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, preexec_fn=limit)  # noqa: ASYNC220, PLW1509
    api = ApiProcess(port, config, storage, log, process)
    try:
        await _wait_until_it_answers(api)
        yield api
    finally:
        process.terminate()
        process.wait(20)


async def _wait_until_it_answers(api: ApiProcess) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=api.url, trust_env=False) as http:
        while True:
            assert api.process.poll() is None, api.log.read_text()
            with suppress(httpx.TransportError):
                if (await http.get("/health/live")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


def head(path: str, length: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the head of a POST with a body of `length` bytes."""
    named = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(length), **(headers or {})}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(lines).encode()


async def ask(api: ApiProcess, *parts: bytes, apart: float = 0.05) -> int:
    """Write the parts, one after the other, and return the status of the answer; 0 if the connection ends without."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(apart)
        line = await asyncio.wait_for(reader.readline(), 60)
        return int(line.split()[1]) if line else 0
    except OSError:
        return 0
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def ask_genuine(api: ApiProcess, number: int) -> tuple[int, float]:
    """Send a callback of ID360 on a connection of its own. Return the status, 0 for none, and the seconds it took."""
    body = json.dumps({"id": number, "status": "STARTED", "enrollment_step": {"name": "form", "status": "OK"}}).encode()
    began = time.perf_counter()
    status = await ask(api, head("/callbacks/id360", len(body), {"Authorization": SECRET}) + body, apart=0)
    return status, time.perf_counter() - began
