"""A fake Assure, and what reads it."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.providers.raw_server import SteadyClock
from tests.providers.signicat.fake_signicat import FakeSignicat
from tests.providers.signicat.samples import settings
from vigil.providers.signicat.assure import AssureApi
from vigil.providers.signicat.finder import SignicatFinder
from vigil.providers.signicat.reader import SignicatReader


@pytest_asyncio.fixture
async def signicat() -> AsyncIterator[FakeSignicat]:
    async with FakeSignicat().listening() as fake:
        yield fake


@pytest_asyncio.fixture
async def api(signicat: FakeSignicat, http: httpx.AsyncClient, clock: SteadyClock) -> AssureApi:
    return AssureApi(settings(base_url=signicat.base_url), http, clock=clock)


@pytest_asyncio.fixture
async def reader(api: AssureApi) -> SignicatReader:
    return SignicatReader(settings(), api)


@pytest_asyncio.fixture
async def finder(api: AssureApi) -> SignicatFinder:
    return SignicatFinder(api)
