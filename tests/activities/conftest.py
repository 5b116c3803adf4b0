"""A fake ID360 that listens, the real reader of it, and a folder as storage."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.gate import GatedStorage
from tests.providers.id360.fake_id360 import FakeId360
from tests.providers.id360.samples import settings
from vigil.domain.account import Account
from vigil.domain.digest import Digester
from vigil.domain.tracking_plan import TrackingPlan
from vigil.outbound_http import certificates
from vigil.providers.contract import Reader
from vigil.providers.id360.reader import Id360Reader
from vigil.providers.id360.senders import CONTRACT
from vigil.storage.folder import FolderStorage

IMPATIENT = 1.0
"""Seconds after which silence is a time-out."""


@pytest_asyncio.fixture
async def id360() -> AsyncIterator[FakeId360]:
    async with FakeId360().listening() as fake:
        yield fake


def account_with(plan: TrackingPlan, name: str = "id360") -> Account:
    """Return the one account, with a plan."""
    return Account(
        name=name,
        provider_name=name,
        environment="sandbox",
        reference_is_capability=False,
        plans={CONTRACT.sender: plan},
        default_sender=CONTRACT.sender,
    )


@pytest.fixture
def accounts() -> Mapping[str, Account]:
    return {"id360": account_with(CONTRACT.tracking)}


@pytest_asyncio.fixture
async def readers(id360: FakeId360) -> AsyncIterator[Mapping[str, Reader]]:
    # Only silence is impatient: on a busy machine a connection may take its time.
    async with httpx.AsyncClient(
        verify=certificates(), timeout=httpx.Timeout(30, read=IMPATIENT), trust_env=False
    ) as http:
        yield {"id360": Id360Reader(settings(base_url=id360.base_url), http)}


@pytest.fixture
def storage(tmp_path: Path) -> GatedStorage:
    return GatedStorage(FolderStorage(tmp_path / "storage"))


@pytest.fixture
def digester() -> Digester:
    return Digester(b"a key for tests")
