"""Downloads of files: into a temporary file, continued after a cut, and checked against the server's digest."""

import base64
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from vigil_client.calls import Retry, Send, Steps, call
from vigil_client.errors import DigestMismatch

_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_WANTED: Final = {"Want-Repr-Digest": "sha-256=10", "Accept-Encoding": "identity"}


class PartialFile:
    """A file beside its destination that grows with each piece. A sink of `calls.Send`."""

    def __init__(self, opened: BinaryIO) -> None:
        self._file = opened
        self._hash = hashlib.sha256()
        self.size = 0
        self.etag: str | None = None
        self.digest: bytes | None = None

    def begin(self, response: httpx.Response) -> None:
        """Continue after a 206; begin anew after any other answer."""
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            self._file.seek(0)
            self._file.truncate()
            self._hash, self.size = hashlib.sha256(), 0
        self.etag = response.headers.get("etag")
        found = _DIGEST.search(response.headers.get("repr-digest", ""))
        self.digest = base64.b64decode(found[1]) if found else None

    def write(self, chunk: bytes) -> None:
        """Append a piece."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def check(self) -> None:
        """Raise `DigestMismatch` if the content is not what the server has stored."""
        if self.digest != self._hash.digest():
            raise DigestMismatch("the file did not arrive as it was stored; nothing was kept of it")


def download(send: Send, destination: Path, retry: Retry, check: Callable[[Path], None] | None = None) -> Steps[Path]:
    """Download to `destination`, which exists only when its content is complete and checked.

    `check` raises `DigestMismatch`; without it the content is compared with the digest that the server sends.

    Raises:
        DigestMismatch: the content is not what the server has stored.
        Problem, Unreachable: see `call`.

    """
    part = destination.with_name(f"{destination.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            partial = PartialFile(opened)
            yield from _fill(partial, replace(send, sink=partial, headers={**send.headers, **_WANTED}), retry)
            if check is None:
                partial.check()
        if check is not None:
            check(part)
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)
    return destination


def _fill(partial: PartialFile, send: Send, retry: Retry) -> Steps[None]:
    """Send until the body is complete; each attempt asks only for what is missing."""
    steps = call(send, retry)
    step = next(steps)
    while True:
        if isinstance(step, Send) and partial.size and partial.etag:
            missing = {"Range": f"bytes={partial.size}-", "If-Range": partial.etag}
            step = replace(step, headers={**step.headers, **missing})
        try:
            try:
                answer = yield step
            except httpx.TransportError as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
        except StopIteration:
            return
