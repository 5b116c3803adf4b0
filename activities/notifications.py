"""Telling backends of verdicts, as Standard Webhooks: thin, signed, and never to a private address by accident."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx
import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.failures import try_again
from activities.metrics import count
from vigil.domain.notification import NotificationRow, NotificationState
from vigil.domain.terms import as_word
from vigil.domain.verification_key import VerificationKey
from vigil.errors import UnknownAccount
from vigil.outbound_http import NotResolved, PrivateAddress, Resolve, post, resolve_host
from vigil.storage.contract import StorageError
from vigil.storage.notifications import NotificationRows
from vigil.temporal import messages
from vigil.webhook_signature import signed_headers

GONE: Final = 410
BODY_VERSION: Final = 1
"""Of the body. A field that is added does not change it."""
ANSWER_WITHIN: Final = timedelta(seconds=20)
"""For a whole exchange, so that an answer which only drips in ends before the activity does."""

SETTLED_WITHIN: Final = timedelta(seconds=8)
"""So that an exchange and this end before the activity does."""
TRIED_FOR: Final = timedelta(days=5)
LONGEST_PAUSE: Final = timedelta(hours=1, minutes=1)
"""A little longer than the longest pause between two attempts."""

_log = structlog.get_logger("vigil.notifications")


@dataclass(frozen=True)
class Endpoint:
    """A backend's address for notifications. `secrets` are those of Standard Webhooks; two during a rotation."""

    name: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    allow_private: bool = False


@dataclass(frozen=True)
class Bookkeeping:
    """Keeps what became of notifications where people look: in storage, and in the verification if one is owed."""

    rows: NotificationRows
    report: Callable[[VerificationKey, NotificationRow], Awaitable[None]]
    not_notified_after: timedelta
    """How long a notification may fail before its verification raises attention."""

    async def note_failure(self, notify: messages.Notification, answer: str) -> bool:
        """Report a notification that fails for long. Return whether the days are over, so that it is settled."""
        info = activity.info()
        failing_for = info.started_time - info.scheduled_time
        if failing_for >= TRIED_FOR - LONGEST_PAUSE:
            await self.settle(notify, NotificationState.GIVEN_UP, answer)
            return True
        if failing_for >= self.not_notified_after:
            await self._report(notify, _row(notify, NotificationState.PENDING, answer), attempts=1)
        return False

    async def settle(self, notify: messages.Notification, state: NotificationState, answer: str | None = None) -> None:
        """Store how it ended, and report it. It never fails: the notification would be sent twice."""
        row = _row(notify, state, answer or ("endpoint_answered_410" if state is NotificationState.GONE else None))
        try:
            async with asyncio.timeout(SETTLED_WITHIN.total_seconds()):
                await self.rows.put(notify.path, row)
                await self._report(notify, row, attempts=3)
        except (StorageError, TimeoutError):
            _log.error("notification.not_settled", name=notify.endpoint, answer=str(state))

    async def _report(self, notify: messages.Notification, row: NotificationRow, *, attempts: int) -> None:
        if row.is_owed:
            about = "Notifications that are owed for long, or will not be delivered"
            count("vigil_notifications_owed_total", about, endpoint=row.endpoint, state=str(row.state))
        for attempt in range(1, attempts + 1):
            try:
                await self.report(notify.verification or notify.key, row)
            except (RPCError, RuntimeError, UnknownAccount):
                if attempt == attempts:
                    _log.error("notification.not_reported", name=row.endpoint, answer=str(row.state))
                else:
                    await asyncio.sleep(attempt)
            else:
                return


def _row(notify: messages.Notification, state: NotificationState, answer: str | None) -> NotificationRow:
    info = activity.info()
    return NotificationRow(
        endpoint=notify.endpoint,
        revision=notify.revision,
        of_completion=notify.type == "verification.completed",
        state=state,
        attempts=info.attempt,
        answer=as_word(answer),
        at=info.started_time,
    )


class NotificationActivities:
    """Sends notifications to the configured endpoints."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        http: httpx.AsyncClient,
        bookkeeping: Bookkeeping,
        *,
        resolve: Resolve = resolve_host,
    ) -> None:
        self._endpoints = endpoints
        self._http = http
        self._resolve = resolve
        self._bookkeeping = bookkeeping

    @activity.defn(name=messages.SEND_NOTIFICATION)
    async def send_notification(self, notify: messages.Notification) -> messages.NotificationResult:
        """Send once. Any 2xx is delivered, 410 ends it, everything else is tried again until the days are over."""
        result = "tried_again"
        try:
            sent = await self._send(notify)
            result = sent.result
        except ApplicationError as failure:
            if not await self._bookkeeping.note_failure(notify, failure.type or "unknown"):
                raise
            result = "given_up"
            sent = messages.NotificationResult(result="given_up", attempts=activity.info().attempt)
        else:
            await self._bookkeeping.settle(notify, NotificationState(sent.result))
        finally:
            count("vigil_notifications_total", "Attempts to notify", endpoint=notify.endpoint, result=result)
        return sent

    async def _send(self, notify: messages.Notification) -> messages.NotificationResult:
        attempt = activity.info().attempt
        endpoint = self._endpoints.get(notify.endpoint)
        if endpoint is None:
            # It may be back in the settings after the next start of a worker.
            raise try_again("endpoint_not_configured")
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                status = await self._post(endpoint, notify)
        except PrivateAddress:
            raise try_again("endpoint_is_private") from None
        except (httpx.HTTPError, NotResolved, OSError):  # an OSError is also the time that is up
            raise try_again("endpoint_unreachable") from None
        if status == GONE:
            return messages.NotificationResult(result="gone", attempts=attempt)
        if not httpx.codes.is_success(status):
            raise try_again(f"endpoint_answered_{status}")
        return messages.NotificationResult(result="delivered", attempts=attempt)

    async def _post(self, endpoint: Endpoint, notify: messages.Notification) -> int:
        body = json.dumps(_body(notify), separators=(",", ":"))
        headers = signed_headers(endpoint.secrets, notify.message_id, body)
        allow_private = endpoint.allow_private
        return await post(self._http, endpoint.url, body, headers, allow_private=allow_private, resolve=self._resolve)


def _body(notify: messages.Notification) -> dict[str, object]:
    fields = {"applicant", "revision", "sequence", "stage", "decision", "outcome"}
    key = {"account": notify.key.account, "reference": notify.key.reference}
    return {
        "type": notify.type,
        "version": BODY_VERSION,
        "timestamp": notify.at.isoformat(),
        "data": {**key, **notify.model_dump(mode="json", include=fields)},
    }
