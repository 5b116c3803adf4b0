"""Two things that fall due while every worker is down."""

import asyncio
from pathlib import Path

from temporalio.client import Client

from tests.world import World, final, own_account, quick
from vigil.domain.errors import ReferenceUnknown
from vigil.domain.terms import Outcome


async def test_a_window_that_closed_with_the_grace_while_workers_were_down_breaks_nothing(
    client: Client, tmp_path: Path
) -> None:
    world = World(client, tmp_path, account=own_account(), plan=quick(factor=600))
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.hear(final("OK"))
        denied = await world.until(lambda record: record.reads.last is not None)
    await asyncio.sleep(4)
    async with world.workers():
        record = await world.result(within=15)

    assert denied.verdict.outcome is None
    assert record.verdict.outcome is Outcome.UNKNOWN_TO_PROVIDER
