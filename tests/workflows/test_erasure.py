"""Erasure on a real server: everything of a verification goes, its verdict stays, and nothing comes back."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from google.protobuf.json_format import MessageToJson
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from tests.workflows.verifying import verifying
from tests.world import APPROVED_WITH_FILE, World, final
from vigil.domain.hold import Hold, HoldReason
from vigil.domain.message import MessageKind, MessageReceived, MessageRequest
from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Outcome, Stage
from vigil.domain.tombstone import NotOurs, Tombstone
from vigil.errors import DataErased, DataOnHold, UnknownVerification
from vigil.providers.contract import ProviderResponse
from vigil.sealing.errors import DataKeyForgotten
from vigil.sealing.keysets import Keysets, make_keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import names_under, under
from vigil.storage.erasable import ErasableStorage
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import Receipt
from vigil.storage.receipt_names import QUARANTINED
from vigil.storage.tombstones import Holds
from vigil.temporal import messages

MARKER = "Quorvathsson-Tapperwhistle"
WITHIN = timedelta(seconds=60)


def say(world: World, snapshot: Snapshot) -> None:
    """Have the provider answer with a person."""
    world.reader.files["portrait-1"] = MARKER.encode()
    world.reader.says = ProviderResponse(snapshot=snapshot, raw=json.dumps({"name": MARKER}).encode())


async def finished(world: World) -> None:
    say(world, APPROVED_WITH_FILE)
    await world.register(correlation="order-4711")
    await world.hear(final("OK"))
    await world.result()


async def stored(world: World) -> dict[str, bytes]:
    """Return all that is stored, but for the tombstone and the data keys, which open nothing without keysets."""
    others = ("tombstones/", "keys/")
    names = [name async for name in names_under(world.storage, "") if not name.startswith(others)]
    return {name: await world.storage.read(name) for name in names}


async def histories(world: World) -> list[str]:
    """Return the history of every run that the server lists, but for those of erasures."""
    found = []
    async for run in world.client.list_workflows():
        if run.workflow_type == "ErasureWorkflow":
            continue
        history = await world.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        found.append(run.id + "".join(MessageToJson(event) for event in history.events))
    return found


async def erase(world: World) -> Tombstone:
    receipt = await world.erasures.erase(world.key, by="checkout", within=WITHIN)
    assert receipt is not None
    return receipt


def quarantined(world: World, body: bytes) -> Receipt:
    return Receipt(
        received_at=datetime.now(UTC), account=world.account, correlation=None, proof="secret", headers={}, body=body
    )


async def assert_nothing_is_left(world: World) -> None:
    left = await stored(world)
    assert [name for name in left if world.key.reference in name] == []
    assert not any(MARKER.encode() in content for content in left.values())
    named = world.folder.rglob(f"*{world.key.reference}*")
    assert [path for path in named if path.parent.parent.name != "tombstones"] == []
    async with asyncio.timeout(30):
        while any(world.key.reference in text for text in await histories(world)):
            await asyncio.sleep(0.2)
    assert await world.tracker.describe(world.key) is None


async def test_the_data_of_a_finished_verification_is_erased_and_its_verdict_stays(world: World) -> None:
    name = f"{QUARANTINED}20310101T000000.000000Z-{uuid4().hex}"
    async with world.workers():
        await finished(world)
        body = json.dumps({"id": world.key.reference, "name": MARKER}).encode()
        await world.storage.put_new(name, quarantined(world, body).model_dump_json().encode())
        before = await stored(world)
        receipt = await erase(world)
        again = await erase(world)

        await assert_nothing_is_left(world)
    known = await world.erasures.lookup.get(world.key)

    assert any(MARKER.encode() in content for content in before.values())
    assert receipt.finished_at is not None
    assert again == receipt
    assert (receipt.verdict.decision, receipt.verdict.outcome, receipt.asked_by) == ("approved", "decided", "checkout")
    assert {kind: receipt.erased[kind] for kind in ("artifacts", "results", "quarantined")} == {
        "artifacts": 1,
        "results": 1,
        "quarantined": 1,
    }
    assert receipt.erased["runs"] == 1
    assert MARKER not in receipt.model_dump_json()
    assert known.situation.summary is not None
    assert known.situation.summary.erased_at == receipt.erased_at
    assert known.situation.summary.decision == "approved"


async def test_a_backup_of_what_was_erased_cannot_be_read_without_a_backup_of_its_key(
    world: World, tmp_path: Path
) -> None:
    make_keysets(tmp_path / "keys")
    below = FolderStorage(tmp_path / "sealed")
    world.storage = ErasableStorage(SealedStorage(below, Keysets(tmp_path / "keys")))  # type: ignore[assignment]
    async with world.workers():
        await finished(world)
        backup = {name: await below.read(name) async for name in names_under(below, "verifications")}
        receipt = await erase(world)
    for name, content in backup.items():
        await below.put(name, content)
    restored = SealedStorage(below, Keysets(tmp_path / "keys"))
    files = [name for name in backup if "/artifacts/" in name or "/results/" in name]

    assert len(files) == 2
    for name in files:
        with pytest.raises(DataKeyForgotten):
            await restored.read(name)
    assert receipt.key_forgotten
    assert receipt.key_backups_until is not None
    assert NotOurs.KEY_BACKUPS in receipt.not_ours
    assert [name async for name in names_under(below, "keys/verifications")] == []


async def test_what_a_lost_run_stored_is_erased_though_nothing_else_is_known(world: World) -> None:
    with pytest.raises(UnknownVerification):
        await world.erasures.erase(world.key, by="checkout", within=WITHIN)
    await world.storage.put_new(under(world.tracker.path(world.key), "artifacts", "portrait"), MARKER.encode())
    async with world.workers():
        receipt = await erase(world)
        await assert_nothing_is_left(world)

    assert receipt.finished_at is not None
    assert (receipt.erased, receipt.verdict.decision, receipt.provider) == ({"artifacts": 1}, None, "acme")


async def test_a_callback_of_a_lost_key_stops_no_erasure(world: World, tmp_path: Path) -> None:
    for folder in ("keys", "lost"):
        make_keysets(tmp_path / folder)
    below = FolderStorage(tmp_path / "sealed")
    name = f"{QUARANTINED}20310101T000000.000000Z-{uuid4().hex}"
    await SealedStorage(below, Keysets(tmp_path / "lost")).put(name, b"of a key that was dropped")
    world.storage = ErasableStorage(SealedStorage(below, Keysets(tmp_path / "keys")))  # type: ignore[assignment]
    async with world.workers():
        await finished(world)
        receipt = await erase(world)

    assert receipt.finished_at is not None


async def test_an_open_verification_is_withdrawn_first(world: World) -> None:
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))  # the provider does not show it yet
        await world.until(lambda record: record.reads.count > 0)
        receipt = await erase(world)
        await assert_nothing_is_left(world)

    assert receipt.verdict.outcome == Outcome.WITHDRAWN


async def test_messages_and_what_a_backend_started_in_temporal_go_too(world: World) -> None:
    received_at = datetime.now(UTC)
    request = MessageRequest(
        key=world.key,
        path=world.tracker.path(world.key),
        kind=MessageKind.ONE_TIME_PASSWORD,
        digest="zn3zmnpz25xlxdo6w5sj5aamw5",
        received_at=received_at,
        send_before=received_at + timedelta(minutes=2),
    )
    await world.tracker.start_message(MessageReceived(order=request, receipt="inbox/pending/none"))
    async with verifying(world).workers():
        say(world, APPROVED_WITH_FILE)
        verify = await world.client.start_workflow(
            messages.VERIFY_WORKFLOW,
            {"account": world.account, "reference": world.key.reference},
            id=f"mine-{uuid4().hex}",
            task_queue=messages.VERIFICATIONS_QUEUE,
        )
        await world.hear(final("OK"))
        await verify.result()
        await world.result()
        receipt = await erase(world)

    for name in (verify.id, request.workflow_id):
        with pytest.raises(RPCError) as gone:
            await world.client.get_workflow_handle(name).describe()
        assert gone.value.status is RPCStatusCode.NOT_FOUND
    assert receipt.erased["runs"] >= 3


async def test_what_comes_afterwards_brings_nothing_back(world: World) -> None:
    async with world.workers():
        await finished(world)
        await erase(world)
        discovered = await world.erasures.start_discovered(world.key)
        rechecked = await world.erasures.start_recheck(world.key, 1)
        # What an API does that could not read the tombstone.
        await world.hear(final("OK"))
        late = await world.result()
        with pytest.raises(DataErased):
            await world.erasures.lookup.read_record(world.key)
        known = await world.erasures.lookup.get(world.key)
        await erase(world)
    left = await stored(world)

    assert (discovered, rechecked) == (False, False)
    assert (late.verdict.stage, late.reads.count) == (Stage.AWAITING_APPLICANT, 0)
    assert known.tombstone is not None
    assert [name for name in left if world.key.reference in name] == []


async def test_a_hold_forbids_the_erasure_until_it_ends(world: World, client: Client) -> None:
    async with world.workers():
        await finished(world)
        at, until = datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)
        hold = Hold(reason=HoldReason.LITIGATION, author="legal", placed_at=at, until=until)
        await world.erasures.hold(world.key, hold)
        with pytest.raises(DataOnHold) as refused:
            await erase(world)
        kept = await stored(world)
        # A hold that is placed after the request was accepted counts too.
        await Holds(world.storage).put(world.tracker.path(world.key), hold.model_copy(update={"until": at}))
        receipt = await erase(world)
        with pytest.raises(DataErased):
            await world.erasures.hold(world.key, hold)

    assert "legal" in str(refused.value)
    assert any(MARKER.encode() in content for content in kept.values())
    assert receipt.finished_at is not None
