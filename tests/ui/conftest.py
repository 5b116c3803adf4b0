"""Pages in one process, and a browser's way of speaking to them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from api.app import build_app
from api.auth import Backend
from api.dependencies import Dependencies
from tests.api.conftest import in_process
from tests.api.fakes import account_in
from tests.sealed import connect
from tests.world import ACCOUNT, World
from vigil.config.keys import KeySettings, Right, hash_key

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
