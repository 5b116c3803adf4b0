"""Invented files: small, valid enough to be recognised, always the same for the same name."""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Final

SIDE: Final = 48
VIDEO_LENGTH: Final = 24_000


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes and media type."""

    content: bytes
    media_type: str

    @property
    def md5(self) -> str:
        """The MD5 digest in hexadecimal digits."""
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()

    def corrupted(self) -> bytes:
        """Return as many bytes, of which the last is wrong."""
        return self.content[:-1] + bytes([self.content[-1] ^ 0xFF])


def picture(name: str) -> File:
    """Return a PNG image of coloured noise."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    row = 3 * SIDE
    noise = _noise(name, row * SIDE)
    lines = b"".join(b"\0" + noise[start : start + row] for start in range(0, len(noise), row))
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")
    return File(b"\x89PNG\r\n\x1a\n" + chunks, "image/png")


def video(name: str) -> File:
    """Return a file that begins like an MP4 and shows nothing."""
    kind = _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
    return File(kind + _box(b"mdat", _noise(name, VIDEO_LENGTH)), "video/mp4")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def _noise(name: str, length: int) -> bytes:
    return hashlib.shake_128(name.encode()).digest(length)
