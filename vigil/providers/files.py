"""Downloading a file: never more than we take, and never something else under its name."""

from collections.abc import AsyncIterator
from typing import Final

import httpx

from vigil.domain.errors import ArtifactLost
from vigil.domain.terms import LossReason
from vigil.providers.transport import coded_failures

IDENTITY: Final = {"Accept-Encoding": "identity"}
"""Headers of a download: the bytes on the way are the bytes of the file."""

_LONGEST_NUMBER: Final = 19
_HEAD: Final = 12
"""Bytes that tell all kinds of file apart."""
_PLAIN: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
)


def refuse_too_large(response: httpx.Response, largest: int) -> None:
    """Refuse a file that announces more bytes than we take. Raises `ArtifactLost`."""
    announced = response.headers.get("content-length", "")
    is_number = announced.isascii() and announced.isdigit() and len(announced) <= _LONGEST_NUMBER
    if is_number and int(announced) > largest:
        raise ArtifactLost(LossReason.TOO_LARGE)


async def capped(response: httpx.Response, largest: int) -> AsyncIterator[bytes]:
    """Read a file in pieces. Raises `ArtifactLost` beyond `largest` bytes, `ProviderUnavailable` where it is cut."""
    size = 0
    with coded_failures():
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > largest:
                raise ArtifactLost(LossReason.TOO_LARGE)
            yield chunk


async def with_head(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return the first bytes, enough for `media_type_of` where there are so many, and all of them once more."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD:
            break
    return head, _chained(head, chunks)


def media_type_of(head: bytes) -> str | None:
    """Tell a picture, a video or an archive by its first bytes; None for all else."""
    if head[4:8] == b"ftyp":
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    return next((media_type for magic, media_type in _PLAIN if head.startswith(magic)), None)


async def _chained(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if head:
        yield head
    async for chunk in rest:
        yield chunk
