"""Records the histories that `test_replay.py` replays; `make histories` after commands changed on purpose."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from connection import connect
from dev_server import dev_server
from domain.terms import Decision, Outcome
from leaving import leave
from providers.contract import Reply
from tests.world import APPROVED, APPROVED_WITH_FILE, STARTED, World, final, quick, step
from workflows import steps
from workflows.steps import SEARCH_ATTRIBUTES

HISTORIES: Final = Path(__file__).parent / "histories"


async def approved_by_a_callback(world: World) -> None:
    await world.register()
    await world.hear(step(1, "id_document"))
    await world.until(lambda record: record.heard == 1)
    world.reader.say(APPROVED_WITH_FILE)
    await world.hear(final("OK"))
    await world.result()


async def found_by_polling(world: World) -> None:
    world.reader.say(STARTED)
    await world.register()
    await world.until(lambda record: record.snapshot is not None)
    world.reader.say(APPROVED)
    await world.result()


async def canceled_on_a_callback(world: World) -> None:
    world.reader.says = Reply(snapshot=None, word="http_202")
    await world.register()
    await world.hear(final("CANCELED", ended=Outcome.CANCELED))
    await world.result(within=60)


async def timed_out(world: World) -> None:
    await world.register(deadline_at=await world.now() + timedelta(seconds=2))
    await world.result(within=60)


async def resolved_by_a_person(world: World) -> None:
    await world.register()
    resolve = steps.Resolve(author="ann", decision=Decision.DECLINED)
    await world.tracker.command(world.key, "resolve", resolve, command_id="1", within=timedelta(seconds=10))
    await world.result()
    await world.hear(final("OK"))
    await world.result()


STORIES: Final[tuple[Callable[[World], Awaitable[None]], ...]] = (
    approved_by_a_callback,
    found_by_polling,
    canceled_on_a_callback,
    timed_out,
    resolved_by_a_person,
)


async def record() -> None:
    """Play every story on a real server and keep its last run's history."""
    with tempfile.TemporaryDirectory() as folder:
        async with dev_server(log=Path(folder) / "server.log", search_attributes=SEARCH_ATTRIBUTES) as server:
            client = await connect(server.address, "default")
            for story in STORIES:
                world = World(client, Path(folder) / story.__name__, plan=quick(factor=900))
                async with world.workers():
                    await story(world)
                history = await world.tracker.handle(world.key).fetch_history()
                (HISTORIES / f"{story.__name__}.json").write_text(history.to_json() + "\n")


if __name__ == "__main__":
    HISTORIES.mkdir(exist_ok=True)
    asyncio.run(record())
    leave(0)
