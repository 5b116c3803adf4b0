"""Telling backends of verdicts, as Standard Webhooks: thin, signed, and never to a private address by accident."""

import asyncio
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook
from temporalio import activity

from activities.failures import try_again
from workflows import steps

GONE: Final = 410
ANSWER_WITHIN: Final = timedelta(seconds=20)
"""For a whole exchange, so that an answer which only drips in ends before the activity does."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a host. Raises `OSError`."""


@dataclass(frozen=True)
class Endpoint:
    """A backend's address for notifications. `secrets` are those of Standard Webhooks; two during a rotation."""

    name: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    allow_private: bool = False


async def resolved(host: str, port: int) -> Sequence[str]:
    """Ask the machine's resolver. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


class NotifyingActivities:
    """Sends notifications to the configured endpoints."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], http: httpx.AsyncClient, *, resolve: Resolve = resolved
    ) -> None:
        self._endpoints = endpoints
        self._http = http
        self._resolve = resolve

    @activity.defn(name=steps.SEND_NOTIFICATION)
    async def send_notification(self, notify: steps.Notify) -> steps.Sent:
        """Send once. Any 2xx is delivered, 410 ends it, everything else is tried again."""
        attempt = activity.info().attempt
        endpoint = self._endpoints.get(notify.endpoint)
        if endpoint is None:
            # It may be back in the settings after the next start of a worker.
            raise try_again("endpoint_not_configured")
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                status = await self._post(endpoint, notify)
        except (httpx.HTTPError, OSError):  # an OSError is also the time that is up
            raise try_again("endpoint_unreachable") from None
        if status == GONE:
            return steps.Sent(result="gone", attempts=attempt)
        if not httpx.codes.is_success(status):
            raise try_again(f"endpoint_answered_{status}")
        return steps.Sent(result="delivered", attempts=attempt)

    async def _post(self, endpoint: Endpoint, notify: steps.Notify) -> int:
        """Send it and return the status code; the rest of the answer is left unread."""
        body = json.dumps(_body(notify), separators=(",", ":"))
        parts = urlsplit(endpoint.url)
        host = parts.hostname or ""
        addresses = await self._resolve(host, parts.port or 443)
        pinned = _allowed(addresses, allow_private=endpoint.allow_private)
        request = self._http.build_request(
            "POST",
            # The address that was checked is the address that is called; the name stays in Host and in TLS.
            httpx.URL(endpoint.url).copy_with(host=pinned),
            content=body,
            headers=_headers(endpoint, notify.message_id, body) | {"host": parts.netloc.rpartition("@")[2]},
            extensions={"sni_hostname": host},
        )
        answer = await self._http.send(request, stream=True, follow_redirects=False)
        await answer.aclose()
        return answer.status_code


def _body(notify: steps.Notify) -> dict[str, object]:
    data = notify.model_dump(mode="json", include={"key", "revision", "sequence", "stage", "decision", "outcome"})
    return {"type": "verification.revised", "timestamp": notify.at.isoformat(), "data": data}


def _headers(endpoint: Endpoint, message_id: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    signatures = " ".join(Webhook(secret).sign(message_id, now, body) for secret in endpoint.secrets)
    return {
        "content-type": "application/json",
        # Connections are shared by address, and two names at one address must not share one.
        "connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures,
    }


def _allowed(addresses: Sequence[str], *, allow_private: bool) -> str:
    allowed = [each for each in addresses if allow_private or ipaddress.ip_address(each).is_global]
    if not allowed:
        raise try_again("endpoint_is_private")
    return allowed[0]
