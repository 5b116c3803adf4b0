"""Recordings of video calls of any size, never whole in memory, and their downloads, which may be cut."""

import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vigil.simulator.files import File, archive, video
from vigil.simulator.identomat.scenario import Room

BLOCK: Final = 256 * 1024
_KIND: Final = struct.pack(">I", 28) + b"ftypisom\0\0\2\0isomiso2mp41"
_REMAINDER: Final = re.compile(r"bytes=([0-9]{1,15})-")


@dataclass(frozen=True)
class Footage:
    """A file of `size` bytes, generated while it is read; always the same for one name."""

    name: str
    size: int
    beginning: bytes
    media_type: str

    @property
    def etag(self) -> str:
        """A strong validator of its bytes."""
        return f'"{hashlib.sha256(f"{self.name}/{self.size}".encode()).hexdigest()[:32]}"'

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """Return the bytes from `start` to before `stop`, piece by piece."""
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            first = block * BLOCK
            yield self._block(block)[max(start - first, 0) : stop - first]

    def _block(self, number: int) -> bytes:
        noise = hashlib.shake_128(f"{self.name}/{number}".encode()).digest(BLOCK)
        return self.beginning + noise[len(self.beginning) :] if number == 0 else noise


def footage(session: str, room: Room) -> Footage:
    """Return the recording of a video call; without a size it is small."""
    name, size = f"{session}/{room.file}", room.recording.size
    if room.recording.kind == "zip":
        return _small(name, archive({f"{room.file}.mp4": video(name).content}))
    if size is None:
        return _small(name, video(name))
    beginning = _KIND + struct.pack(">I", size - len(_KIND)) + b"mdat"
    return Footage(name=name, size=size, beginning=beginning, media_type="video/mp4")


def _small(name: str, file: File) -> Footage:
    return Footage(name=name, size=len(file.content), beginning=file.content, media_type=file.media_type)


class RecordingResponse(Response):
    """Sends a recording, or the part of it that is requested, and at most `limit` bytes before it is cut."""

    def __init__(self, request: Request, file: Footage, *, limit: int | None) -> None:
        super().__init__(media_type=file.media_type)
        self._file, self._start = file, _requested_from(request, file)
        remaining = file.size - self._start
        self._stop = self._start + (remaining if limit is None else min(limit, remaining))
        if self._start:
            self.status_code = 206
            self.headers["Content-Range"] = f"bytes {self._start}-{file.size - 1}/{file.size}"
        self.headers["Content-Length"] = str(remaining)
        self.headers["Accept-Ranges"] = "bytes"
        self.headers["ETag"] = file.etag

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and the body; a body that is cut has no end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self._file.pieces(self._start, self._stop):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if self._stop == self._file.size:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _requested_from(request: Request, file: Footage) -> int:
    remainder = _REMAINDER.fullmatch(request.headers.get("range", ""))
    is_same = request.headers.get("if-range") in {None, file.etag}
    start = int(remainder[1]) if remainder is not None and is_same else 0
    return start if start < file.size else 0
