"""What retention finds, judged by what is stored alone: no server is asked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from tests.activities.test_erasure import AT, order, recorded, steps
from tests.sealed import connect
from tests.world import World
from vigil.domain.retention import KeepRules
from vigil.domain.tombstone import Tombstone
from vigil.sealing.keysets import Keysets, make_keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import names_under
from vigil.storage.folder import FolderStorage

NOW = datetime(2032, 3, 4, tzinfo=UTC)
NONE = timedelta(0)
RULES = KeepRules(receipts=None, results=None, artifacts=None, records=None, tombstones=NONE, at_least=NONE)


@pytest.fixture
async def world(tmp_path: Path) -> World:
    world = World(await connect("127.0.0.1:9", "default", lazy=True), tmp_path / "world")
    world.rules = {world.account: RULES}
    return world


async def due(world: World) -> list[tuple[str, int]]:
    retention = world.retention
    found = [each async for name in retention.folders() for each in await retention.due(name, NOW)]
    return [(each.kind, each.objects) for each in found]


async def test_a_tombstone_that_is_none_keeps_no_others_from_being_looked_at(world: World) -> None:
    await world.storage.put(f"tombstones/{world.account}/broken", b"{")
    await recorded(world)
    await ActivityEnvironment().run(steps(world).write_tombstone, order(world))
    await world.storage.erase(f"verifications/{world.account}/{world.key.reference}/records/000001")
    name = f"tombstones/{world.account}/{world.key.reference}"
    tombstone = Tombstone.model_validate_json(await world.storage.read(name))
    done = tombstone.finished(at=AT, erased={}, key_forgotten=False, backups=NONE)
    await world.storage.put(name, done.model_dump_json().encode())

    assert await due(world) == [("tombstones", 1)]


async def test_what_cannot_be_opened_is_kept_and_passed_over(world: World, tmp_path: Path) -> None:
    make_keysets(tmp_path / "keys")
    below = FolderStorage(tmp_path / "sealed")
    world.storage = SealedStorage(below, Keysets(tmp_path / "keys"))  # type: ignore[assignment]
    await recorded(world)
    await below.put(f"tombstones/{world.account}/{world.key.reference}", b"moved or changed")

    assert await due(world) == []


async def test_a_record_that_was_written_after_the_tombstone_is_left_behind(world: World) -> None:
    await recorded(world)
    await ActivityEnvironment().run(steps(world).write_tombstone, order(world))

    assert [name async for name in names_under(world.storage, "verifications")] != []
    assert await due(world) == [("left_behind", 1)]
