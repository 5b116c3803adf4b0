"""Long polls for changes of a verification: one call to Temporal serves all callers of this process."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from temporalio.service import RPCError

from vigil.domain.situation import Situation
from vigil.domain.verification_key import VerificationKey
from vigil.temporal.client import DESCRIBE_FINISHED_EVERY, VerificationClient

MOST_WATCHED: Final = 300
"""A frontend of Temporal admits 1200 long polls, and other processes need some too."""
_ONE_CALL: Final = timedelta(minutes=5)

_log = structlog.get_logger("vigil.long_polls")


class _Watch:
    """The last published sequence of one verification, and how many callers wait for the next."""

    def __init__(self) -> None:
        self.callers = 0
        self.changed = asyncio.Condition()
        self.sequence: int = -1
        self.task: asyncio.Task[None] | None = None


class LongPollHub:
    """Shares one wait per verification among its callers. The wait ends with the last of them."""

    def __init__(self, tracker: VerificationClient) -> None:
        self._tracker = tracker
        self._watches: dict[VerificationKey, _Watch] = {}

    async def wait_beyond(self, key: VerificationKey, sequence: int, *, timeout: timedelta) -> None:  # noqa: ASYNC109 -- a bound, not a failure
        """Return once a greater sequence than the last published one is published, or after `timeout`.

        Returns at once if too many verifications are watched. Never raises for an outage of Temporal.
        """
        if key not in self._watches and len(self._watches) >= MOST_WATCHED:
            return
        watch = self._watches.setdefault(key, _Watch())
        watch.callers += 1
        try:
            async with asyncio.timeout(timeout.total_seconds()), watch.changed:
                if watch.task is None or watch.task.done():
                    watch.task = asyncio.create_task(self._follow(key, watch, sequence))
                await watch.changed.wait_for(lambda: watch.sequence > sequence or watch.task is None)
        except TimeoutError:
            return
        finally:
            watch.callers -= 1
            if watch.callers == 0:
                self._watches.pop(key, None)
                if watch.task is not None:
                    watch.task.cancel()

    async def _follow(self, key: VerificationKey, watch: _Watch, sequence: int) -> None:
        """Keep `watch.sequence` up to date. If that fails, the callers return and read the verification themselves."""
        watch.sequence = max(watch.sequence, sequence)
        try:
            while True:
                seen = await self._tracker.wait_until(
                    key, lambda situation: _sequence_of(situation) > watch.sequence, within=_ONE_CALL
                )
                async with watch.changed:
                    watch.sequence = max(watch.sequence, _sequence_of(seen))
                    watch.changed.notify_all()
                if seen is None:  # Temporal has forgotten it, and answers at once
                    await asyncio.sleep(DESCRIBE_FINISHED_EVERY.total_seconds())
        except (RPCError, RuntimeError, OSError) as error:
            _log.warning("long_poll.failed", error=type(error).__name__)
        finally:
            async with watch.changed:
                watch.task = None
                watch.changed.notify_all()


def _sequence_of(situation: Situation | None) -> int:
    return situation.summary.sequence if situation is not None and situation.summary is not None else -1
