"""A worker that is killed in each step of an erasure, as a real process by a real signal, and another that goes on.

The storage is sealed, so that to forget the data key is a step too.
"""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.conformance.places import leaks, texts_of
from tests.sealed import write_keys
from tests.workflows.killed_eraser import POINTS
from tests.workflows.test_erasure import MARKER, assert_nothing_is_left, finished
from tests.world import World, own_account
from vigil.sealing.data_keys import FOLDER as DATA_KEYS
from vigil.sealing.errors import DataKeyForgotten, DataKeyUnreadable
from vigil.sealing.keysets import Keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import names_under, under
from vigil.storage.folder import FolderStorage
from vigil.temporal import messages

NO_TIME = timedelta(milliseconds=1)
SEARCHED = ("Quorvathsson", "Tapperwhistle", MARKER)


@pytest.fixture
def sealed(client: Client, tmp_path: Path) -> World:
    return World(client, tmp_path / "store", account=own_account(), keys=write_keys(tmp_path / "keys"))


async def worker(address: str, world: World, point: str, *, until: str, log: Path) -> asyncio.subprocess.Process:
    own = (world.folder, world.keys or "", world.account, world.key.reference, point, until)
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.workflows.killed_eraser", address),
            *map(str, own),
            stdout=out,
            stderr=out,
        )


def erasure_of(world: World) -> str:
    return messages.erasure_id(world.tracker.path(world.key))


async def raw(world: World) -> dict[str, bytes]:
    """Return all that is stored, as it lies there."""
    return {name: await world.below.read(name) async for name in names_under(world.below, "")}


async def in_temporal(world: World) -> bytes:
    """Return all that the server says of the runs about a verification, opened: also of the run that erased it."""
    found = []
    async for run in world.client.list_workflows():
        if world.account in run.id:
            handle = world.client.get_workflow_handle(run.id, run_id=run.run_id)
            history = await handle.fetch_history()
            description = await handle.describe()
            found += [text for each in (description.raw_description, *history.events) for text in texts_of(each)]
    return b"\n".join(found)


@pytest.mark.parametrize("point", POINTS)
async def test_an_erasure_is_finished_though_a_worker_is_killed_in_it(
    temporal_address: str, sealed: World, tmp_path: Path, point: str
) -> None:
    log = tmp_path / "workers.log"
    async with sealed.workers():
        await finished(sealed)
    opened = [
        await sealed.storage.read(name) for name in await sealed.storage.list(under(sealed.tracker.path(sealed.key)))
    ]
    begun = await sealed.erasures.erase(sealed.key, by="checkout", within=NO_TIME)
    killed = await worker(temporal_address, sealed, point, until=erasure_of(sealed), log=log)
    code = await asyncio.wait_for(killed.wait(), 120)
    restarted = await worker(temporal_address, sealed, "never", until=erasure_of(sealed), log=log)
    async with asyncio.timeout(120):
        await sealed.client.get_workflow_handle(erasure_of(sealed)).result()
    await asyncio.wait_for(restarted.wait(), 60)
    receipt = await sealed.erasures.read(sealed.key)

    assert leaks(b"\n".join(opened), SEARCHED) == set(SEARCHED)
    assert begun is None
    assert code == -signal.SIGKILL
    assert receipt.finished_at is not None
    assert receipt.key_forgotten
    assert receipt.erased == {"artifacts": 1, "records": 1, "results": 1, "runs": 1}
    assert (receipt.verdict.decision, receipt.correlations) == ("approved", ())
    await assert_nothing_is_left(sealed)
    stored = await raw(sealed)
    assert [name for name in stored if sealed.key.reference in name] == [
        f"tombstones/{sealed.tracker.path(sealed.key)}"
    ]
    assert leaks(b"\n".join([*stored.values(), log.read_bytes(), await in_temporal(sealed)]), SEARCHED) == set()
    assert b"vigil_erasures_total" in log.read_bytes()


async def test_a_backup_of_every_object_is_noise_once_the_data_key_is_forgotten(sealed: World, tmp_path: Path) -> None:
    other = sealed.another()
    async with other.workers():
        await finished(other)
    async with sealed.workers():
        await finished(sealed)
        backup = await raw(sealed)
        assert await sealed.erasures.erase(sealed.key, by="checkout", within=timedelta(seconds=60))
    place, its = under(sealed.tracker.path(sealed.key)), under(other.tracker.path(other.key))
    data_key = f"{DATA_KEYS}/{place}"
    restored = FolderStorage(tmp_path / "restored")
    for name, content in backup.items():
        if name != data_key:
            await restored.put(name, content)
    assert sealed.keys is not None
    storage = SealedStorage(restored, Keysets(sealed.keys))
    names = [name for name in backup if name.startswith(f"{place}/") and "/seen/" not in name]

    assert data_key in backup
    assert {name.split("/")[3] for name in names} >= {"artifacts", "results", "records"}
    for name in names:
        with pytest.raises(DataKeyForgotten):
            await storage.read(name)
    assert leaks(b"\n".join(backup.values()), SEARCHED) == set()

    # Nor does the data key of another verification open it.
    await restored.put(data_key, backup[f"{DATA_KEYS}/{its}"])
    for name in names:
        with pytest.raises(DataKeyUnreadable):
            await storage.read(name)

    # With the data key it opens: the search can find something.
    await restored.put(data_key, backup[data_key])
    again = SealedStorage(restored, Keysets(sealed.keys))
    assert leaks(b"\n".join([await again.read(name) for name in names]), SEARCHED) == set(SEARCHED)
