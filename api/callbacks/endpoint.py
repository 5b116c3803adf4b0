"""The HTTP endpoint for providers: every path below /callbacks, every method, and no answer of the framework."""

import asyncio
import re
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from api.callbacks.answers import AnswerCodes
from api.callbacks.content_coding import BodyTooLarge, codings_of, decode_body
from api.callbacks.dependencies import CallbackServices
from api.callbacks.intake import Intake
from api.callbacks.turns import LargeBodies
from vigil.probe import HEADER, Probe, answer_probe, open_probe
from vigil.providers.contract import CallbackRequest
from vigil.providers.parsing import CallbackBody

PREFIX: Final = "/callbacks"
_CORRELATION: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_CODED_TWICE: Final = frozenset({"content-encoding"})
"""Headers in which an equal value means the same thing once more."""
_PROBES: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods with which nothing is sent: a provider or a person tests the address."""

Network: TypeAlias = IPv4Network | IPv6Network


class _Disconnected(Exception):
    """The sender disconnected before its body was complete."""


class CallbackEndpoint:
    """ASGI middleware that answers every request below /callbacks itself and passes on all others."""

    def __init__(self, app: ASGIApp, *, services: CallbackServices, trusted_proxies: Sequence[Network]) -> None:
        self._app = app
        self._intake = Intake(services)
        self._answers = AnswerCodes(services.accounts, services.metrics)
        self._limits = services.limits
        self._digester = services.digester
        self._large_bodies = LargeBodies(services.limits)
        self._trusted = tuple(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path_of(scope) if scope["type"] == "http" else ""
        if path != PREFIX and not path.startswith(PREFIX + "/"):
            await self._app(scope, receive, send)
        elif scope["method"] in _PROBES:
            await _send_status(send, 200)
        else:
            await self._receive(scope, receive, send, path)

    async def _receive(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        account, correlation = _parse_path(path)
        headers = _headers_of(scope)
        source = source_of(scope, headers, self._trusted)
        probe = open_probe(self._digester, headers.get(HEADER), at=datetime.now(UTC))
        try:
            async with asyncio.timeout(self._limits.body_timeout.total_seconds()):
                received = await self._read_body(receive, headers, source)
                if probe is not None:
                    await self._answer_probe(scope, send, (headers, bytes(received)), probe)
                    return
                body = await self._decode(received, headers, source)
        except _Disconnected:
            return
        except BodyTooLarge:
            await self._answer(send, account, self._answers.codes_for(account).too_large)
            await self._intake.list_too_large(account, source)
            return
        except TimeoutError:
            await self._answer(send, account, self._answers.codes_for(account).lost)
            return
        request = CallbackRequest(account, correlation, headers, body, received_at=datetime.now(UTC))
        progress = await self._intake.receive(request, source)
        await self._answer(send, account, progress.status)
        await self._intake.finish(progress)

    async def _read_body(self, receive: Receive, headers: Mapping[str, str], source: Hashable) -> bytearray:
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:18]) > self._limits.largest_body:
            raise BodyTooLarge
        body = bytearray()
        while len(body) <= self._limits.small_body:
            if await self._read_part(receive, body):
                return body
        async with self._large_bodies.admit(source):
            size = 0
            while not await self._read_part(receive, body):
                await self._large_bodies.pace(len(body) - size, source)
                size = len(body)
        return body

    async def _decode(self, body: bytearray, headers: Mapping[str, str], source: Hashable) -> CallbackBody:
        """Return the body as `decode_body` does. A coded one that is not small waits as the largest body does."""
        largest = self._limits.largest_body
        if not codings_of(headers):
            return decode_body(bytes(body), headers, largest=largest)
        with suppress(BodyTooLarge):
            return decode_body(bytes(body), headers, largest=self._limits.small_body)
        async with self._large_bodies.admit(source):
            await self._large_bodies.pace(largest, source)
            return decode_body(bytes(body), headers, largest=largest)

    async def _read_part(self, receive: Receive, body: bytearray) -> bool:
        """Add a part to the body, and return whether it is the last one."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        body += message.get("body", b"")
        if len(body) > self._limits.largest_body:
            raise BodyTooLarge
        return not message.get("more_body", False)

    async def _answer_probe(
        self, scope: Scope, send: Send, received: tuple[Mapping[str, str], bytes], probe: Probe
    ) -> None:
        """Say how a probe of the operator arrived. Nothing is stored, signalled or counted."""
        headers, body = received
        peer = _parse_address((scope.get("client") or ("",))[0])
        is_proxy_named = any(peer in network for network in self._trusted) if peer is not None else True
        answer = answer_probe(
            probe,
            headers,
            body,
            at=datetime.now(UTC),
            is_behind_unnamed_proxy="x-forwarded-for" in headers and not is_proxy_named,
        )
        await _send_json(send, answer.model_dump_json().encode())

    async def _answer(self, send: Send, account: str, status: int) -> None:
        self._answers.count(account, status)
        await _send_status(send, status)


def source_of(scope: Scope, headers: Mapping[str, str], trusted: Sequence[Network]) -> IPv4Address | IPv6Address | None:
    """Return the address of the sender: the nearest address that is no proxy of ours.

    `X-Forwarded-For` is read from the right, and only while its writer is trusted. A part that is no address ends the
    reading: its writer also wrote everything to the left of it.
    """
    peer = _parse_address((scope.get("client") or ("",))[0])
    forwarded = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
    while peer is not None and any(peer in network for network in trusted) and forwarded:
        before = _parse_address(forwarded.pop())
        if before is None:
            return peer
        peer = before
    return peer


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _path_of(scope: Scope) -> str:
    """Return the path with exactly one slash before it, so that a URL with a doubled slash loses no callback."""
    path: str = scope["path"]
    return "/" + path.removeprefix(scope.get("root_path", "")).lstrip("/")


def _parse_path(path: str) -> tuple[str, str | None]:
    """Return account and correlation. A tail of another form counts as no correlation: it must not lose a callback."""
    account, *tail = [part for part in path.removeprefix(PREFIX).split("/") if part] or [""]
    correlation = tail[0] if len(tail) == 1 and _CORRELATION.fullmatch(tail[0]) else None
    return account, correlation


def _headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers by lower-case name. Blanks around a value are no part of it (RFC 9110, 5.5)."""
    values: dict[str, list[str]] = {}
    for raw_name, raw_value in scope["headers"]:
        values.setdefault(raw_name.decode("latin-1").lower(), []).append(raw_value.decode("latin-1").strip(" \t"))
    return {name: ", ".join(lines if name in _CODED_TWICE else _once(lines)) for name, lines in values.items()}


def _once(lines: list[str]) -> list[str]:
    """Return one value where all are equal: some proxies send a header twice, others join the two (RFC 9110, 5.3)."""
    if len(set(lines)) > 1:
        return lines
    parts = [part.strip(" \t") for part in lines[0].split(",")]
    half, is_odd = divmod(len(parts), 2)
    return [", ".join(parts[:half])] if not is_odd and parts[:half] == parts[half:] else lines[:1]


async def _send_status(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _send_json(send: Send, content: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
