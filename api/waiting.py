"""Waiting for news of a verification: one wait at Temporal for all who listen to it in this process."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from temporalio.service import RPCError

from vigil.client import VerificationClient
from vigil.domain.explanation import Situation
from vigil.domain.verification_key import VerificationKey

MOST_WATCHED: Final = 300
"""A frontend of Temporal admits 1200 long polls; other processes want some too."""
_AT_A_TIME: Final = timedelta(minutes=5)

_log = structlog.get_logger("vigil.waits")


class _Watch:
    """What is watched of one verification, and how many listen."""

    def __init__(self) -> None:
        self.listeners = 0
        self.news = asyncio.Condition()
        self.seen: int = -1
        self.task: asyncio.Task[None] | None = None


class SharedWaits:
    """Shares one wait per verification among its listeners; the wait ends with the last of them."""

    def __init__(self, tracker: VerificationClient) -> None:
        self._tracker = tracker
        self._watches: dict[VerificationKey, _Watch] = {}

    async def until_beyond(self, key: VerificationKey, sequence: int, *, within: timedelta) -> None:
        """Return when more than `sequence`, the last that is published now, was published, and at the latest `within`.

        Where too much is watched already it returns at once.
        """
        if key not in self._watches and len(self._watches) >= MOST_WATCHED:
            return
        watch = self._watches.setdefault(key, _Watch())
        watch.listeners += 1
        try:
            async with asyncio.timeout(within.total_seconds()), watch.news:
                if watch.task is None or watch.task.done():
                    watch.task = asyncio.create_task(self._follow(key, watch, sequence))
                await watch.news.wait_for(lambda: watch.seen > sequence or watch.task is None)
        except TimeoutError:
            return
        finally:
            watch.listeners -= 1
            if watch.listeners == 0:
                self._watches.pop(key, None)
                if watch.task is not None:
                    watch.task.cancel()

    async def _follow(self, key: VerificationKey, watch: _Watch, sequence: int) -> None:
        """Keep `watch.seen` true. Where that breaks off, as when Temporal goes away, the listeners look themselves."""
        watch.seen = max(watch.seen, sequence)
        try:
            while True:
                seen = await self._tracker.wait_until(
                    key, lambda situation: _sequence(situation) > watch.seen, within=_AT_A_TIME
                )
                async with watch.news:
                    watch.seen = max(watch.seen, _sequence(seen))
                    watch.news.notify_all()
        except (RPCError, RuntimeError, OSError) as error:
            _log.warning("wait.broken_off", error=type(error).__name__)
        finally:
            async with watch.news:
                watch.task = None
                watch.news.notify_all()


def _sequence(situation: Situation | None) -> int:
    return situation.summary.sequence if situation is not None and situation.summary is not None else -1
