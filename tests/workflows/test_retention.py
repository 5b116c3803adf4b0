"""Retention on a real server: what has been kept long enough goes, by its record, and nothing else does."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.workflows.test_erasure import MARKER, assert_nothing_is_left, finished, stored
from tests.workflows.test_erasure_kills import worker
from tests.world import World, final, own_account
from vigil.domain.hold import Hold, HoldReason
from vigil.domain.retention import KeepRules
from vigil.domain.tombstone import ErasureCause
from vigil.errors import DataOnHold
from vigil.retention import Due
from vigil.temporal import messages

NONE, LONG = timedelta(0), timedelta(days=3650)


def rules(**changes: timedelta | None) -> KeepRules:
    kept: dict[str, timedelta | None] = dict.fromkeys(("receipts", "results", "artifacts", "records"))
    return KeepRules(**{**kept, "tombstones": LONG, "at_least": NONE, **changes})  # type: ignore[arg-type]


def keeping(world: World, **changes: timedelta | None) -> World:
    world.rules = {world.account: rules(**changes)}
    return world


async def due(world: World) -> list[tuple[str, int]]:
    """Return what a dry run shows of this world's verification: kind and number of objects."""
    now, retention = datetime.now(UTC), world.retention
    found: list[Due] = [each async for name in retention.folders() for each in await retention.due(name, now)]
    return [(str(each.kind), each.objects) for each in found]


async def sweep(world: World) -> messages.RetentionPage:
    page: messages.RetentionPage = await world.client.execute_workflow(
        messages.RETENTION_WORKFLOW,
        messages.RetentionPage(),
        id=f"retention-{world.account}",
        task_queue=messages.VERIFICATIONS_QUEUE,
        result_type=messages.RetentionPage,
    )
    return page


def kinds_in(names: dict[str, bytes], world: World) -> set[str]:
    return {name.split("/")[3] for name in names if f"/{world.key.reference}/" in name}


async def test_results_and_files_go_when_their_time_is_over_and_the_record_stays(world: World) -> None:
    keeping(world, results=NONE, artifacts=NONE, records=LONG)
    async with world.workers():
        await finished(world)
        shown = await due(world)
        before = await stored(world)
        page = await sweep(world)
        again = await due(world)
    after = await stored(world)

    assert shown == [("results", 1), ("artifacts", 1)]
    assert {"results", "artifacts"} <= kinds_in(before, world)
    assert (page.after, page.counts) == (None, {"results": 1, "artifacts": 1})
    assert again == []
    assert kinds_in(after, world) >= {"records", "aged"}
    assert kinds_in(after, world).isdisjoint({"results", "artifacts"})
    assert not any(MARKER.encode() in content for content in after.values())


async def test_nothing_goes_before_its_time_nor_of_an_open_or_held_verification(world: World) -> None:
    keeping(world, results=LONG, artifacts=LONG, records=LONG)
    async with world.workers():
        await finished(world)
        young = await due(world)
        keeping(world, results=NONE, artifacts=NONE, records=NONE, receipts=NONE)
        hold = Hold(reason=HoldReason.AUDIT, author="ann", placed_at=datetime.now(UTC))
        await world.erasures.hold(world.key, hold)
        held = await due(world)
        await world.erasures.release(world.key)
        released = await due(world)
        other = keeping(world.another(), results=NONE)
        await other.register()
        not_ended = await due(other)

    assert (young, held, not_ended) == ([], [], [])
    assert [kind for kind, _ in released] == ["records"]


async def test_with_its_record_the_whole_verification_is_erased_and_at_last_its_tombstone(world: World) -> None:
    keeping(world, records=NONE)
    async with world.workers():
        await finished(world)
        await sweep(world)
        erasure = world.client.get_workflow_handle(messages.erasure_id(world.tracker.path(world.key)))
        await erasure.result()
        receipt = await world.erasures.read(world.key)
        await assert_nothing_is_left(world)
        keeping(world, records=NONE, tombstones=NONE)
    async with world.workers():
        page = await sweep(world)
    tombstone = await world.erasures.lookup.read_tombstone(world.key)

    assert (receipt.cause, receipt.asked_by) == (ErasureCause.RETENTION, "retention")
    assert page.counts == {"tombstones": 1}
    assert tombstone is None


async def test_what_an_older_release_stored_after_an_erasure_goes(world: World, tmp_path: Path) -> None:
    keeping(world, records=LONG)
    async with world.workers():
        await finished(world)
        await world.erasures.erase(world.key, by="ann", within=timedelta(seconds=60))
        left = tmp_path / "verifications" / world.account / world.key.reference / "results" / "late"
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_text(MARKER)
        shown = await due(world)
        await sweep(world)
        erasure = world.client.get_workflow_handle(messages.erasure_id(world.tracker.path(world.key)))
        await erasure.result()
        await assert_nothing_is_left(world)

    assert shown == [("left_behind", 1)]
    assert not left.exists()


async def test_the_law_may_forbid_the_erasure_for_a_time(world: World) -> None:
    keeping(world, results=timedelta(days=6 * 365), at_least=timedelta(days=5 * 365))
    async with world.workers():
        await finished(world)
        with pytest.raises(DataOnHold) as refused:
            await world.erasures.erase(world.key, by="ann", within=timedelta(seconds=1))
        shown = await due(world)

    assert "on hold by the settings (legal_minimum) until" in str(refused.value)
    assert shown == []


@pytest.mark.parametrize("point", ["middle erase_due", "end erase_due"])
async def test_a_sweep_goes_on_after_a_worker_was_killed_in_it(
    temporal_address: str, client: Client, tmp_path: Path, point: str
) -> None:
    world = keeping(World(client, tmp_path, account=own_account()), results=NONE, artifacts=NONE)
    async with world.workers():
        await finished(world)
        await world.hear(final("OK"))
        await world.result()
    sweeping = asyncio.create_task(sweep(world))
    name = f"retention-{world.account}"
    killed = await worker(temporal_address, world, point, until=name, log=tmp_path / "workers.log")
    code = await asyncio.wait_for(killed.wait(), 120)
    async with world.workers():
        await asyncio.wait_for(sweeping, 120)
    left = await stored(world)

    assert code == -signal.SIGKILL
    assert await due(world) == []
    assert not any(MARKER.encode() in content for content in left.values())
