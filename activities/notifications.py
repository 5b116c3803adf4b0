"""Telling backends of verdicts, as Standard Webhooks: thin, signed, and never to a private address by accident."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx
from temporalio import activity

from activities.failures import try_again
from activities.metrics import count
from vigil.outbound_http import NotResolved, PrivateAddress, Resolve, post, resolve_host
from vigil.temporal import messages
from vigil.webhook_signature import signed_headers

GONE: Final = 410
BODY_VERSION: Final = 1
"""Of the body. A field that is added does not change it."""
ANSWER_WITHIN: Final = timedelta(seconds=20)
"""For a whole exchange, so that an answer which only drips in ends before the activity does."""


@dataclass(frozen=True)
class Endpoint:
    """A backend's address for notifications. `secrets` are those of Standard Webhooks; two during a rotation."""

    name: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    allow_private: bool = False


class NotificationActivities:
    """Sends notifications to the configured endpoints."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], http: httpx.AsyncClient, *, resolve: Resolve = resolve_host
    ) -> None:
        self._endpoints = endpoints
        self._http = http
        self._resolve = resolve

    @activity.defn(name=messages.SEND_NOTIFICATION)
    async def send_notification(self, notify: messages.Notification) -> messages.NotificationResult:
        """Send once. Any 2xx is delivered, 410 ends it, everything else is tried again."""
        result = "tried_again"
        try:
            sent = await self._send(notify)
            result = sent.result
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
