"""What one attempt at a download leaves for the next, in its heartbeats."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from pydantic import ValidationError
from temporalio import activity

from vigil.providers.contract import FileIdentity, FilePosition
from vigil.temporal.messages import DownloadProgress

BEAT_EVERY: Final = timedelta(seconds=5)


class Heartbeats:
    """The heartbeats of one attempt. They go on while the storage copies a file or reads it back."""

    def __init__(self) -> None:
        """Take what the attempt before left. What another release left and this one cannot read is not used."""
        details = activity.info().heartbeat_details
        self.spoiled: int = next(iter(details), 0)
        """How many attempts brought other bytes; an outage, which is an attempt too, does not count."""
        self.progress = DownloadProgress()
        with suppress(ValidationError):
            self.progress = DownloadProgress.model_validate(next(iter(details[1:]), {}))

    @property
    def position(self) -> FilePosition | None:
        """Where the download goes on; None: at the first byte."""
        size, etag = self.progress.size, self.progress.etag
        if size is None or etag is None:
            return None
        return FilePosition(FileIdentity(size=size, etag=etag), self.progress.received)

    def note(self, progress: DownloadProgress) -> None:
        """Leave this for the next attempt."""
        self.progress = progress
        self.beat()

    def count_spoiled(self) -> int:
        """Leave that this attempt brought other bytes, and return how many did."""
        self.spoiled += 1
        self.note(DownloadProgress())
        return self.spoiled

    def beat(self) -> None:
        """Tell the server that the attempt lives."""
        activity.heartbeat(self.spoiled, self.progress)


@asynccontextmanager
async def beating(every: timedelta) -> AsyncIterator[Heartbeats]:
    """Beat while the context lasts, whatever is waited for in it."""
    heartbeats = Heartbeats()

    async def go_on() -> None:
        while True:
            await asyncio.sleep(every.total_seconds())
            heartbeats.beat()

    task = asyncio.create_task(go_on())
    try:
        yield heartbeats
    finally:
        task.cancel()
