"""Pages in one process, and a browser's way of speaking to them."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
import pytest_asyncio
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from api.app import build_app
from api.auth import Backend
from api.dependencies import Dependencies
from tests.api.conftest import in_process
from tests.api.fakes import account_in
from tests.end_to_end.conftest import Running
from tests.sealed import connect
from tests.world import ACCOUNT, World
from vigil.cli.context import open_installation
from vigil.config.keys import KeySettings, Right, hash_key
from vigil.demo.ports import Ports
from vigil.demo.stack import Stack
from vigil.simulator.registry import SIMULATED_ACCOUNTS

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NEEDS_BROWSER = pytest.mark.skipif(
    BROWSER is None or DRIVER is None,
    reason="no page is seen by a browser: install Debian's chromium and chromium-driver",
)
ORIGIN = {"origin": "http://127.0.0.1"}
Pages: TypeAlias = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def holder(name: str, *rights: str, key: str | None = None, accounts: tuple[str, ...] | None = None) -> Backend:
    """Return the holder of a key with these rights: of the one that `key_of` returns, unless another is named."""
    return Backend.of(
        KeySettings(
            name=name, secret_hash=(hash_key(key or key_of(name)),), may=tuple(map(Right, rights)), accounts=accounts
        )
    )


def key_of(name: str) -> str:
    """Return a key that is long enough."""
    return f"vigil_{name}_{'k' * 40}"


async def sign_in(client: httpx.AsyncClient, name: str, **form: str) -> httpx.Response:
    """Send the form of the page that asks for a key. The client keeps the cookie."""
    return await client.post("/ui/sign-in", data={"key": key_of(name), **form}, headers=ORIGIN)


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


@pytest.fixture
def pages(world: World) -> Pages:
    """Serve the pages of the world, for the holders of keys that are given."""

    @asynccontextmanager
    async def serve(*backends: Backend, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
        made: dict[str, Any] = {
            "accounts": {ACCOUNT: account_in(world)},
            "tracker": world.tracker,
            "storage": world.storage,
            "digester": world.digester,
            "backends": backends,
        }
        async with in_process(build_app(Dependencies(**made | changes))) as client:
            yield client

    return serve


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One stack for all that a browser looks at."""
    folder = tmp_path_factory.mktemp("ui") / "stack"
    stack = Stack(
        folder, Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=60, in_memory=True, shows_payloads=True
    )
    async with (
        stack.run(),
        open_installation(stack.config) as runtime,
        httpx.AsyncClient(trust_env=False, timeout=40) as http,
    ):
        yield Running(stack, runtime, http)


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()
