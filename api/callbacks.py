"""The face that providers see: every path below /callbacks, every method, and no answer of a framework's own."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final, TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from api.intake import Intake
from api.notices import Address, Arrival

PREFIX: Final = "/callbacks"
LARGEST_BODY: Final = 2 * 1024 * 1024
BODY_WITHIN: Final = timedelta(seconds=30)
_CORRELATION: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ONLY_LOOKING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Network: TypeAlias = IPv4Network | IPv6Network


class _Gone(Exception):
    """The sender left before its body was complete."""


class _TooLarge(Exception):
    """The body is larger than we take."""


class CallbackFace:
    """ASGI middleware that answers everything below /callbacks itself and hands on the rest."""

    def __init__(self, app: ASGIApp, *, intake: Intake, trusted_proxies: Sequence[Network]) -> None:
        self._app = app
        self._intake = intake
        self._trusted = tuple(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path(scope) if scope["type"] == "http" else ""
        if path != PREFIX and not path.startswith(PREFIX + "/"):
            await self._app(scope, receive, send)
        elif scope["method"] in _ONLY_LOOKING:
            await _answer(send, 200)
        else:
            await self._take(scope, receive, send, path)

    async def _take(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        account, correlation = _address(path)
        answers = self._intake.answers_for(account)
        headers = _headers(scope)
        try:
            async with asyncio.timeout(BODY_WITHIN.total_seconds()):
                body = await _read(receive, headers)
        except _Gone:
            return
        except _TooLarge:
            await self._answer_unread(send, account, answers.too_large)
            return
        except TimeoutError:
            await self._answer_unread(send, account, answers.lost)
            return
        arrival = Arrival(
            account=account,
            correlation=correlation,
            headers=headers,
            body=body,
            source=source_of(scope, headers, self._trusted),
            received_at=datetime.now(UTC),
        )
        course = await self._intake.take(arrival)
        self._intake.count_answer(account, course.status)
        await _answer(send, course.status)
        await self._intake.finish(arrival, course)

    async def _answer_unread(self, send: Send, account: str, status: int) -> None:
        self._intake.count_answer(account, status)
        await _answer(send, status)


def source_of(scope: Scope, headers: Any, trusted: Sequence[Network]) -> Address | None:
    """Return whom the callback comes from: the nearest address that is no proxy of ours.

    `X-Forwarded-For` is read from the right and only while the one who wrote it is trusted; what is not an address
    ends the reading, since whoever wrote it wrote everything before it too.
    """
    peer = _address_or_none((scope.get("client") or ("",))[0])
    forwarded = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
    while peer is not None and any(peer in network for network in trusted) and forwarded:
        before = _address_or_none(forwarded.pop())
        if before is None:
            return peer
        peer = before
    return peer


def _address_or_none(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _path(scope: Scope) -> str:
    """Return the path with one slash before it: an address that was put together carelessly loses no callback."""
    path: str = scope["path"]
    return "/" + path.removeprefix(scope.get("root_path", "")).lstrip("/")


def _address(path: str) -> tuple[str, str | None]:
    """Return account and correlation. A tail that is no correlation is none: a proven callback is never lost by it."""
    account, *rest = [part for part in path.removeprefix(PREFIX).split("/") if part] or [""]
    correlation = rest[0] if len(rest) == 1 and _CORRELATION.fullmatch(rest[0]) else None
    return account, correlation


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers by lower-case name; several of one name are joined as HTTP joins them."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


async def _read(receive: Receive, headers: dict[str, str]) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:18]) > LARGEST_BODY:
        raise _TooLarge
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise _TooLarge
        if not message.get("more_body", False):
            return bytes(body)


async def _answer(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
