"""`vigil serve codec`: answers `POST /decode` as Temporal's UI and command line ask it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload, Payloads

from api.codec.payload_audit import MOST_NAMED, PayloadAudit, TooManyNamed
from api.codec.tokens import KeysUnavailable, NotInGroup, TokenRefused, Tokens, open_tokens
from api.security_headers import SecurityHeaders
from vigil.audit import Reader
from vigil.config.codec_settings import CodecSettings
from vigil.config.settings import Settings
from vigil.http_server.server import Server, open_listener
from vigil.process_exit import exit_now
from vigil.runtime import open_runtime
from vigil.sealing.codec import PayloadNotOpened, PayloadSeal, SealingCodec, is_sealed
from vigil.sealing.errors import KeyNotHeld
from vigil.sealing.keysets import KeysetName
from vigil.storage.contract import StorageUnavailable

LARGEST_BODY: Final = 4 * 1024 * 1024
"""Bytes. Temporal takes payloads of 2 MiB, which are 2.7 MiB in base64."""
MOST_PAYLOADS: Final = 1000
_ASKED_FROM: Final = ("content-type", "x-namespace", "authorization", "authorization-extras")
_log = structlog.get_logger("vigil.codec")


class Refused(Exception):
    """A request that is not answered, with the status and a sentence for the person who asks."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class CodecServer:
    """Opens payloads for whoever has a token, and writes a line to the audit log before it gives them out."""

    def __init__(
        self, codec: SealingCodec, namespace: str, tokens: Tokens, audit: PayloadAudit, ui_origin: str
    ) -> None:
        self._codec = codec
        self._namespace = namespace
        self._tokens = tokens
        self._audit = audit
        self._ui_origin = ui_origin

    async def decode(self, request: Request) -> Response:
        """Answer the payloads of the body, opened. What is not sealed is returned as it came."""
        try:
            reader = await self._who(request)
            payloads = _parse(await _read(request))
            opened = [self._open(payload) for payload in payloads]
            await self._note(reader, opened)
        except Refused as refused:
            _log.warning("codec.refused", status=refused.status)
            return JSONResponse({"message": str(refused)}, refused.status)
        return Response(json_format.MessageToJson(Payloads(payloads=opened)), media_type="application/json")

    async def _who(self, request: Request) -> Reader:
        if request.headers.get("origin", self._ui_origin) != self._ui_origin:
            raise Refused(403, "Only Temporal's UI may ask from a browser: see [codec] ui_origin.")
        if request.headers.get("x-namespace", self._namespace) != self._namespace:
            raise Refused(403, f"These keys are for the namespace {self._namespace}.")
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = request.path_params.get("token") or (bearer if scheme.lower() == "bearer" else "")
        try:
            return await self._tokens.reader(token)
        except TokenRefused:
            raise Refused(401, "The token is missing or wrong. Sign in at Temporal's UI again.") from None
        except NotInGroup:
            raise Refused(403, "You are not in the group that may read payloads.") from None
        except KeysUnavailable:
            raise Refused(503, "The issuer of tokens does not answer. Try again.") from None

    def _open(self, payload: Payload) -> Payload:
        try:
            return self._codec.open(payload) if is_sealed(payload) else payload
        except PayloadNotOpened as error:
            raise Refused(400, str(error)) from None

    async def _note(self, reader: Reader, opened: Sequence[Payload]) -> None:
        try:
            await self._audit.note(reader, opened)
        except TooManyNamed:
            raise Refused(413, f"The payloads name more than {MOST_NAMED} verifications. Ask for fewer.") from None
        except StorageUnavailable:
            sentence = "The storage takes no line of the audit log, so nothing is given out. Try again."
            raise Refused(503, sentence) from None


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise Refused(413, f"The body has more than {LARGEST_BODY} bytes.")
    return bytes(body)


def _parse(body: bytes) -> list[Payload]:
    try:
        payloads = list(json_format.Parse(body, Payloads()).payloads)
    except (json_format.ParseError, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise Refused(400, 'The body must be {"payloads": [...]}, as Temporal\'s UI sends it.') from None
    if len(payloads) > MOST_PAYLOADS:
        raise Refused(413, f"There are more than {MOST_PAYLOADS} payloads.")
    return payloads


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "alive"})


def build_app(server: CodecServer, ui_origin: str) -> Starlette:
    """Return the application. It has no way to seal a payload."""
    return Starlette(
        routes=[
            Route("/health/live", _alive),
            Route("/decode", server.decode, methods=["POST"]),
            Route("/{token}/decode", server.decode, methods=["POST"]),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(
                CORSMiddleware, allow_origins=[ui_origin], allow_methods=["POST"], allow_headers=list(_ASKED_FROM)
            ),
        ],
    )


@asynccontextmanager
async def open_app(settings: Settings, codec: CodecSettings) -> AsyncIterator[Starlette]:
    """Open the storage and the keys that the settings name. Raises `SealingError`, `StorageNotOpened`."""
    async with open_runtime(settings, lazy=True) as runtime:
        if runtime.keysets is None:
            raise KeyNotHeld(KeysetName.PAYLOADS)
        namespace = runtime.client.namespace
        opening = SealingCodec(PayloadSeal(runtime.keysets.payloads), namespace)
        audit = PayloadAudit(runtime.audit, runtime.tracker.path)
        yield build_app(CodecServer(opening, namespace, open_tokens(codec), audit, codec.ui_origin), codec.ui_origin)


def serve(settings: Settings, codec: CodecSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises as `open_app` does, and `OSError` if the address is taken."""
    os.umask(0o077)
    asyncio.run(_serve(settings, codec))
    exit_now(0)  # the SDK can abort an interpreter that ends by itself


async def _serve(settings: Settings, codec: CodecSettings) -> None:
    async with open_app(settings, codec) as app:
        await Server(app, open_listener(codec.host, codec.port)).serve()
