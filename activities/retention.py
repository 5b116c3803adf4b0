"""Erases a page of what has been kept long enough."""

from collections import Counter
from datetime import UTC, datetime
from typing import Final

import structlog
from temporalio import activity

from activities.metrics import count
from vigil.retention import Retention
from vigil.temporal import messages

PAGE: Final = 500
"""Verifications that one activity looks at."""

_log = structlog.get_logger("vigil.retention")


class RetentionActivities:
    """Retention of all accounts."""

    def __init__(self, retention: Retention, *, page: int = PAGE) -> None:
        """Take what finds and erases, and how many verifications one activity looks at."""
        self._retention = retention
        self._page = page

    @activity.defn(name=messages.ERASE_DUE)
    async def erase_due(self, order: messages.RetentionPage) -> messages.RetentionPage:
        """Erase what is due of the verifications after a folder, and return the last folder of the page; None: all.

        Safe to repeat.
        """
        erased: Counter[str] = Counter()
        seen, now = 0, datetime.now(UTC)
        async for found in self._retention.folders(after=order.after):
            for due in await self._retention.due(found, now):
                await self._retention.erase(due, now)
                erased[due.kind] += due.objects
                name, about = "vigil_retention_erased_total", "Objects that retention has erased, by kind"
                count(name, about, amount=due.objects, account=due.key.account, kind=str(due.kind))
            activity.heartbeat()
            seen += 1
            if seen == self._page:
                return messages.RetentionPage(after=found, counts=dict(erased))
        _log.info("retention.finished", count=seen)
        return messages.RetentionPage(counts=dict(erased))
