"""Going on with a download that was cut off, where the server proves that it still has the same bytes."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

import httpx

from vigil.domain.errors import ProviderUnavailable
from vigil.providers.files import capped

MOST_RESUMES: Final = 8
"""So often one download goes on before its attempt fails; a later attempt begins anew."""
RESUME_AFTER: Final = timedelta(seconds=1)

ReadInput: TypeAlias = Callable[[Mapping[str, str]], AbstractAsyncContextManager[httpx.Response]]
"""Sends the request for a file once more, with these headers beside its own."""

_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})", re.IGNORECASE)


@dataclass(frozen=True)
class _Whole:
    """What a server said of a file when it began to send it: enough to know the rest of it again."""

    size: int
    etag: str

    @classmethod
    def of(cls, response: httpx.Response) -> "_Whole | None":
        """Return None where a rest could not be told from that of another file."""
        size, etag = response.headers.get("content-length", ""), response.headers.get("etag", "")
        is_plain = response.headers.get("content-encoding", "identity") == "identity"
        # A weak mark promises the same meaning, not the same bytes.
        is_known = is_plain and etag.startswith('"') and re.fullmatch(r"[0-9]{1,19}", size) is not None
        return cls(size=int(size), etag=etag) if is_known else None

    def is_continued_by(self, response: httpx.Response, got: int) -> bool:
        """Whether an answer begins with the first byte that is missing, of the same file."""
        span = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
        is_part = response.status_code == httpx.codes.PARTIAL_CONTENT and span is not None
        # One without a mark may come from a server that passes over `If-Range`, whatever the file is by now.
        is_same = response.headers.get("etag") == self.etag and "content-encoding" not in response.headers
        return is_part and is_same and span is not None and (int(span[1]), int(span[3])) == (got, self.size)


async def resuming(
    first: httpx.Response, ask: ReadInput, *, largest: int, pause: timedelta = RESUME_AFTER
) -> AsyncGenerator[bytes, None]:
    """Read a file in pieces, and go on where the connection was cut.

    Raises:
        ArtifactLost: the file is larger than `largest` bytes.
        ProviderUnavailable: it was cut, and the server does not prove that it would go on with the same file.

    """
    whole, got, cut = _Whole.of(first), 0, ProviderUnavailable("cut_short")
    async with AsyncExitStack() as opened:
        for resumes in range(MOST_RESUMES + 1):
            response: httpx.Response | None = first
            if resumes:
                if whole is None or got >= whole.size:
                    break
                await asyncio.sleep(pause.total_seconds())
                response = await _continued(whole, got, ask, opened)
            if response is None:
                continue
            try:
                async for chunk in capped(response, largest - got):
                    got += len(chunk)
                    yield chunk
            except ProviderUnavailable as error:
                cut = error
            else:
                if whole is None or got == whole.size:
                    return
    raise cut


async def _continued(whole: _Whole, got: int, ask: ReadInput, opened: AsyncExitStack) -> httpx.Response | None:
    """Ask for the rest. None: no answer just now. Raises `ProviderUnavailable` where it is another file's."""
    try:
        response = await opened.enter_async_context(ask({"Range": f"bytes={got}-", "If-Range": whole.etag}))
    except ProviderUnavailable:
        return None
    if response.is_server_error:
        return None
    if not whole.is_continued_by(response, got):
        raise ProviderUnavailable("not_resumable")
    return response
