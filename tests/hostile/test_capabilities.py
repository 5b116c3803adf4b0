"""Whoever reads Temporal or a notification must not learn what opens the applicant's session."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from activities.notifications import Endpoint
from api.app import build_app
from tests.activities.backend import Backend
from tests.api.conftest import in_process
from tests.api.test_verifications import dependencies_of
from tests.sealed import connect
from tests.world import APPROVED_WITH_FILE, DECLINED, World, final, own_account
from vigil.domain.message import MessageKind, MessageOutcome, MessageReceived, MessageRequest, MessageResult
from vigil.temporal.client import VerificationClient

CAPABILITY = "abtq2tm98bv2w74jzo9bzhml9rycmshbzqgpoo8u"


def hiding(world: World) -> World:
    """Return the world with an account whose references open the applicant's session."""
    account = replace(world.accounts[world.account], reference_is_capability=True)
    world.accounts = {world.account: account}
    world.tracker = VerificationClient(world.client, world.accounts, world.digester)
    world.key = world.key.model_copy(update={"reference": CAPABILITY})
    return world


async def histories_of(world: World) -> Mapping[str, str]:
    """Return every history of the account, as text, by workflow id."""
    told = {}
    for prefix in ("verification", "message", "notification", "recheck"):
        async for run in world.client.list_workflows(f"WorkflowId STARTS_WITH '{prefix}/{world.account}'"):
            history = await world.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
            told[f"{run.id} {run.run_id}"] = str(history.events)
    return told


async def test_a_session_id_is_in_no_history_and_in_no_notification_and_still_finds_its_verification(
    temporal_address: str, tmp_path: Path
) -> None:
    """In 17 histories of Identomat, and in each of its notifications, the session id stood in clear."""
    async with Backend().listening() as backend:
        world = hiding(World(await connect(temporal_address, "default"), tmp_path, account=own_account()))
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        at = f"http://127.0.0.1:{backend.port}/"
        name = f"backend-{world.account}"
        world.endpoints = {name: Endpoint(name=name, url=at, secrets=(secret,), allow_private=True)}
        async with world.workers():
            await world.hear(final())
            await world.register(notify=(name,))
            world.reader.say(APPROVED_WITH_FILE)
            await world.hear(final())
            first = await world.result()
            world.reader.say(DECLINED)
            await world.hear(final("KO"))
            await world.result()
            async with asyncio.timeout(60):
                while len(backend.told) < 2:
                    await asyncio.sleep(0.05)
            parts = dependencies_of(world, accounts={}, endpoints=frozenset({name}))
            path = world.tracker.path(world.key)
            async with in_process(build_app(parts)) as client:
                by_reference = await client.get(f"/verifications/{world.account}/{CAPABILITY}")
                by_digest = await client.get(f"/verifications/{path}")
        order = MessageRequest(
            key=world.key,
            path=path,
            kind=MessageKind.ONE_TIME_PASSWORD,
            digest=world.digester.digest("message", CAPABILITY),
            received_at=first.opened_at,
            send_before=first.opened_at,
        )
        await world.tracker.start_message(MessageReceived(order=order, receipt="inbox/pending/test"))
        noted = MessageOutcome(kind=order.kind, result=MessageResult.SENT, at=first.opened_at)
        await world.tracker.report_message(world.key, noted, may_start=True)
        async with asyncio.timeout(60):
            while len(told := await histories_of(world)) < 5:
                await asyncio.sleep(0.2)

    assert {asked.key.reference for asked in world.reader.asked} == {CAPABILITY}
    assert (world.reader.reads >= 2, world.reader.downloads) == (True, 1)
    assert {id_.split("/")[0] for id_ in told} >= {"verification", "message", "notification"}
    assert [id_ for id_, text in told.items() if CAPABILITY in text] == []
    assert [sent.json["data"]["reference"] for sent in backend.told] == [path.split("/")[1]] * 2
    assert [CAPABILITY.encode() in sent.body for sent in backend.told] == [False, False]
    assert [answer.json()["reference"] for answer in (by_reference, by_digest)] == [CAPABILITY] * 2
