"""A fake Smile ID, and what reads it."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.providers.raw_server import SteadyClock
from tests.providers.smile_id.v3.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v3.samples import settings
from vigil.providers.login import Login
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.v3.login import create_login
from vigil.providers.smile_id.v3.reader import SmileV3Reader
from vigil.providers.smile_id.v3.replayer import SmileV3Replayer


@pytest_asyncio.fixture
async def smile_id() -> AsyncIterator[FakeSmileId]:
    async with FakeSmileId().listening() as fake:
        yield fake


@pytest_asyncio.fixture
async def account(smile_id: FakeSmileId) -> SmileIdSettings:
    return settings(base_url=smile_id.base_url)


@pytest_asyncio.fixture
async def login(account: SmileIdSettings, http: httpx.AsyncClient, clock: SteadyClock) -> Login:
    return create_login(account, http, clock)


@pytest_asyncio.fixture
async def reader(account: SmileIdSettings, http: httpx.AsyncClient, login: Login) -> SmileV3Reader:
    return SmileV3Reader(account, http, login, Links(account, http))


@pytest_asyncio.fixture
async def replayer(account: SmileIdSettings, http: httpx.AsyncClient, login: Login) -> SmileV3Replayer:
    return SmileV3Replayer(account, http, login)
