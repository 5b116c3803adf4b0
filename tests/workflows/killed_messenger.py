"""A worker process that kills itself when a message is sent and nobody knows it yet. Run by `test_message_kills.py`."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from tests.messages import message_sender, messages_worker
from tests.sealed import connect
from tests.short_timeouts import with_short_timeouts
from tests.world import World
from vigil.domain.message import Channel
from vigil.messaging.contract import MessageSender, Outgoing, SendResult
from vigil.providers.transport import open_http


class KilledCarrier:
    """Hands a message over and dies before it can say so."""

    def __init__(self, message_sender: MessageSender) -> None:
        self.is_idempotent = message_sender.is_idempotent
        self._message_sender = message_sender

    async def send(self, outgoing: Outgoing, *, within: timedelta) -> SendResult:
        await self._message_sender.send(outgoing, within=within)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed processes say nothing")


async def main(address: str, folder: str, account: str, gateway: str) -> None:
    world = World(with_short_timeouts(await connect(address, "default")), Path(folder), account=account)
    async with open_http() as http:
        killed = KilledCarrier(message_sender(gateway, http))
        async with messages_worker(world, {Channel.SMS: killed}):
            await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
