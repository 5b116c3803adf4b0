"""A fake Smile ID, and what reads it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest_asyncio

from tests.providers.smile_id.v1.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v1.samples import KEY, PARTNER, settings
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v1.reader import SmileV1Reader


@pytest_asyncio.fixture
async def smile() -> AsyncIterator[FakeSmileId]:
    async with FakeSmileId(PARTNER, KEY).listening() as fake:
        yield fake


@pytest_asyncio.fixture
async def reader(smile: FakeSmileId, http: httpx.AsyncClient) -> SmileV1Reader:
    found = settings(base_url=smile.base_url)
    return SmileV1Reader(
        found, http, Links(found, http), clock=lambda: datetime(2026, 2, 3, 10, 41, 29, 5000, tzinfo=UTC)
    )
