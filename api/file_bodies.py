"""The body of a stored file: a part of it for a download that was cut, and its digest for whoever asks."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Final

from starlette.datastructures import Headers

from vigil.domain.evidence import EvidenceRow

_FROM: Final = re.compile(r"bytes=(\d{1,15})-")
_WANTED_DIGEST: Final = "sha-256"


def etag_of(row: EvidenceRow) -> str | None:
    """Return the strong `ETag` of a stored file."""
    return f'"{row.digest}"' if row.digest else None


def first_byte(headers: Headers, row: EvidenceRow) -> int:
    """Return where the answer begins. 0 is the whole file, also for a range that is not `bytes=N-` of this content."""
    found = _FROM.fullmatch(headers.get("range", ""))
    if not found or row.size is None or headers.get("if-range", etag_of(row)) != etag_of(row):
        return 0
    start = int(found[1])
    return start if start < row.size else 0


def headers_for(row: EvidenceRow, start: int) -> dict[str, str]:
    """Return the headers of an answer that begins at byte `start`."""
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{row.name}"',
        "Cache-Control": "private, no-store",
    }
    if etag := etag_of(row):
        headers["ETag"] = etag
    if row.size is not None:
        headers["Content-Length"] = str(row.size - start)
    if start:
        headers["Content-Range"] = f"bytes {start}-{(row.size or 0) - 1}/{row.size}"
    return headers


def wants_digest(headers: Headers) -> bool:
    """Whether the request has `Want-Repr-Digest: sha-256` (RFC 9530)."""
    return headers.get("want-repr-digest", "").partition("=")[0].strip() == _WANTED_DIGEST


async def digest_header(chunks: AsyncIterator[bytes]) -> dict[str, str]:
    """Return the header with the digest of the whole file. The file is read once more for it."""
    digest = hashlib.sha256()
    async for chunk in chunks:
        digest.update(chunk)
    return {"Repr-Digest": f"{_WANTED_DIGEST}=:{base64.b64encode(digest.digest()).decode()}:"}


async def skip_bytes(chunks: AsyncIterator[bytes], count: int) -> AsyncIterator[bytes]:
    """Yield what follows the first `count` bytes."""
    async for chunk in chunks:
        if count < len(chunk):
            yield chunk[count:]
        count = max(0, count - len(chunk))
