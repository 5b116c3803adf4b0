"""Telling backends of verdicts, as Standard Webhooks: thin, signed, and never to a private address by accident."""

import asyncio
import ipaddress
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook
from temporalio import activity

from activities.failures import try_again
from workflows import steps

GONE = 410


@dataclass(frozen=True)
class Endpoint:
    """A backend's address for notifications. `secrets` are those of Standard Webhooks; two during a rotation."""

    name: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    allow_private: bool = False


class NotifyingActivities:
    """Sends notifications to the configured endpoints."""

    def __init__(self, endpoints: Mapping[str, Endpoint], http: httpx.AsyncClient) -> None:
        self._endpoints = endpoints
        self._http = http

    @activity.defn(name=steps.SEND_NOTIFICATION)
    async def send_notification(self, notify: steps.Notify) -> steps.Sent:
        """Send once. Any 2xx is delivered, 410 ends it, everything else is tried again."""
        attempt = activity.info().attempt
        endpoint = self._endpoints.get(notify.endpoint)
        if endpoint is None:
            # It may be back in the settings after the next start of a worker.
            raise try_again("endpoint_not_configured")
        try:
            answer = await self._post(endpoint, notify)
        except (httpx.HTTPError, OSError):
            raise try_again("endpoint_unreachable") from None
        if answer.status_code == GONE:
            return steps.Sent(result="gone", attempts=attempt)
        if not answer.is_success:
            raise try_again(f"endpoint_answered_{answer.status_code}")
        return steps.Sent(result="delivered", attempts=attempt)

    async def _post(self, endpoint: Endpoint, notify: steps.Notify) -> httpx.Response:
        body = json.dumps(_body(notify), separators=(",", ":"))
        parts = urlsplit(endpoint.url)
        host = parts.hostname or ""
        pinned = await _resolved(host, parts.port or 443, allow_private=endpoint.allow_private)
        # The address that was checked is the address that is called; the name stays in Host and in TLS.
        url = httpx.URL(endpoint.url).copy_with(host=pinned)
        return await self._http.post(
            url,
            content=body,
            headers=_headers(endpoint, notify.message_id, body) | {"host": parts.netloc.rpartition("@")[2]},
            extensions={"sni_hostname": host},
            follow_redirects=False,
        )


def _body(notify: steps.Notify) -> dict[str, object]:
    data = notify.model_dump(mode="json", include={"key", "revision", "sequence", "stage", "decision", "outcome"})
    return {"type": "verification.revised", "timestamp": notify.at.isoformat(), "data": data}


def _headers(endpoint: Endpoint, message_id: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    signatures = " ".join(Webhook(secret).sign(message_id, now, body) for secret in endpoint.secrets)
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures,
    }


async def _resolved(host: str, port: int, *, allow_private: bool) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(info[4][0]) for info in found]
    allowed = [address for address in addresses if allow_private or address.is_global]
    if not allowed:
        raise try_again("endpoint_is_private")
    return str(allowed[0])
