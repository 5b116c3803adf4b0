"""An Identomat of which only one session is known, with one recording that is never in memory as a whole."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.providers.identomat.samples import result
from tests.providers.raw_server import Response, _request, json_response

BLOCK = 1024 * 1024
ETAG = '"recording"'


def block(number: int) -> bytes:
    """The n-th piece of the recording: random, and the same whenever it is asked for. It looks like nothing known."""
    return random.Random(number).randbytes(BLOCK)


class RecordingServer:
    """Sends the recording piece by piece, hangs up once in the middle, and calls `watch` before every piece."""

    def __init__(self, *, blocks: int, watch: Callable[[], None]) -> None:
        self.ranges: list[str | None] = []
        self._blocks = blocks
        self._watch = watch

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _, target, headers, _ = await _request(reader)
            if target == "/get-video-call-videos/":
                await self._send(writer, headers.get("range"))
            else:
                writer.write(_approved().encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, asked: str | None) -> None:
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        size = self._blocks * BLOCK
        status = f"206 Part\r\nContent-Range: bytes {start}-{size - 1}/{size}" if asked else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {size - start}\r\nETag: {ETAG}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        first, skipped = divmod(start, BLOCK)
        last = self._blocks if asked else self._blocks // 2
        for number in range(first, last):
            self._watch()
            writer.write(block(number)[skipped if number == first else 0 :])
            await writer.drain()


def _approved() -> Response:
    room = {"roomId": "room-1", "roomStatus": "ended", "videoFileStatus": "available", "videoFileId": "vf-1"}
    nothing_else: dict[str, Any] = {
        "document_type": "",
        "id_card_front": None,
        "id_card_back": None,
        "face_images": 0,
        "live": None,
    }
    return json_response(result(**nothing_else, videoCallStatus=[room]))
