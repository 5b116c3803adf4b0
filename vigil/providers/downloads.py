"""Downloading a file: with a size limit, a check of its type, and resumption after a cut."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Final, TypeAlias

import httpx

from vigil.domain.errors import ArtifactLost, ArtifactNotReady, ProviderRefusesUs, ProviderUnavailable
from vigil.domain.terms import LossReason
from vigil.providers.answers import REFUSALS
from vigil.providers.contract import NOT_RESUMABLE, FileIdentity, FilePosition
from vigil.providers.transport import parse_retry_after, translate_failures

IDENTITY: Final = {"Accept-Encoding": "identity"}
"""Headers of a download: the bytes on the wire must be the bytes of the file."""

MAX_RESUMES: Final = 8
"""How often one download is resumed before its attempt fails."""
RESUME_AFTER: Final = timedelta(seconds=1)

SendRequest: TypeAlias = Callable[[Mapping[str, str]], AbstractAsyncContextManager[httpx.Response]]
"""Sends the request for a file again, with these headers added."""

_MAX_DIGITS: Final = 19
_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})", re.IGNORECASE)
_HEAD: Final = 12
"""Number of bytes that distinguish all types in `detect_media_type`."""
_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
)


def require_file(
    response: httpx.Response,
    *,
    losses: Mapping[int, LossReason],
    not_ready: Mapping[int, LossReason | None],
    largest: int,
) -> None:
    """Raise the error that a status other than 200 means, or a file that announces more than `largest` bytes.

    Raises:
        ArtifactLost: a status in `losses`, or the file is too large.
        ArtifactNotReady: a status in `not_ready`, with the loss that it becomes if the file never comes.
        ProviderRefusesUs: 401 or 403.
        ProviderUnavailable: any other status.

    """
    status = response.status_code
    code, retry_after = f"http_{status}", parse_retry_after(response.headers)
    if loss := losses.get(status):
        raise ArtifactLost(loss)
    if status in not_ready:
        raise ArtifactNotReady(code, otherwise=not_ready[status], retry_after=retry_after)
    if status in REFUSALS:
        raise ProviderRefusesUs(code)
    if status != httpx.codes.OK:
        raise ProviderUnavailable(code, retry_after=retry_after)
    announced = response.headers.get("content-length", "")
    is_number = announced.isascii() and announced.isdigit() and len(announced) <= _MAX_DIGITS
    if is_number and int(announced) > largest:
        raise ArtifactLost(LossReason.TOO_LARGE)


async def stream_file(response: httpx.Response, largest: int) -> AsyncIterator[bytes]:
    """Yield the bytes of a file. Raises `ArtifactLost` beyond `largest` bytes, `ProviderUnavailable` if it is cut."""
    size = 0
    with translate_failures():
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > largest:
                raise ArtifactLost(LossReason.TOO_LARGE)
            yield chunk


async def peek(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return the first bytes, enough for `detect_media_type` if the file has them, and all bytes from the start."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD:
            break
    return head, _chain(head, chunks)


def detect_media_type(head: bytes) -> str | None:
    """Return the type of a picture, a video or an archive by its first bytes; None for any other file."""
    if head[4:8] == b"ftyp":
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    return next((media_type for magic, media_type in _MAGIC if head.startswith(magic)), None)


def declared_media_type(response: httpx.Response) -> str | None:
    """Return the type that the answer's header declares, without parameters; None if it declares none."""
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() or None


def identify_file(response: httpx.Response) -> FileIdentity | None:
    """Return what the server says about the file; None if another file could not be told from this one."""
    size, etag = response.headers.get("content-length", ""), response.headers.get("etag", "")
    is_plain = response.headers.get("content-encoding", "identity") == "identity"
    # A weak ETag promises the same meaning, not the same bytes.
    is_known = is_plain and etag.startswith('"') and re.fullmatch(r"[0-9]{1,19}", size) is not None
    return FileIdentity(size=int(size), etag=etag) if is_known else None


def rest_of(at: FilePosition) -> Mapping[str, str]:
    """Return the headers that ask for the missing bytes of the same file."""
    return {"Range": f"bytes={at.received}-", "If-Range": at.file.etag}


def require_rest(response: httpx.Response, at: FilePosition) -> None:
    """Raise `ProviderUnavailable` unless an answer is the same file from the first missing byte on."""
    if response.is_server_error:
        raise ProviderUnavailable(f"http_{response.status_code}", retry_after=parse_retry_after(response.headers))
    span = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
    is_part = response.status_code == httpx.codes.PARTIAL_CONTENT and span is not None
    # An answer without an ETag may come from a server that ignores `If-Range`, after the file has changed.
    is_same = response.headers.get("etag") == at.file.etag and "content-encoding" not in response.headers
    if not (is_part and is_same and span and (int(span[1]), int(span[3])) == (at.received, at.file.size)):
        raise ProviderUnavailable(NOT_RESUMABLE)


async def stream_with_resume(
    first: httpx.Response,
    send: SendRequest,
    *,
    largest: int,
    at: FilePosition | None = None,
    pause: timedelta = RESUME_AFTER,
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a file, from a position on if one is given, and resume after the connection was cut.

    Raises:
        ArtifactLost: the file is larger than `largest` bytes.
        ProviderUnavailable: it was cut, and the server does not prove that it would continue the same file.

    """
    file, received = (at.file, at.received) if at else (identify_file(first), 0)
    cut = ProviderUnavailable("cut_short")
    async with AsyncExitStack() as stack:
        for resumes in range(MAX_RESUMES + 1):
            response: httpx.Response | None = first
            if resumes:
                if file is None or received >= file.size:
                    break
                await asyncio.sleep(pause.total_seconds())
                response = await _resume(FilePosition(file, received), send, stack)
            if response is None:
                continue
            try:
                async for chunk in stream_file(response, largest - received):
                    received += len(chunk)
                    yield chunk
            except ProviderUnavailable as error:
                cut = error
            else:
                if file is None or received == file.size:
                    return
    raise cut


async def _resume(at: FilePosition, send: SendRequest, stack: AsyncExitStack) -> httpx.Response | None:
    """Request the missing bytes. None: no answer now. Raises `ProviderUnavailable` if the answer is another file."""
    try:
        response = await stack.enter_async_context(send(rest_of(at)))
    except ProviderUnavailable:
        return None
    if response.is_server_error:
        return None
    require_rest(response, at)
    return response


async def _chain(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if head:
        yield head
    async for chunk in rest:
        yield chunk
