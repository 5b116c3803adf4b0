"""A fake Identomat, and what reads it."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.providers.identomat.fake_identomat import FakeIdentomat
from tests.providers.identomat.samples import settings
from vigil.providers.identomat.reader import IdentomatReader


@pytest_asyncio.fixture
async def identomat() -> AsyncIterator[FakeIdentomat]:
    async with FakeIdentomat().listening() as fake:
        yield fake


@pytest_asyncio.fixture
async def reader(identomat: FakeIdentomat, http: httpx.AsyncClient) -> IdentomatReader:
    return IdentomatReader(settings(base_url=identomat.base_url), http)
