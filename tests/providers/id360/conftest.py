"""A fake ID360, and what reads it."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.providers.id360.fake_id360 import FakeId360
from tests.providers.id360.samples import settings
from tests.providers.raw_server import SteadyClock
from vigil.providers.id360.reader import Id360Reader


@pytest_asyncio.fixture
async def id360() -> AsyncIterator[FakeId360]:
    async with FakeId360().listening() as fake:
        yield fake


@pytest_asyncio.fixture
async def reader(id360: FakeId360, http: httpx.AsyncClient, clock: SteadyClock) -> Id360Reader:
    return Id360Reader(settings(base_url=id360.base_url), http, clock=clock)
