"""The one wait of a verification: everything that happens rings, and one timer rings for what is due."""

import asyncio
from datetime import datetime

from temporalio import workflow


class WakeUp:
    """Rung by notices, commands, and activities that are done; its alarm is the only timer of a wait."""

    def __init__(self) -> None:
        self._is_rung = False
        self._due: datetime | None = None
        self._timer: asyncio.Task[None] | None = None

    def notify(self) -> None:
        """Something has happened."""
        self._is_rung = True

    async def wait(self, due: datetime | None, summary: str) -> None:
        """Wait until something has happened since the last wait, or until `due`.

        The timer is replaced only when another time is due, so that a wait which is rung many times costs one timer.
        """
        if due != self._due:
            self._set_alarm(due, summary)
        await workflow.wait_condition(lambda: self._is_rung)
        self._is_rung = False

    def stop(self) -> None:
        """Take the timer back."""
        self._set_alarm(None, "")

    def _set_alarm(self, due: datetime | None, summary: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = None if due is None else asyncio.create_task(self._ring_at(due, summary))

    async def _ring_at(self, due: datetime, summary: str) -> None:
        await workflow.sleep(due - workflow.now(), summary=summary)
        self._due = None
        self.notify()
