"""The notifications of a verification over HTTP, on a real server."""

import asyncio
from pathlib import Path

import pytest

from activities.notifications import Endpoint
from tests.activities.backend import Backend
from tests.api.test_verifications import backend, path
from tests.gate import GatedStorage
from tests.sealed import connect
from tests.world import ACCOUNT, APPROVED, World, final
from vigil.domain.notification import NotificationState
from vigil.lookup import VerificationLookup
from vigil.storage.contract import Names
from vigil.temporal.notifications import list_rows

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


async def test_a_backend_that_is_gone_reads_so_and_asks_for_its_notification_again(world: World) -> None:
    async with Backend().listening() as told:
        told.answers.append(410)
        name = f"checkout-{world.key.reference[-8:].lower()}"
        url = f"http://127.0.0.1:{told.port}/"
        world.endpoints = {name: Endpoint(name=name, url=url, secrets=(SECRET,), allow_private=True)}
        world.reader.say(APPROVED)
        async with backend(world) as client, world.workers():
            await world.register(notify=(name,))
            await world.hear(final())
            await world.result()
            await told.was_told(1)
            async with asyncio.timeout(30):
                while not (rows := (await client.get(path(world, "/notifications"))).json()["notifications"]) or (
                    rows[0]["state"] == "pending"
                ):
                    await asyncio.sleep(0.1)
            explained = await client.get(path(world, "/explanation"))
            timeline = (await client.get(path(world, "/timeline"))).json()["entries"]
            resent = await client.post(path(world, "/notifications/resend"), json={})
            await told.was_told(2)

    [row] = rows
    told_of = [entry["details"] for entry in timeline if entry["kind"] == "notification"]
    assert told_of == [[name, "revision:1", "gone", "endpoint_answered_410"]]
    assert (row["endpoint"], row["revision"], row["of_completion"]) == (name, 1, False)
    assert (row["state"], row["attempts"], row["answer"]) == ("gone", 1, "endpoint_answered_410")
    assert (explained.json()["actor"], f"`{name}` will not be notified" in explained.json()["sentence"]) == (
        "backend",
        True,
    )
    assert (resent.status_code, resent.json()) == (200, {"endpoints": [name]})


async def test_a_verification_that_nobody_knows_has_no_notifications(world: World) -> None:
    async with backend(world) as client:
        listed = await client.get(f"/verifications/{ACCOUNT}/nobody-knows-it/notifications")

    assert listed.status_code == 404


class LookedBefore(GatedStorage):
    """Answers a list of notifications only when a test says so, by what it had when it was asked."""

    def __init__(self, world: World) -> None:
        super().__init__(world.storage)
        self.has_looked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> Names:
        names = await super().list(prefix, after=after, limit=limit)
        if "/notifications" in prefix:
            self.has_looked.set()
            await self.may_answer.wait()
        return names


async def test_a_notification_that_ends_while_it_is_read_is_not_shown_without_its_answer(world: World) -> None:
    storage = LookedBefore(world)
    lookup = VerificationLookup(world.tracker, storage, {})
    async with Backend().listening() as told:
        told.answers.append(410)
        url = f"http://127.0.0.1:{told.port}/"
        world.endpoints = {"checkout": Endpoint(name="checkout", url=url, secrets=(SECRET,), allow_private=True)}
        world.reader.say(APPROVED)
        await world.register(notify=("checkout",))
        await world.hear(final())
        reading = asyncio.create_task(lookup.read_notifications(world.key))
        await storage.has_looked.wait()
        async with world.workers(), asyncio.timeout(60):
            while [row.state for row in await list_rows(world.client, world.tracker.path(world.key))] != [
                NotificationState.GONE
            ]:
                await asyncio.sleep(0.1)
        storage.may_answer.set()
        early, [ended] = await reading, await lookup.read_notifications(world.key)

    assert early == []
    assert (ended.state, ended.answer) == (NotificationState.GONE, "endpoint_answered_410")
