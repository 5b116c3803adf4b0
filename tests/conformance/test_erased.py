"""After an erasure a person is nowhere: not in storage, histories, lists, logs or metrics, whatever comes later."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from tests.conformance.cases import KITS
from tests.conformance.kit import Condition
from tests.conformance.places import Place, leaks, listening, said
from tests.conformance.rig import Play, Rig
from tests.conformance.test_personal_data import about
from vigil.sealing.data_keys import FOLDER as DATA_KEYS
from vigil.simulator.registry import SIMULATED
from vigil.storage.contract import NotStored, names_under, under
from vigil.storage.receipt_names import QUARANTINED
from vigil.temporal import messages

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def erase(rig: Rig, play: Play) -> None:
    headers = {"idempotency-key": "erase-4711"}
    async with asyncio.timeout(120):
        while True:
            answer = await rig.api.delete(f"/verifications/{rig.tracker.path(play.key)}/data", headers=headers)
            if answer.status_code == 200:
                return
            assert answer.status_code == 202, answer.text


async def runs_about(rig: Rig, path: str) -> list[str]:
    """Return every listed run whose id or history names the verification, but for those that erase."""
    found = []
    async for run in rig.tracker.client.list_workflows():
        if run.workflow_type == messages.ERASURE_WORKFLOW:
            continue
        history = await rig.tracker.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        if path in run.id or any(path.encode() in event.SerializeToString() for event in history.events):
            found.append(run.id)
    return found


@pytest.mark.parametrize("provider", KITS)
async def test_a_person_is_nowhere_after_the_erasure_and_stays_away(stepped: Rig, provider: str) -> None:
    since, person = datetime.now(UTC), SIMULATED[provider].markers
    others = await contents(stepped)
    kit = next(iter(KITS[provider].senders.values()))
    play = await stepped.play(provider, kit, kit.scenario)
    path = stepped.tracker.path(play.key)
    mine = under(path)
    with listening(stepped) as heard:
        await stepped.register(play)
        await stepped.time.passes(kit.final_at * 2)
        sent = stepped.postbox.of(play.url)
        for each in sent:
            await stepped.post(play, each)
        await stepped.complete(play)
        # A body that is about the person and names the verification, and that no reader understands.
        genuine = kit.callback(Condition.GENUINE, play.key.reference, datetime.now(UTC))
        for each in about(genuine, person):
            await stepped.post(play, each)
        await stepped.complete(play)
        before = await of_one(stepped, mine)
        await erase(stepped, play)
        after = await of_one(stepped, mine)
        for each in [*sent, genuine]:
            await stepped.post(play, each)
        async with asyncio.timeout(60):
            while await pending(stepped, play):
                await asyncio.sleep(0.2)
        texts = await said(stepped, heard, since=since)
        async with asyncio.timeout(60):
            while await runs_about(stepped, path):
                await asyncio.sleep(0.5)
        left = await contents(stepped)

    assert leaks(before, person.values())
    assert (after, await of_one(stepped, mine)) == (b"", b"")
    # All of the storage, but for what earlier verifications of the person left in it, and for callbacks that name no
    # verification: nobody can tell whose they are, and they go when their time is over.
    named = {name: play.key.reference.encode() in content for name, content in left.items() if name not in others}
    with_person = [name for name in named if leaks(left[name], person.values())]
    assert [name for name in with_person if named[name] or not name.startswith(QUARANTINED)] == []
    assert {place: leaks(text, person.values()) for place, text in texts.items()} == {place: set() for place in Place}


async def contents(rig: Rig) -> dict[str, bytes]:
    """Return all that storage holds, opened."""
    storage, found = rig.dependencies.storage, {}
    async for name in names_under(storage, ""):
        if not name.startswith(f"{DATA_KEYS}/"):
            with suppress(NotStored):  # the relay moved or erased it meanwhile
                found[name] = await storage.read(name)
    return found


async def of_one(rig: Rig, folder: str) -> bytes:
    """Return all that storage holds of one verification."""
    storage = rig.dependencies.storage
    return b"\n".join([await storage.read(name) for name in await storage.list(folder)])


async def pending(rig: Rig, play: Play) -> bool:
    """Whether a receipt that names the verification is still on its way."""
    return play.key.reference.encode() in await of_one(rig, "inbox/pending")
