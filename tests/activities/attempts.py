"""Activities run as a worker runs them: one attempt at a time, each finding what the last one left behind."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

OrderT = TypeVar("OrderT")
ResultT = TypeVar("ResultT")

NOW = datetime(2031, 3, 4, 9, 0, tzinfo=UTC)


@dataclass
class Attempts:
    """The attempts of one activity. As the server does, it hands the last heartbeat's details to the next attempt."""

    number: int = 0
    scheduled_at: datetime = NOW
    left_behind: tuple[Any, ...] = ()
    heartbeats: int = 0

    async def next(self, step: Callable[[OrderT], Awaitable[ResultT]], order: OrderT, *, at: datetime = NOW) -> ResultT:
        """Run the next attempt, started at this time."""
        self.number += 1
        environment = ActivityEnvironment()
        environment.info = replace(
            environment.info,
            attempt=self.number,
            scheduled_time=self.scheduled_at,
            started_time=at,
            heartbeat_details=self.left_behind,
        )
        environment.on_heartbeat = self._heard
        return await environment.run(step, order)

    async def fails(
        self, step: Callable[[OrderT], Awaitable[ResultT]], order: OrderT, *, at: datetime = NOW
    ) -> ApplicationError:
        """Run the next attempt, which must end in an error that the server answers by another attempt."""
        with pytest.raises(ApplicationError) as caught:
            await self.next(step, order, at=at)
        assert not caught.value.non_retryable
        return caught.value

    def _heard(self, *details: Any) -> None:
        self.heartbeats += 1
        self.left_behind = details
