"""Two sides of the contract: the fake, and the real API on a real Temporal server, driven in the same words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpx
from fastapi import FastAPI, Request

from activities.notifications import Endpoint
from api.app import build_app
from api.auth import Backend
from tests.api.conftest import served
from tests.api.test_verifications import dependencies_of
from tests.sealed import connect
from tests.world import FILE, World, final
from vigil.config.keys import hash_key
from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Decision, Stage
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


class FakeSide:
    """The fake."""

    def __init__(self) -> None:
        self.vigil = FakeVigil(accounts={ACCOUNT: FakeAccount("acme")}, key=KEY, webhook_secret=SECRET)
        self.client = self.vigil.async_client()
        self.receiver = Receiver()
        self.receiver.client = self.client
        self.endpoint = "checkout"
        self.vigil.add_endpoint(self.endpoint, self.receiver.app, "/webhooks/vigil", notify_complete=True)

    async def decide(self, reference: str, decision: str) -> None:
        self.vigil.add_file(ACCOUNT, reference, "portrait-1", CONTENT)
        self.vigil.decide(ACCOUNT, reference, decision)

    async def delivered(self, count: int) -> None:
        while len(self.receiver.received) < count:
            assert await self.vigil.post_notifications() != []


class RealSide:
    """The API over HTTP, workers, Temporal, and a provider that answers as it is told."""

    def __init__(self, world: World, client: AsyncClient, receiver: Receiver) -> None:
        self._world = world
        self.client = client
        self.receiver = receiver
        self.receiver.client = client
        (self.endpoint,) = world.endpoints

    async def decide(self, reference: str, decision: str) -> None:
        self._world.key = self._world.key.model_copy(update={"reference": reference})
        verdict = Snapshot(stage=Stage.CONCLUDED, decision=Decision(decision), word="OK", artifacts=(FILE,))
        self._world.reader.say(verdict)
        await self._world.hear(final())

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
        app = build_app(
            dependencies_of(
                world, endpoints=frozenset({name}), completion_endpoints=frozenset({name}), backends=[backend]
            )
        )
        api = await stack.enter_async_context(served(app))
        client = AsyncClient(str(api.base_url), KEY, webhook_secret=SECRET, transport=httpx.AsyncHTTPTransport())
        await stack.enter_async_context(client)
        await stack.enter_async_context(world.workers())
        yield RealSide(world, client, receiver)
