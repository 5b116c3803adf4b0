"""Invented files: small, valid enough for their type to be recognised, and always the same for the same name."""

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SIDE: Final = 48
VIDEO_LENGTH: Final = 24_000
ONE_WORD: Final = b"\1" + bytes(15) + b"\0"
"""A Huffman table with one code of one bit, which stands for 0."""


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
        """Return the bytes with the last one changed."""
        return self.content[:-1] + bytes([self.content[-1] ^ 0xFF])


def picture(name: str) -> File:
    """Return a PNG image of coloured noise."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    row = 3 * SIDE
    noise = _noise(name, row * SIDE)
    lines = b"".join(b"\0" + noise[start : start + row] for start in range(0, len(noise), row))
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")
    return File(b"\x89PNG\r\n\x1a\n" + chunks, "image/png")


def photograph(name: str) -> File:
    """Return a JPEG image of eight by eight grey points, with a comment of noise, so that it differs from others."""
    segments = (
        _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
        _segment(0xFE, _noise(name, 64)),
        _segment(0xDB, b"\0" + bytes([1] * 64)),  # how coarse each frequency is
        _segment(0xC0, b"\x08\0\x08\0\x08\1\1\x11\0"),  # eight bits, eight by eight, one colour
        _segment(0xC4, b"\x00" + ONE_WORD),
        _segment(0xC4, b"\x10" + ONE_WORD),
        _segment(0xDA, b"\1\1\0\0\x3f\0"),
    )
    # One block: no difference from grey and no frequencies, each encoded as the bit 0, then filled up with ones.
    return File(b"\xff\xd8" + b"".join(segments) + b"\x3f" + b"\xff\xd9", "image/jpeg")


def archive(files: Mapping[str, bytes]) -> File:
    """Return a zip archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name, each in files.items():
            # Without an explicit time an entry has the earliest possible one, so equal files make equal archives.
            opened.writestr(zipfile.ZipInfo(name), each)
    return File(content.getvalue(), "application/zip")


def video(name: str) -> File:
    """Return a file that begins like an MP4 and has no pictures."""
    kind = _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
    return File(kind + _box(b"mdat", _noise(name, VIDEO_LENGTH)), "video/mp4")


def _segment(kind: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, 2 + len(data)) + data


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def _noise(name: str, length: int) -> bytes:
    return hashlib.shake_128(name.encode()).digest(length)
