"""Streams that are sealed and opened piece by piece, so that a large file is never in memory as a whole."""

import io
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Final

from vigil.sealing.data_keys import SEGMENT

CHUNK: Final = 4 * SEGMENT
_TAG: Final = 16
_HEADER: Final = 40
"""Tink's own: a byte for its length, 32 of salt, 7 of a nonce."""


def sealed_size(size: int) -> int:
    """Return the size of a sealed content, by the size of the content."""
    return size + _HEADER + _TAG * max(1, -(-(size + _HEADER) // (SEGMENT - _TAG)))


def plain_size(sealed: int) -> int:
    """Return the size of a content, by the size of the sealed content."""
    return sealed - _HEADER - _TAG * -(-sealed // SEGMENT)


def seal_whole(cipher: Any, content: bytes, associated: bytes) -> bytes:
    """Return a sealed content."""
    sink = _Sink()
    with cipher.new_encrypting_stream(sink, associated) as writer:
        writer.write(content)
    return sink.take()


async def seal_stream(cipher: Any, content: AsyncIterable[bytes], associated: bytes) -> AsyncIterator[bytes]:
    """Yield a content sealed. An error of the content comes out unchanged, and what was yielded then has no end."""
    sink = _Sink()
    writer = cipher.new_encrypting_stream(sink, associated)
    async for chunk in content:
        writer.write(chunk)
        if sealed := sink.take():
            yield sealed
    writer.close()
    yield sink.take()


def open_whole(cipher: Any, sealed: bytes, associated: bytes) -> bytes:
    """Return an opened content. Raises `tink.TinkError`."""
    return bytes(cipher.new_decrypting_stream(io.BytesIO(sealed), associated).read())


async def open_stream(cipher: Any, sealed: AsyncIterable[bytes], associated: bytes) -> AsyncIterator[bytes]:
    """Yield a content opened. Every chunk is authentic, and its place too. Raises `tink.TinkError`, also at the end."""
    source = _Source()
    reader, size = cipher.new_decrypting_stream(source, associated), 0
    async for chunk in sealed:
        source.add(chunk)
        # Tink looks one segment ahead, and would wait in vain for what has not come yet.
        while source.received >= sealed_size(size + CHUNK) + SEGMENT:
            opened = reader.read(CHUNK)
            size += len(opened)
            yield opened
    source.is_complete = True
    while opened := reader.read(CHUNK):
        yield opened


class _Sink(io.RawIOBase):
    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._held += content
        return len(content)

    def close(self) -> None:
        """Stay open: Tink closes what it writes to, and the rest is taken after that."""

    def take(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


class _Source(io.RawIOBase):
    def __init__(self) -> None:
        self.received = 0
        self.is_complete = False
        self._held = bytearray()

    def add(self, content: bytes) -> None:
        self._held += content
        self.received += len(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._held and not self.is_complete:
            # To return nothing would be an end, and None would let Tink ask again without a pause.
            raise BufferError("more was asked for than has come")
        taken = bytes(self._held[:size]) if size >= 0 else bytes(self._held)
        del self._held[: len(taken)]
        return taken
