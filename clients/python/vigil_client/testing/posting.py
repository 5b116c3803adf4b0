"""Notifications of the fake, posted into a user's ASGI application."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import httpx
from standardwebhooks import Webhook

from vigil_client.models import OwedNotification
from vigil_client.notifications import COMPLETED, Notification

Scope: TypeAlias = MutableMapping[str, Any]
AsgiApp: TypeAlias = Callable[
    [Scope, Callable[[], Awaitable[Scope]], Callable[[Scope], Awaitable[None]]], Awaitable[None]
]
_GONE: Final = 410


@dataclass(frozen=True)
class Endpoint:
    """An ASGI application of the user, and where in it notifications arrive."""

    app: AsgiApp
    path: str
    notify_complete: bool


@dataclass(frozen=True)
class Posted:
    """One notification, as it was or will be posted. `status` is None until it was."""

    endpoint: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the application accepted it, or answered 410."""
        return self.status == _GONE or httpx.codes.is_success(self.status or 0)


async def post(queued: Posted, endpoint: Endpoint, secret: str) -> Posted:
    """Post a notification, and return it with the answer."""
    # Signed at the time of the attempt, by the real clock: receivers refuse what is older than five minutes.
    now = datetime.now(UTC)
    headers = {
        **queued.headers,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(queued.headers["webhook-id"], now, queued.body.decode()),
        "content-type": "application/json",
    }
    transport = httpx.ASGITransport(app=endpoint.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://your-app.test") as http:
        response = await http.post(endpoint.path, content=queued.body, headers=headers)
    return Posted(queued.endpoint, headers, queued.body, response.status_code)


def row_of(posted: Posted, now: datetime) -> OwedNotification:
    """Return how a notification stands."""
    notification = Notification.model_validate_json(posted.body)
    state = "pending" if posted.status is None else "gone" if posted.status == _GONE else "delivered"
    return OwedNotification(
        endpoint=posted.endpoint,
        revision=notification.data.revision,
        of_completion=notification.type == COMPLETED,
        state=state,
        attempts=int(posted.status is not None),
        answer=None,
        at=now,
        next_at=now if posted.status is None else None,
    )
