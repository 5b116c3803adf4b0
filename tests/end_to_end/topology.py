"""The topology that docs/deploying.md describes, as processes: a proxy, two APIs, a worker for each part, a bucket."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx

from tests.nginx import Proxy
from vigil.checkout import find_checkout
from vigil.demo.ports import LOOPBACK, Ports, accepts_connections, find_free_ports
from vigil.demo.processes import Program
from vigil.demo.simulator_accounts import authorization, read_key, write_settings
from vigil.demo.temporal_server import find_binary
from vigil.simulator.registry import SIMULATED_ACCOUNTS
from vigil.temporal.messages import SEARCH_ATTRIBUTES

ROLES: Final = ("verifications", "providers", "messages,notifications", "artifacts")
ENDPOINT: Final = """
[endpoints.backend]
url = "{url}"
secret = "whsec_mOQ2tuu+4nGcDaMfUYrgXBdmWzqyu/c1"
allow_private = true
"""
READY_WITHIN: Final = timedelta(seconds=180)


class Topology:
    """All processes by name. `killable` are those that an operator has, in the order in which a test kills them."""

    def __init__(self, folder: Path, *, backend: str) -> None:
        self.config = folder / "vigil.toml"
        self._ports = Ports.find_free()
        first, second, store = find_free_ports(3)
        accounts = [account for account in SIMULATED_ACCOUNTS if account.name == "id360"]
        write_settings(
            self.config, accounts, self._ports, temporal=f"{LOOPBACK}:{self._ports.temporal}", time_scale=240
        )
        with self.config.open("a") as file:
            file.write(ENDPOINT.format(url=backend))
        self._store = f"http://{LOOPBACK}:{store}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "TEMPORAL_"))},
            "VIGIL_CONFIG": str(self.config),
            "VIGIL_STORAGE__URL": "s3://vigil",
            "VIGIL_API__TRUSTED_PROXIES": f'["{LOOPBACK}/32"]',
            "AWS_ENDPOINT_URL": self._store,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self._apis = {"api-1": first, "api-2": second}
        self._workers = {f"worker-{role.replace(',', '-')}": role for role in ROLES}
        self._logs = folder / "logs"
        serve = ("-m", "vigil.cli.main", "serve", "api", "--host", LOOPBACK, "--port")
        simulate = ("-m", "vigil.simulator", "--port", f"{self._ports.simulator}", "--mail-port", f"{self._ports.mail}")
        self.programs = {
            "store": self._python("store", "-m", "tests.s3_server", str(store)),
            "temporal": Program(self._temporal(folder / "temporal.db"), log=self._logs / "temporal.log"),
            "simulator": self._python("simulator", *simulate, "--time-scale", "240"),
            **{name: self._python(name, *serve, str(port)) for name, port in self._apis.items()},
            **{name: self._python(name, "worker.py", "--serve", role) for name, role in self._workers.items()},
        }
        # An API is back before the other one is killed: two are there so that one is left.
        first_worker, second_worker, *other_workers = self._workers
        self.killable = (
            *("api-1", first_worker, "api-2", "temporal", second_worker, "store", "proxy"),
            *other_workers,
        )
        (folder / "nginx").mkdir()
        self.proxy = Proxy(folder / "nginx", first, second)
        # The internet reaches callbacks alone, with TLS; the backend is inside.
        self.outside = f"https://{LOOPBACK}:{self.proxy.public}"
        self.simulator = self._ports.simulator_url
        self.inside = f"http://{LOOPBACK}:{self.proxy.private}"

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Start everything, the store and Temporal first, and stop it at the end."""
        async with AsyncExitStack() as stack:
            for name in self.programs:
                stack.push_async_callback(self.programs[name].kill)
            await asyncio.gather(*(self.programs[name].start() for name in ("store", "temporal", "simulator")))
            await self._wait_for(lambda: self._listens(self._store.removeprefix("http://")))
            async with httpx.AsyncClient(trust_env=False) as http:
                (await http.put(f"{self._store}/vigil")).raise_for_status()
            await self._wait_for(lambda: self._listens(f"{LOOPBACK}:{self._ports.temporal}"))
            await asyncio.gather(*(self.programs[name].start() for name in (*self._apis, *self._workers)))
            await asyncio.to_thread(self.proxy.start)
            stack.callback(self.proxy.kill)
            await self.wait_until_whole()
            yield

    async def wait_until_whole(self) -> None:
        """Wait until the API finds every part of the installation healthy."""
        headers = authorization(read_key(self.config))

        async def is_whole() -> bool:
            with suppress(httpx.HTTPError):
                async with httpx.AsyncClient(trust_env=False, timeout=5, headers=headers) as http:
                    answer = await http.get(f"{self.inside}/health/installation")
                    return answer.status_code == httpx.codes.OK
            return False

        await self._wait_for(is_whole)

    async def kill(self, name: str) -> None:
        """Send SIGKILL to a process. The store keeps all in memory, so it is only suspended, for three seconds."""
        if name == "proxy":
            self.proxy.kill()
        elif name == "store":
            pid = self.programs["store"].pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(3)
            os.kill(pid, signal.SIGCONT)
        else:
            await self.programs[name].kill()

    async def start(self, name: str) -> None:
        """Start a process that was killed. Return before it is ready, unless it is an API."""
        if name == "proxy":
            await asyncio.to_thread(self.proxy.start)
        elif name != "store":
            await self.programs[name].start()
        if name in self._apis:
            await self._wait_for(lambda: self._listens(f"{LOOPBACK}:{self._apis[name]}"))

    def http(self) -> httpx.AsyncClient:
        """Return a client that trusts the proxy."""
        context = ssl.create_default_context(cafile=self.proxy.certificate)
        return httpx.AsyncClient(trust_env=False, timeout=5, verify=context)

    def _python(self, name: str, *arguments: str) -> Program:
        log = self._logs / f"{name}.log"
        return Program([sys.executable, *arguments], log=log, environment=self._environment, folder=find_checkout())

    def _temporal(self, database: Path) -> list[str]:
        attributes = [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
        listen = ["--headless", f"--ip={LOOPBACK}", f"--port={self._ports.temporal}", "--log-level=warn"]
        keep = [f"--db-filename={database}", "--sqlite-pragma=journal_mode=wal"]
        return [str(find_binary()), "server", "start-dev", *listen, *keep, *attributes]

    async def _listens(self, address: str) -> bool:
        return await asyncio.to_thread(accepts_connections, address)

    async def _wait_for(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(READY_WITHIN.total_seconds()):
            while not await is_so():
                await asyncio.sleep(0.2)
