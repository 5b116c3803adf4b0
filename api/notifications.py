"""The notifications of a verification: how each stands, and sending them again."""

from typing import Final

from fastapi import APIRouter, Depends
from pydantic import Field

from api.auth import Backend
from api.dependencies import Caller, Dependencies, Key, Needs, Process
from api.problems import problem_responses
from vigil.config.keys import Right
from vigil.domain.models import StrictModel
from vigil.domain.notification import NotificationRow, NotificationState
from vigil.domain.terms import Instant, Name, Shown, Word
from vigil.domain.verification_key import VerificationKey
from vigil.temporal.notifications import send_again

router: Final = APIRouter(prefix="/verifications/{account}/{reference:path}/notifications", tags=["notifications"])


class OwedNotificationView(StrictModel):
    """A notification of one revision to one endpoint. `answer` is how its last attempt failed."""

    endpoint: Name
    revision: int
    of_completion: bool
    state: Shown[NotificationState]
    attempts: int
    answer: Word | None
    at: Instant = Field(description="when it was last tried, or ended")
    next_at: Instant | None

    @classmethod
    def of(cls, row: NotificationRow) -> "OwedNotificationView":
        """Return the view of a row."""
        return cls(**row.model_dump(include=set(cls.model_fields)))


class NotificationsView(StrictModel):
    """The notifications of a verification, the earliest revision first."""

    notifications: tuple[OwedNotificationView, ...]


class ResentView(StrictModel):
    """The endpoints to which the newest verdict is sent again."""

    endpoints: tuple[Name, ...]


@router.get(
    "",
    summary="List its notifications",
    description="Needs no worker.",
    responses=problem_responses(404),
    dependencies=[Depends(Needs(Right.READ))],
)
async def list_notifications(key: Key, process: Process) -> NotificationsView:
    """Return how each notification stands."""
    await process.lookup.get(key)
    rows = await process.lookup.read_notifications(key)
    return NotificationsView(notifications=tuple(OwedNotificationView.of(row) for row in rows))


@router.post(
    "/resend",
    summary="Notify its endpoints of the newest verdict again",
    description="To every registered endpoint that the key may name. The message has the same `webhook-id` as before.",
    responses=problem_responses(404, 415),
    dependencies=[Depends(Needs(Right.COMMAND))],
)
async def resend(key: Key, caller: Caller, process: Process) -> ResentView:
    """Send the newest verdict again."""
    return ResentView(endpoints=await send_newest_again(key, caller, process))


async def send_newest_again(key: VerificationKey, caller: Backend, process: Dependencies) -> tuple[Name, ...]:
    """Notify each endpoint of the newest verdict again, and return which. Raises `Problem` for one it may not name."""
    notifications = await process.lookup.newest_notifications(key)
    for notify in notifications:
        caller.require_endpoints([notify.endpoint])
    for notify in notifications:
        await send_again(process.tracker.client, notify)
    return tuple(notify.endpoint for notify in notifications)
