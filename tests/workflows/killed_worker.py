"""A worker process that kills itself, once, at the point that a test names. Run by `test_kills.py` only."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.gate import GatedStorage
from tests.sealed import connect
from tests.short_timeouts import with_short_timeouts
from tests.world import APPROVED_WITH_FILE, SaidReader, World, quick
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.verification_key import VerificationKey
from vigil.process_exit import exit_now
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.storage.contract import Content, Storage, Stored

POINTS = (
    "during a read",
    "between a read and its result",
    "at half a download",
    "before the file is told of",
    "before the record is written",
    "after the record is written",
)


def killed() -> None:
    """End this process as a power failure does."""
    os.kill(os.getpid(), signal.SIGKILL)


class KilledReader(SaidReader):
    """Dies while it asks or downloads."""

    point = ""

    async def read(self, question: ReadRequest) -> ProviderResponse:
        if self.point == "during a read":
            killed()
        return await super().read(question)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        async with super().open_artifact(question, artifact, result) as stream:
            chunks = self._half(stream.chunks) if self.point == "at half a download" else stream.chunks
            yield ArtifactStream(chunks=chunks, media_type=stream.media_type)

    async def _half(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
            killed()


class KilledStorage(GatedStorage):
    """Dies before or after it has stored something."""

    def __init__(self, storage: Storage, point: str) -> None:
        super().__init__(storage)
        self._point = point

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        if "/records/" in name and self._point == "before the record is written":
            killed()
        stored = await super().put_new(name, content, media_type=media_type)
        for part, point in (
            ("/results/", "between a read and its result"),
            ("/artifacts/", "before the file is told of"),
            ("/records/", "after the record is written"),
        ):
            if part in name and self._point == point:
                killed()
        return stored


async def main(address: str, folder: str, account: str, reference: str, point: str) -> None:
    client = with_short_timeouts(await connect(address, "default"))
    world = World(client, Path(folder), plan=quick(factor=60), account=account)
    world.key = VerificationKey(account=account, reference=reference)
    reader = KilledReader()
    reader.point = point
    reader.say(APPROVED_WITH_FILE)
    world.reader = reader
    world.storage = KilledStorage(world.storage, point)
    async with world.workers():
        sys.stdout.write("serving\n")
        sys.stdout.flush()
        await world.result(within=60)
    exit_now(0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
