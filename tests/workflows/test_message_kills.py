"""A worker that is killed between sending a message and saying so, as a real process by a real signal."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from tests.messages import Messages, asked, simulated_sms
from tests.short_timeouts import with_short_timeouts
from tests.world import World, own_account, quick
from vigil.domain.terms import Attention


@pytest_asyncio.fixture
async def messages(client: Client, tmp_path: Path) -> AsyncIterator[Messages]:
    world = World(with_short_timeouts(client), tmp_path, account=own_account(), plan=quick(factor=60))
    messages = Messages(world)
    yield messages
    await messages.end()


@pytest.mark.parametrize(
    ("idempotent", "words", "requests"),
    [
        (False, ("one_time_password", "unknown", "worker_cut_off"), 1),
        (True, ("one_time_password", "sent", "after_unknown"), 2),
    ],
)
async def test_a_worker_killed_with_the_message_sent_costs_at_most_one_more_and_the_timeline_says_so(
    temporal_address: str, messages: Messages, words: tuple[str, ...], requests: int, *, idempotent: bool
) -> None:
    world = messages.world
    await world.register()
    await messages.call_back(asked(world.key.reference))
    async with simulated_sms() as sms:
        killed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.workflows.killed_messenger"),
            *(temporal_address, str(world.folder), world.account, sms.url),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        code = await asyncio.wait_for(killed.wait(), 60)
        before = len(await sms.requests())
        async with messages.through(sms, idempotent=idempotent):
            noted = await messages.noted()
            raised = {note.reason for note in (await world.record()).attention}
            await messages.until_forgotten()
        handed = await sms.requests()

    assert (code, before) == (-signal.SIGKILL, 1)
    assert noted == [words]
    assert len(handed) == requests
    assert len({each["message_id"] for each in handed}) == 1
    assert (Attention.MESSAGE_NOT_SENT in raised) is not idempotent
