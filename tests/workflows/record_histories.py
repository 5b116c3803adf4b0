"""Records the histories that `test_replay.py` replays; `make histories` after commands changed on purpose."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from activities.notifications import Endpoint
from tests.activities.backend import Backend
from tests.messages import asked, carrier, messages_worker, simulated_sms
from tests.world import APPROVED, APPROVED_WITH_FILE, STARTED, World, final, own_account, quick, step
from vigil.demo.temporal_server import run_temporal_server
from vigil.domain.message import Channel, MessageKind, MessageReceived, MessageRequest
from vigil.domain.terms import Decision, Outcome, Proof
from vigil.domain.verification_key import workflow_id
from vigil.process_exit import exit_now
from vigil.providers.contract import ProviderResponse
from vigil.providers.transport import open_http
from vigil.storage.inbox import Inbox, Receipt
from vigil.temporal import messages
from vigil.temporal.connection import connect
from vigil.temporal.messages import SEARCH_ATTRIBUTES

BACKEND: Final = "backend"
MESSAGE: Final = "zn3zmnpz25xlxdo6w5sj5aamw5"
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HISTORIES: Final = Path(__file__).parent / "histories"


async def approved_by_a_callback(world: World) -> None:
    await world.register()
    await world.hear(step(1, "id_document"))
    await world.until(lambda record: record.callbacks.received == 1)
    world.reader.say(APPROVED_WITH_FILE)
    await world.hear(final("OK"))
    await world.result()


async def found_by_polling(world: World) -> None:
    world.reader.say(STARTED)
    await world.register()
    await world.until(lambda record: record.reads.snapshot is not None)
    world.reader.say(APPROVED)
    await world.result()


async def canceled_on_a_callback(world: World) -> None:
    world.reader.says = ProviderResponse(snapshot=None, word="http_202")
    await world.register()
    await world.hear(final("CANCELED", ended=Outcome.CANCELED))
    await world.result(within=60)


async def timed_out(world: World) -> None:
    await world.register(deadline_at=await world.now() + timedelta(seconds=2))
    await world.result(within=60)


async def resolved_by_a_person(world: World) -> None:
    await world.register()
    resolve = messages.Resolve(author="ann", decision=Decision.DECLINED)
    await world.tracker.command(world.key, "resolve", resolve, command_id="1", within=timedelta(seconds=10))
    await world.result()
    await world.hear(final("OK"))
    await world.result()


async def told_to_a_backend(world: World) -> None:
    world.reader.say(APPROVED)
    await world.register(notify=(BACKEND,))
    await world.hear(final("OK"))
    await world.result()


async def sent_after_an_unknown_attempt(world: World) -> None:
    received_at = await world.now()
    order = MessageRequest(
        key=world.key,
        path=world.tracker.path(world.key),
        kind=MessageKind.ONE_TIME_PASSWORD,
        digest=MESSAGE,
        received_at=received_at,
        send_before=received_at + timedelta(seconds=6),
    )
    receipt = Receipt(
        received_at=received_at,
        account=world.account,
        correlation=None,
        proof=Proof.SECRET,
        headers={},
        body=asked(world.key.reference),
        message=order,
    )
    async with simulated_sms() as sms, open_http() as http:
        await sms.trouble(answer=500)
        async with messages_worker(world, {Channel.SMS: carrier(sms.url, http, idempotent=True)}):
            await world.tracker.start_message(
                MessageReceived(order=order, receipt=await Inbox(world.storage).keep(receipt))
            )
            await world.client.get_workflow_handle(order.workflow_id).result()


Story: TypeAlias = Callable[[World], Awaitable[None]]
STORIES: Final[tuple[Story, ...]] = (
    approved_by_a_callback,
    found_by_polling,
    canceled_on_a_callback,
    timed_out,
    resolved_by_a_person,
    told_to_a_backend,
    sent_after_an_unknown_attempt,
)


def workflow_of(story: str, world: World) -> str:
    """Return the workflow whose history a story leaves behind."""
    path = world.tracker.path(world.key)
    if story == sent_after_an_unknown_attempt.__name__:
        return f"message/{world.account}/{MESSAGE}"
    return f"notification/{path}/1/{BACKEND}" if story == told_to_a_backend.__name__ else workflow_id(path)


def without_stack_traces(value: Any) -> Any:
    """Return a history without what names places on the machine that recorded it."""
    if isinstance(value, dict):
        return {name: without_stack_traces(inner) for name, inner in value.items() if name != "stackTrace"}
    return [without_stack_traces(inner) for inner in value] if isinstance(value, list) else value


async def record(stories: Sequence[Story]) -> None:
    """Play stories on a real server and keep the history of each one's last run."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(
            run_temporal_server(log=folder / "server.log", search_attributes=SEARCH_ATTRIBUTES)
        )
        backend = await stack.enter_async_context(Backend().listening())
        url = f"http://127.0.0.1:{backend.port}/"
        endpoint = Endpoint(name=BACKEND, url=url, secrets=(SECRET,), allow_private=True)
        client = await connect(server.address, "default")
        for story in stories:
            world = World(
                client,
                folder / story.__name__,
                plan=quick(factor=900),
                account=own_account(),
                endpoints={BACKEND: endpoint},
            )
            async with world.workers():
                await story(world)
                handle = client.get_workflow_handle(workflow_of(story.__name__, world))
                await handle.result()
            history = await handle.fetch_history()
            kept = without_stack_traces(json.loads(history.to_json()))
            (HISTORIES / f"{story.__name__}.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    HISTORIES.mkdir(exist_ok=True)
    asyncio.run(record(STORIES))
    exit_now(0)
