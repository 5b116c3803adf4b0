"""The steps of an erasure, each by itself: repeated, and at the same time as a hold or a registration."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.erasure import ErasureActivities
from tests.sealed import connect
from tests.world import World
from vigil.domain.callbacks import open_record
from vigil.domain.hold import Hold, HoldReason
from vigil.domain.tombstone import ErasureCause
from vigil.errors import DataErased
from vigil.registration import digest_correlation
from vigil.sealing.keysets import Keysets, make_keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.correlations import Correlations
from vigil.storage.erasable import ErasableStorage
from vigil.storage.folder import FolderStorage
from vigil.storage.tombstones import Holds, Tombstones
from vigil.temporal import messages

AT = datetime(2031, 3, 4, tzinfo=UTC)
HOLD = Hold(reason=HoldReason.LITIGATION, author="legal", placed_at=AT)


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """A world with a recorded verification, without a server: no step that a test takes in it asks one."""
    return await recorded(World(await connect("127.0.0.1:9", "default", lazy=True), tmp_path))


async def recorded(world: World) -> World:
    record = open_record(world.key, provider="acme", environment="sandbox", at=AT, plan=world.plan)
    await world.records.write(world.tracker.path(world.key), 1, record.model_dump_json().encode())
    return world


def steps(world: World) -> ErasureActivities:
    return ErasureActivities(world.storage, world.tracker, world.digester)


def order(world: World) -> messages.EraseData:
    path = world.tracker.path(world.key)
    return messages.EraseData(key=world.key, path=path, asked_by="ann", cause=ErasureCause.REQUEST, at=AT)


async def test_a_hold_that_comes_with_the_tombstone_stops_the_erasure(world: World) -> None:
    asked = order(world)
    world.storage.close("put tombstones")
    writing = asyncio.create_task(ActivityEnvironment().run(steps(world).write_tombstone, asked))
    await world.storage.reached["put tombstones"].wait()
    await Holds(world.storage).put(asked.path, HOLD)
    world.storage.open_gate("put tombstones")
    with pytest.raises(ApplicationError, match="on hold"):
        await writing

    assert not await Tombstones(world.storage).exists(asked.path)


async def test_a_hold_that_comes_after_a_killed_attempt_stops_the_erasure(world: World) -> None:
    asked = order(world)
    await ActivityEnvironment().run(steps(world).write_tombstone, asked)
    await Holds(world.storage).put(asked.path, HOLD)
    with pytest.raises(ApplicationError, match="on hold"):
        await ActivityEnvironment().run(steps(world).write_tombstone, asked)

    assert not await Tombstones(world.storage).exists(asked.path)


async def test_a_hold_does_not_bring_back_what_an_earlier_order_has_begun_to_erase(world: World) -> None:
    asked = order(world)
    await ActivityEnvironment().run(steps(world).write_tombstone, asked)
    await Holds(world.storage).put(asked.path, HOLD)
    later = asked.model_copy(update={"at": datetime(2031, 3, 5, tzinfo=UTC)})
    await ActivityEnvironment().run(steps(world).write_tombstone, later)
    done = await ActivityEnvironment().run(
        steps(world).finish_erasure, messages.FinishErasure(order=later, counts={}, key_forgotten=False)
    )

    assert done.erased_at == AT
    assert await Holds(world.storage).read(asked.path) is None


async def test_a_hold_that_comes_after_the_tombstone_is_refused(temporal_address: str, tmp_path: Path) -> None:
    world = await recorded(World(await connect(temporal_address, "default"), tmp_path))
    asked = order(world)
    world.storage.close("put holds")
    holding = asyncio.create_task(world.erasures.hold(world.key, HOLD))
    await world.storage.reached["put holds"].wait()
    await ActivityEnvironment().run(steps(world).write_tombstone, asked)
    world.storage.open_gate("put holds")

    with pytest.raises(DataErased):
        await holding


async def test_the_mark_of_a_registration_that_conflicted_goes_too(temporal_address: str, tmp_path: Path) -> None:
    world = await recorded(World(await connect(temporal_address, "default"), tmp_path))
    asked, correlations = order(world), Correlations(world.storage)
    mark = digest_correlation(world.digester, world.account, "order-2")
    other = digest_correlation(world.digester, world.account, "order-3")
    await correlations.remember(world.account, mark, world.key.reference)
    await correlations.remember(world.account, other, "another")
    await ActivityEnvironment().run(steps(world).write_tombstone, asked)
    await ActivityEnvironment().run(steps(world).erase_objects, asked)

    assert [each async for each in correlations.marks(world.account)] == [other]


async def test_the_key_is_forgotten_also_if_an_attempt_before_forgot_it(world: World, tmp_path: Path) -> None:
    make_keysets(tmp_path / "keys")
    sealed = SealedStorage(FolderStorage(tmp_path / "sealed"), Keysets(tmp_path / "keys"))
    world.storage = ErasableStorage(sealed)  # type: ignore[assignment]
    await recorded(world)
    results = [await ActivityEnvironment().run(steps(world).forget_key, order(world)) for _ in range(2)]

    assert [result.counts for result in results] == [{"keys": 1}, {"keys": 1}]


async def test_a_finished_tombstone_keeps_its_receipt_when_objects_are_erased_again(world: World) -> None:
    asked = order(world)
    run = ActivityEnvironment().run
    await run(steps(world).write_tombstone, asked)
    finish = messages.FinishErasure(order=asked, counts={"records": 1}, key_forgotten=False)
    done = await run(steps(world).finish_erasure, finish)
    await run(steps(world).erase_objects, asked)

    assert done.found is None
    assert await Tombstones(world.storage).read(asked.path) == done


async def test_a_store_without_keys_has_none_to_forget(world: World) -> None:
    result = await ActivityEnvironment().run(steps(world).forget_key, order(world))

    assert result.counts == {"keys": 0}
