"""Two sides of the contract: the fake, and the real API on a real Temporal server, driven in the same words."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpx
from fastapi import FastAPI, Request

from activities.notifications import Endpoint
from api.app import build_app
from api.auth import Backend
from tests.api.conftest import served
from tests.api.fakes import account_in
from tests.api.test_verifications import dependencies_of
from tests.conformance.cases import KITS
from tests.conformance.rig import account_of
from tests.conformance.test_answers import opened
from tests.sealed import connect
from tests.world import FILE, World, final
from vigil.config.accounts import OpenAccount
from vigil.config.keys import hash_key
from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Decision, Stage
from vigil.providers.contract import FoundVerification
from vigil.providers.transport import open_http
from vigil_client import AsyncClient
from vigil_client.notifications import Notification
from vigil_client.testing import FakeAccount, FakeVigil

ACCOUNT = "acme"
KEY = "vigil_a-key-for-tests"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CONTENT = b"a portrait"


class Receiver:
    """A backend's ASGI application that verifies and keeps notifications."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.received: list[Notification] = []
        self.client: AsyncClient | None = None
        self.app.post("/webhooks/vigil")(self._receive)

    async def _receive(self, request: Request) -> None:
        assert self.client is not None
        self.received.append(self.client.unwrap(await request.body(), request.headers))


class Side(Protocol):
    """What a test of the contract does on both sides."""

    client: AsyncClient
    receiver: Receiver
    endpoint: str

    async def decide(self, reference: str, decision: str) -> None:
        """Let the provider decide and send its callback."""
        ...

    async def delivered(self, count: int) -> None:
        """Return once so many notifications were received."""
        ...

    def create(self, account: str, reference: str, **coordinates: str) -> None:
        """Let the provider have a verification that is not registered."""
        ...


class FakeSide:
    """The fake."""

    def __init__(self) -> None:
        accounts = {account_of(provider): FakeAccount(provider) for provider in KITS}
        accounts = {name: replace(account, hides_reference=name == "identomat") for name, account in accounts.items()}
        self.vigil = FakeVigil(accounts={ACCOUNT: FakeAccount("acme"), **accounts}, key=KEY, webhook_secret=SECRET)
        self.client = self.vigil.async_client()
        self.receiver = Receiver()
        self.receiver.client = self.client
        self.endpoint = "checkout"
        self.vigil.add_endpoint(self.endpoint, self.receiver.app, "/webhooks/vigil", notify_complete=True)

    async def decide(self, reference: str, decision: str) -> None:
        self.vigil.add_file(ACCOUNT, reference, "portrait-1", CONTENT)
        self.vigil.decide(ACCOUNT, reference, decision)

    def create(self, account: str, reference: str, **coordinates: str) -> None:
        self.vigil.create(account, reference, **coordinates)

    async def delivered(self, count: int) -> None:
        while len(self.receiver.received) < count:
            assert await self.vigil.post_notifications() != []


class Listed:
    """A finder that has what a test has created."""

    def __init__(self, by: tuple[str, ...]) -> None:
        self.by = by
        self._created: list[tuple[Mapping[str, str], FoundVerification]] = []

    def create(self, reference: str, coordinates: Mapping[str, str]) -> None:
        self._created.insert(0, (coordinates, FoundVerification(reference, datetime.now(UTC))))

    async def find(self, coordinates: Mapping[str, str]) -> Sequence[FoundVerification]:
        wanted = {(name, coordinates[name]) for name in self.by}
        return [found for told, found in self._created if wanted <= set(told.items())]

    async def list_created(self, *, since: datetime, until: datetime) -> AsyncIterator[FoundVerification]:
        for _, found in self._created:
            if since <= found.created_at < until:
                yield found


def open_accounts(world: World, http: httpx.AsyncClient) -> Mapping[str, OpenAccount]:
    """Return the world's account, and one at each real provider, whose rules for registrations are the real ones."""
    accounts = {ACCOUNT: account_in(world)} | {account_of(each): opened(each, http, hints=False) for each in KITS}
    for account in accounts.values():
        if account.provider.finder is not None:
            account.provider.finder = Listed(tuple(account.provider.finder.by))
    world.accounts.update({name: account for name, account in accounts.items() if name != ACCOUNT})
    return accounts


class RealSide:
    """The API over HTTP, workers, Temporal, and a provider that answers as it is told."""

    def __init__(
        self, world: World, client: AsyncClient, receiver: Receiver, accounts: Mapping[str, OpenAccount]
    ) -> None:
        self._world = world
        self._accounts = accounts
        self.client = client
        self.receiver = receiver
        self.receiver.client = client
        (self.endpoint,) = world.endpoints

    async def decide(self, reference: str, decision: str) -> None:
        self._world.key = self._world.key.model_copy(update={"reference": reference})
        verdict = Snapshot(stage=Stage.CONCLUDED, decision=Decision(decision), word="OK", artifacts=(FILE,))
        self._world.reader.say(verdict)
        await self._world.hear(final())

    def create(self, account: str, reference: str, **coordinates: str) -> None:
        finder = self._accounts[account].provider.finder
        assert isinstance(finder, Listed)
        finder.create(reference, coordinates)

    async def delivered(self, count: int) -> None:
        # The callback wakes the verification; nothing else is to be done here.
        async with asyncio.timeout(30):
            while len(self.receiver.received) < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def open_real_side(temporal_address: str, folder: Path) -> AsyncIterator[RealSide]:
    receiver, name = Receiver(), f"checkout-{uuid4().hex[:8]}"
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(served(receiver.app))
        url = f"{http.base_url}/webhooks/vigil"
        endpoint = Endpoint(name=name, url=url, secrets=(SECRET,), allow_private=True)
        world = World(await connect(temporal_address, "default"), folder, endpoints={name: endpoint})
        backend = Backend("checkout", hashes=(hash_key(KEY),))
        accounts = open_accounts(world, await stack.enter_async_context(open_http()))
        endpoints = frozenset({name})
        app = build_app(
            dependencies_of(
                world, accounts=accounts, endpoints=endpoints, completion_endpoints=endpoints, backends=[backend]
            )
        )
        api = await stack.enter_async_context(served(app))
        client = AsyncClient(str(api.base_url), KEY, webhook_secret=SECRET, transport=httpx.AsyncHTTPTransport())
        await stack.enter_async_context(client)
        await stack.enter_async_context(world.workers())
        yield RealSide(world, client, receiver, accounts)
