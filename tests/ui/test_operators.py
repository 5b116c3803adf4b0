"""What an operator mends on the pages: notifications that were not delivered, and callbacks that nobody owns."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from activities.notifications import Endpoint
from tests.activities.backend import Backend
from tests.api.fakes import account_in
from tests.sealed import connect
from tests.ui.conftest import ORIGIN, Pages, holder, sign_in
from tests.ui.test_pages import text_of
from tests.world import APPROVED, World, final, own_account
from vigil.storage.inbox import Inbox, Receipt
from vigil.storage.receipt_names import PENDING, QUARANTINED
from vigil.temporal import messages

ALL = ("read", "personal", "command", "resolve", "operate")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    """A world whose account no other test counts."""
    return World(await connect(temporal_address, "default"), tmp_path, account=own_account())


def own(world: World) -> dict[str, object]:
    return {"accounts": {world.account: account_in(world)}}


def address(world: World, tail: str = "") -> str:
    return f"/ui/verifications/{world.account}/{world.key.reference}{tail}"


async def send(client: httpx.AsyncClient, url: str, **form: str) -> httpx.Response:
    return await client.post(url, data=form, headers=ORIGIN)


async def quarantine(world: World, says: str = "happened") -> str:
    """Keep a callback that belongs to no verification, and return its name."""
    body = json.dumps({says: [{"ref": world.key.reference, "id": "e-1"}]}).encode()
    at = datetime.now(UTC)
    stored = Receipt(
        received_at=at, account=world.account, correlation=None, proof="secret", headers={}, body=body, events=()
    )
    inbox = Inbox(world.storage)
    return (await inbox.file_under(await inbox.keep(stored), None)).removeprefix(QUARANTINED)


async def test_a_notification_that_failed_is_seen_with_its_answer_and_sent_again(world: World, pages: Pages) -> None:
    async with Backend().listening() as told:
        told.answers.append(410)
        url = f"http://127.0.0.1:{told.port}/"
        world.endpoints = {"checkout": Endpoint(name="checkout", url=url, secrets=(SECRET,), allow_private=True)}
        world.reader.say(APPROVED)
        keys = holder("anna", *ALL), holder("otto", "read")
        async with pages(*keys, **own(world)) as client, world.workers():
            await world.register(notify=("checkout",))
            await world.hear(final())
            await world.result()
            await told.was_told(1)
            await sign_in(client, "anna")
            async with asyncio.timeout(30):
                while "gone" not in (shown := await client.get(address(world))).text:
                    await asyncio.sleep(0.1)
            resend = address(world, "/notifications/resend")
            unsure = await send(client, resend)
            foreign = await client.post(resend, data={"sure": "yes"}, headers={"origin": "https://elsewhere.example"})
            listed = await client.get("/ui", params={"needs": "attention", "account": world.account})
            await sign_in(client, "otto")
            without_right, plain = await send(client, resend, sure="yes"), await client.get(address(world))
            await sign_in(client, "anna")
            done = await send(client, resend, sure="yes")
            await told.was_told(2)

    assert "gone revision 1 to checkout 1 attempt · last answer endpoint answered 410" in text_of(shown)
    assert f'action="{resend}"' in shown.text
    assert re.search(r"approved complete .* ago backend not notified", text_of(listed))
    assert resend not in plain.text
    assert [answer.status_code for answer in (unsure, foreign, without_right)] == [422, 403, 403]
    assert (done.status_code, done.headers["location"]) == (303, address(world))


async def test_a_quarantined_callback_is_given_to_its_verification(world: World, pages: Pages) -> None:
    receipt = await quarantine(world)
    form = {"receipt": receipt, "account": world.account, "reference": world.key.reference}
    keys = holder("anna", *ALL), holder("otto", "read", "command")
    async with pages(*keys, **own(world)) as client, world.workers():
        await world.register()
        await sign_in(client, "otto")
        without_right = await send(client, "/ui/callbacks/attach", **form, sure="yes")
        await sign_in(client, "anna")
        listed = await client.get("/ui/callbacks")
        unsure = await send(client, "/ui/callbacks/attach", **form)
        unknown = await send(client, "/ui/callbacks/attach", **form | {"reference": "no-such"}, sure="yes")
        before = await world.storage.list(PENDING)
        done = await send(client, "/ui/callbacks/attach", **form, sure="yes")
        after, kept = await world.storage.list(PENDING), await world.storage.list(QUARANTINED)

    assert receipt in listed.text
    assert [answer.status_code for answer in (without_right, unsure, unknown)] == [403, 422, 404]
    assert before == []
    assert (done.status_code, done.headers["location"]) == (303, address(world))
    # The relay signals it from here, as after an outage.
    assert ([name.removeprefix(PENDING) for name in after], kept) == ([receipt], [])


async def test_quarantined_callbacks_are_tried_first_and_then_read_again(world: World, pages: Pages) -> None:
    receipt = await quarantine(world, "says")
    async with pages(holder("anna", *ALL), **own(world)) as client:
        await sign_in(client, "anna")
        tried = await send(client, "/ui/callbacks/reread", trial="yes")
        still = await world.storage.list(QUARANTINED)
        unsure = await send(client, "/ui/callbacks/reread", account=world.account)
        done = await send(client, "/ui/callbacks/reread", account=world.account, sure="yes")
        left = await world.storage.list(QUARANTINED)

    assert "Would be read again: 1 queued." in text_of(tried)
    assert still == [QUARANTINED + receipt]
    assert unsure.status_code == 422
    assert "Read again: 1 queued. Those that are queued reach" in text_of(done)
    assert left == []


async def test_an_account_says_how_many_of_its_verifications_ended_without_a_callback(
    world: World, pages: Pages
) -> None:
    async with pages(holder("anna", *ALL), **own(world)) as client, world.workers():
        await sign_in(client, "anna")
        before = await client.get("/ui/accounts")
        world.reader.say(APPROVED)
        await world.tracker.start_discovered(world.key)  # read at once, and no callback told of it
        await world.result()
        poll = messages.PollNow(author="anna")  # a second run of the same verification
        await world.tracker.command(world.key, "poll_now", poll, command_id="poll-1", within=timedelta(seconds=20))
        await world.result()
        async with asyncio.timeout(30):
            while "1 of 1" not in (after := await client.get("/ui/accounts")).text:
                await asyncio.sleep(0.2)

    assert "none concluded" in text_of(before)
    assert "100 % 1 of 1" in text_of(after)
