"""A cloud bucket (S3, GCS, Azure) as storage."""

import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStore

from vigil.storage.contract import (
    AlreadyStored,
    Content,
    Names,
    NotStored,
    StorageUnavailable,
    Stored,
    check_name,
    folder_of,
)

MEBIBYTE = 1024 * 1024
CHUNK = MEBIBYTE
# Held in memory, and written by one conditional request; S3 requires parts of at least 5 MiB.
WHOLE = 8 * MEBIBYTE
PARTS_AT_ONCE = 3
DRAFTS = ".drafts"


class ObjectStorage:
    """Storage in a bucket, which many processes may share.

    `put_new` of bytes, and of streams up to `WHOLE`, is one conditional write. A longer stream is
    uploaded in parts under `.drafts/`, then copied to its name on condition that the name is
    free, so that it never overwrites either; on S3 such a copy ends at 5 GB and drops the media
    type. A process that dies on the way leaves a draft or an unfinished upload behind: give the
    bucket a lifecycle rule that removes both after a day. Names come in byte order, which Azure
    breaks when its hierarchical namespace is on.
    """

    def __init__(self, store: ObjectStore) -> None:
        """Take an opened store; one on S3 needs `copy_if_not_exists` configured."""
        self._store = store

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        check_name(name)
        attributes = {"Content-Type": media_type} if media_type else None
        if isinstance(content, bytes):
            return await self._put_whole(name, content, attributes)
        source = _Source(content)
        head = await source.take(WHOLE)
        if source.is_spent:
            return await self._put_whole(name, head, attributes)
        return await self._put_parts(name, source, attributes)

    async def put(self, name: str, content: Content) -> Stored:
        check_name(name)
        if isinstance(content, bytes):
            with _written(name):
                await obstore.put_async(self._store, name, content, use_multipart=False)
            return Stored(name, len(content))
        source = _Source(content)
        with _written(name, source):
            await obstore.put_async(self._store, name, source, max_concurrency=PARTS_AT_ONCE)
        return Stored(name, source.size)

    async def read(self, name: str) -> bytes:
        check_name(name)
        with _found(name):
            answer = await obstore.get_async(self._store, name)
            return bytes(await answer.bytes_async())

    async def open(self, name: str) -> AsyncIterator[bytes]:
        check_name(name)
        with _found(name):
            answer = await obstore.get_async(self._store, name)
            async for chunk in answer.stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    async def size(self, name: str) -> int:
        check_name(name)
        with _found(name):
            return (await obstore.head_async(self._store, name))["size"]

    async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> Names:
        names: Names = []
        with _found(prefix):
            pages = obstore.list(self._store, folder_of(prefix) or None, offset=after, chunk_size=limit)
            async for page in pages:
                names += [row["path"] for row in page if not row["path"].startswith(".")]
                if len(names) >= limit:
                    break
        return names[:limit]

    async def erase(self, name: str) -> None:
        check_name(name)
        with suppress(NotStored), _found(name):
            await obstore.delete_async(self._store, name)

    async def _put_whole(self, name: str, content: bytes, attributes: dict[str, str] | None) -> Stored:
        with _written(name):
            await obstore.put_async(self._store, name, content, mode="create", attributes=attributes)
        return Stored(name, len(content))

    async def _put_parts(self, name: str, source: "_Source", attributes: dict[str, str] | None) -> Stored:
        draft = f"{DRAFTS}/{secrets.token_hex(16)}"
        try:
            with _written(name, source):
                await obstore.put_async(
                    self._store,
                    draft,
                    source,
                    attributes=attributes,
                    max_concurrency=PARTS_AT_ONCE,
                )
                await obstore.copy_async(self._store, draft, name, overwrite=False)
        finally:
            with suppress(FileNotFoundError, BaseError):
                await obstore.delete_async(self._store, draft)
        return Stored(name, source.size)


class _Source:
    """A caller's stream, counted, whose own error stays distinguishable from the store's."""

    def __init__(self, content: AsyncIterable[bytes]) -> None:
        self._content = aiter(content)
        self._head = b""
        self.size = 0
        self.is_spent = False
        self.error: Exception | None = None

    async def take(self, enough: int) -> bytes:
        """The first bytes, at least `enough` unless the stream ends; they are not lost to it."""
        taken = bytearray()
        while len(taken) < enough and not self.is_spent:
            taken += await anext(self, b"")
        self._head = bytes(taken)
        return self._head

    def __aiter__(self) -> "_Source":
        return self

    async def __anext__(self) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        try:
            chunk = await anext(self._content)
        except StopAsyncIteration:
            self.is_spent = True
            raise
        except Exception as error:
            self.error = error
            raise
        self.size += len(chunk)
        return chunk


@contextmanager
def _found(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotStored(name) from None
    except BaseError as error:
        raise StorageUnavailable(name, type(error).__name__) from error


@contextmanager
def _written(name: str, source: _Source | None = None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if source and source.error:
            raise source.error from None
        if isinstance(error, AlreadyExistsError):
            raise AlreadyStored(name) from None
        # "Not found" in answer to a write means that there is no such bucket.
        if isinstance(error, (BaseError, FileNotFoundError)):
            raise StorageUnavailable(name, type(error).__name__) from error
        raise
