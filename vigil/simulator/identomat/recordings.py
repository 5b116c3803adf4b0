"""Recordings of calls, as large as is asked for and never in memory, and the ways in which a download goes wrong."""

import hashlib
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vigil.simulator.files import archive, video
from vigil.simulator.identomat.scenario import Recording, Room

BLOCK: Final = 256 * 1024
_KIND: Final = struct.pack(">I", 28) + b"ftypisom\0\0\2\0isomiso2mp41"
_REST: Final = re.compile(r"bytes=([0-9]{1,15})-")


@dataclass(frozen=True)
class Footage:
    """A file of `size` bytes, made as it is read: always the same for one name."""

    name: str
    size: int
    beginning: bytes
    media_type: str

    @property
    def etag(self) -> str:
        """A strong mark of its bytes."""
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
    """Return the recording of a call; what is not said to be large is small and whole."""
    name, wanted = f"{session}/{room.file}", room.recording
    if wanted.kind == "json":
        link = {"fileId": room.file, "url": f"https://files.example.invalid/{room.file}"}
        return _small(name, json.dumps({"videos": [link]}).encode(), "application/json")
    if wanted.kind == "zip":
        zipped = archive({f"{room.file}.mp4": video(name).content})
        return _small(name, zipped.content, zipped.media_type)
    if wanted.size is None:
        film = video(name)
        return _small(name, film.content, film.media_type)
    head = _KIND + struct.pack(">I", wanted.size - len(_KIND)) + b"mdat"
    return Footage(name=name, size=wanted.size, beginning=head, media_type="video/mp4")


def _small(name: str, content: bytes, media_type: str) -> Footage:
    return Footage(name=name, size=len(content), beginning=content, media_type=media_type)


class Sending(Response):
    """Sends a recording, or the rest of it that is asked for, and may end before it is whole."""

    def __init__(self, request: Request, file: Footage, how: Recording, *, most: int | None) -> None:
        """Take the question, the file and after how many bytes the connection ends; None: when all is sent."""
        super().__init__(media_type=file.media_type)
        self._file, self._start = file, _wanted_from(request, file, how)
        self._most = file.size - self._start if most is None else min(most, file.size - self._start)
        if self._start:
            self.status_code = 206
            self.headers["Content-Range"] = f"bytes {self._start}-{file.size - 1}/{file.size}"
        del self.headers["content-length"]
        if how.tells_length:
            self.headers["Content-Length"] = str(file.size - self._start)
        if how.takes_ranges:
            self.headers["Accept-Ranges"] = "bytes"
        if how.has_etag:
            self.headers["ETag"] = file.etag

    def pieces(self) -> Iterator[bytes]:
        """Return all that is promised, whether or not it is sent."""
        return self._file.pieces(self._start, self._file.size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and what is to be sent of the body; one that is cut has no end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        stop = self._start + self._most
        for piece in self._file.pieces(self._start, stop):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if stop == self._file.size:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _wanted_from(request: Request, file: Footage, how: Recording) -> int:
    rest = _REST.fullmatch(request.headers.get("range", ""))
    known = request.headers.get("if-range")
    is_same = known is None or (how.has_etag and known == file.etag)
    wanted = int(rest[1]) if rest is not None and how.takes_ranges and is_same else 0
    return wanted if wanted < file.size else 0
