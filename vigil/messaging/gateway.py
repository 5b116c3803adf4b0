"""An HTTP gateway that takes messages as JSON."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx
from pydantic import JsonValue

from vigil.messaging.contract import SENT, Outgoing, SendResult, refused, unknown
from vigil.outbound_http import NotResolved, PrivateAddress, Resolve, post, resolve_host

PLACEHOLDER: Final = re.compile(r"\{(to|text|id)\}")

_NUMBER: Final = re.compile(r"\+?(?:[ ()./-]*[0-9]){3,18}[ ()./-]{0,3}")
"""One telephone number, with any spaces; the longest has 15 digits after a prefix of two or three."""
_LONGEST_NUMBER: Final = 60
_TOO_MANY: Final = 429
_SERVERS_FAULT: Final = 500


@dataclass(frozen=True)
class Gateway:
    """How a gateway is called. `body` is the JSON that it receives, with `{to}`, `{text}` and `{id}` in its texts.

    No `accepted` codes: any 2xx.
    """

    url: str
    body: Mapping[str, JsonValue] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    accepted: frozenset[int] = frozenset()
    id_header: str = "Idempotency-Key"
    is_idempotent: bool = False
    allow_private: bool = False
    prefixes: tuple[str, ...] = ()
    """The beginnings of the numbers that messages may go to; none: any."""


class GatewaySender:
    """Sends messages through one gateway."""

    def __init__(self, gateway: Gateway, http: httpx.AsyncClient, *, resolve: Resolve = resolve_host) -> None:
        self.is_idempotent = gateway.is_idempotent
        self._gateway = gateway
        self._http = http
        self._resolve = resolve

    async def send(self, outgoing: Outgoing, *, within: timedelta) -> SendResult:
        """Post the message once. After the request has left, everything but a clear answer is `unknown`."""
        # Many gateways accept a list of receivers, and a code is for one receiver.
        is_one_number = len(outgoing.to) <= _LONGEST_NUMBER and _NUMBER.fullmatch(outgoing.to)
        if not is_one_number:
            return refused("address_not_usable")
        if self._gateway.prefixes and not _international(outgoing.to).startswith(self._gateway.prefixes):
            return refused("prefix_not_allowed")
        return await self._handed(outgoing, within=within)

    async def _handed(self, outgoing: Outgoing, *, within: timedelta) -> SendResult:
        try:
            async with asyncio.timeout(within.total_seconds()):
                status = await self._post(outgoing)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, NotResolved):
            return refused("gateway_unreachable", may_heal=True)
        except PrivateAddress:
            return refused("gateway_is_private")
        except TimeoutError:
            return unknown("gateway_timeout")
        except httpx.TimeoutException:
            return unknown("gateway_timeout")
        except (httpx.HTTPError, OSError):
            return unknown("gateway_cut_off")
        return self._meaning_of(status)

    def _meaning_of(self, status: int) -> SendResult:
        is_accepted = status in self._gateway.accepted if self._gateway.accepted else httpx.codes.is_success(status)
        if is_accepted:
            return SENT
        why = f"http_{status}"
        # A gateway may fail after it has sent the message.
        return unknown(why) if status >= _SERVERS_FAULT else refused(why, may_heal=status == _TOO_MANY)

    async def _post(self, outgoing: Outgoing) -> int:
        gateway = self._gateway
        content = json.dumps(filled(dict(gateway.body), outgoing))
        headers = {**gateway.headers, gateway.id_header: outgoing.message_id}
        return await post(
            self._http, gateway.url, content, headers, allow_private=gateway.allow_private, resolve=self._resolve
        )


def _international(number: str) -> str:
    """Return a number as `+` and its digits; one without a country's prefix begins with no `+`."""
    digits = re.sub(r"[^0-9]", "", number)
    return f"+{digits}" if number.startswith("+") else re.sub(r"^00", "+", digits)


def filled(template: JsonValue, outgoing: Outgoing) -> JsonValue:
    """Return a template with a message in its texts. Inserted values are not expanded again."""
    match template:
        case str():
            values = {"to": outgoing.to, "text": outgoing.text, "id": outgoing.message_id}
            return PLACEHOLDER.sub(lambda found: values[found[1]], template)
        case dict():
            return {key: filled(value, outgoing) for key, value in template.items()}
        case list():
            return [filled(value, outgoing) for value in template]
        case _:
            return template
