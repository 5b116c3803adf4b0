"""The wait of a verification: whatever happens ends it, and so does its one timer."""

import asyncio
from datetime import datetime

from temporalio import workflow


class WakeUp:
    """Ends a wait on a callback, a command, the end of an activity, or the one timer that is set."""

    def __init__(self) -> None:
        self._has_happened = False
        self._due: datetime | None = None
        self._timer: asyncio.Task[None] | None = None

    def notify(self) -> None:
        """Note that something has happened."""
        self._has_happened = True

    async def wait(self, due: datetime | None, summary: str) -> None:
        """Wait until something has happened since the last wait, or until `due`.

        The timer is replaced only if `due` has changed. So a wait that ends often costs one timer.
        """
        if due != self._due:
            self._set_timer(due, summary)
        await workflow.wait_condition(lambda: self._has_happened)
        self._has_happened = False

    def stop(self) -> None:
        """Cancel the timer."""
        self._set_timer(None, "")

    def _set_timer(self, due: datetime | None, summary: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = None if due is None else asyncio.create_task(self._notify_at(due, summary))

    async def _notify_at(self, due: datetime, summary: str) -> None:
        await workflow.sleep(due - workflow.now(), summary=summary)
        self._due = None
        self.notify()
