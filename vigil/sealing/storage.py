"""A store in which every content is sealed with its full name, so that none can be changed, moved or swapped unseen.

| What | Sealed with | Who reads it |
|---|---|---|
| of one verification | its data key | who has `data-keys` |
| receipts and refusals | the public half of `receipts` | who has `receipts` |
| marks: what was seen, which correlation is whose | `marks` | every process |
| all else | a data key of its top folder | who has `data-keys` |
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing
from enum import Enum, auto
from typing import Any, Final

import tink

from vigil.sealing.data_keys import DataKeys
from vigil.sealing.errors import ContentUnreadable, NotSealed
from vigil.sealing.keysets import KeysetName, Keysets
from vigil.sealing.streams import open_stream, open_whole, plain_size, seal_stream, seal_whole
from vigil.storage.contract import Content, Names, NotStored, Storage, Stored, find_below, under
from vigil.storage.receipt_names import PENDING, QUARANTINED, REFUSED
from vigil.storage.tombstones import FOLDER as TOMBSTONES

FORMAT: Final = b"\x00VS\x01"
"""Begins every sealed content. The last byte is the number of the format."""
_MARK_OVERHEAD: Final = 33
"""What Tink's AEAD adds: 5 bytes for the key's id, a nonce of 12, a tag of 16."""
_RECEIPT_OVERHEAD: Final = 53
"""What HPKE adds: 5 bytes for the key's id, an encapsulated key of 32, a tag of 16."""
_RECEIPTS: Final = (PENDING, QUARANTINED, REFUSED)
_MARKS: Final = frozenset({"inbox", "budgets", "health"})
_VERIFICATIONS: Final = "verifications"
_OF_A_MARK: Final = 4
"""Segments of `verifications/correlations/ACCOUNT/MARK`."""


class _Kind(Enum):
    RECEIPT = auto()
    MARK = auto()
    DATA = auto()


class SealedStorage:
    """Storage that seals what it is given, and opens what it returns. Names and sizes stay visible.

    Every method that reads raises `SealingError` for what cannot be opened: repeating the call does not help then.
    """

    def __init__(
        self, storage: Storage, keysets: Keysets, data_keys: Storage | None = None, *, accept_plain: bool = False
    ) -> None:
        """Take the store of the contents, and that of the data keys if it is another.

        `accept_plain`: return also what was stored in clear, before there were keys.
        """
        self.data_keys = DataKeys(data_keys or storage, keysets.data_keys)
        self._storage = storage
        self._keysets = keysets
        self._accepts_plain = accept_plain

    @property
    def below(self) -> Storage:
        """The store that has the sealed contents."""
        return self._storage

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        counted = _Counted(content)
        sealed = await self._seal(name, counted.content)
        await self._storage.put_new(name, sealed, media_type=media_type)
        return Stored(name, counted.size)

    async def put(self, name: str, content: Content) -> Stored:
        counted = _Counted(content)
        await self._storage.put(name, await self._seal(name, counted.content))
        return Stored(name, counted.size)

    async def read(self, name: str) -> bytes:
        stored = await self._storage.read(name)
        if not stored.startswith(FORMAT):
            return self._plain(name, stored)
        sealed = stored[len(FORMAT) :]
        match _kind_of(name):
            case _Kind.RECEIPT:
                return _opened(name, lambda: self._keysets.receipts.decrypt(sealed, name.encode()))
            case _Kind.MARK:
                return _opened(name, lambda: self._keysets.marks.decrypt(sealed, name.encode()))
            case _Kind.DATA:
                return await self._open_whole(name, sealed)

    async def open(self, name: str) -> AsyncIterator[bytes]:
        if _kind_of(name) is not _Kind.DATA:
            if content := await self.read(name):
                yield content
            return
        stored = self._storage.open(name)
        async with aclosing(stored) as chunks:  # type: ignore[type-var] # both stores have generators
            first = await _beginning(chunks)
            if not first.startswith(FORMAT):
                yield self._plain(name, first)
                async for chunk in chunks:
                    yield chunk
                return
            cipher = await self.data_keys.for_reading(_place_of(name))
            try:
                async for chunk in open_stream(cipher, _chained(first[len(FORMAT) :], chunks), name.encode()):
                    yield chunk
            except tink.TinkError:
                raise ContentUnreadable(name) from None

    async def size(self, name: str) -> int:
        stored = await self._storage.size(name)
        if self._accepts_plain and not await self.is_sealed(name):
            return stored
        sealed = stored - len(FORMAT)
        match _kind_of(name):
            case _Kind.RECEIPT:
                return sealed - _RECEIPT_OVERHEAD
            case _Kind.MARK:
                return sealed - _MARK_OVERHEAD
            case _Kind.DATA:
                return plain_size(sealed)

    async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> Names:
        return await self._storage.list(prefix, after=after, limit=limit)

    async def erase(self, name: str) -> None:
        await self._storage.erase(name)

    async def rewrap(self, place: str) -> bool:
        """Wrap the data key of a place with the current key. Return whether an older key had wrapped it."""
        is_done = await self.data_keys.rewrap(place)
        # An erasure stores the tombstone before it forgets the key, so one of the two sees what the other did.
        folder, _, path = place.partition("/")
        # Asked also where nothing was to be done: a process may have been killed between the two.
        if folder == _VERIFICATIONS and await self._is_stored(f"{TOMBSTONES}/{path}"):
            await self.data_keys.forget(place)
        return is_done

    async def _is_stored(self, name: str) -> bool:
        try:
            await self._storage.size(name)
        except NotStored:
            return False
        return True

    @property
    def opens_receipts(self) -> bool:
        """Whether the process was given the keyset that opens receipts."""
        return KeysetName.RECEIPTS in self._keysets.held

    async def _seal(self, name: str, content: Content) -> Content:
        match _kind_of(name):
            case _Kind.RECEIPT:
                whole = await _whole(content)
                return FORMAT + bytes(self._keysets.receipts_public.encrypt(whole, name.encode()))
            case _Kind.MARK:
                return FORMAT + bytes(self._keysets.marks.encrypt(await _whole(content), name.encode()))
            case _Kind.DATA:
                cipher = await self.data_keys.for_writing(_place_of(name))
                if isinstance(content, bytes):
                    return FORMAT + seal_whole(cipher, content, name.encode())
                return _chained(FORMAT, seal_stream(cipher, content, name.encode()))

    async def _open_whole(self, name: str, sealed: bytes) -> bytes:
        place = _place_of(name)
        cipher = await self.data_keys.for_reading(place)
        try:
            return open_whole(cipher, sealed, name.encode())
        except tink.TinkError:
            # Another process may have renewed the data key.
            cipher = await self.data_keys.for_reading(place, again=True)
            return _opened(name, lambda: open_whole(cipher, sealed, name.encode()))

    async def is_sealed(self, name: str) -> bool:
        """Whether a content is sealed. Raises `NotStored`."""
        async with aclosing(self._storage.open(name)) as chunks:  # type: ignore[type-var] # both stores have generators
            return (await _beginning(chunks)).startswith(FORMAT)

    def _plain(self, name: str, content: bytes) -> bytes:
        if not self._accepts_plain:
            raise NotSealed(name)
        return content


def find_sealed(storage: Storage) -> SealedStorage | None:
    """Return the sealed store of a process, also where it is below another one; None: nothing is sealed."""
    return find_below(storage, SealedStorage)


def opens_receipts(storage: Storage) -> bool:
    """Return whether this process can read the receipts of a store. One that only takes callbacks need not."""
    sealed = find_sealed(storage)
    return sealed is None or sealed.opens_receipts


async def forget_key(storage: Storage, path: str) -> bool:
    """Make every stored content of a verification unreadable, in backups too. Return whether there was a data key.

    `path` is `account/encoded_reference`. First store what stays of it, outside its folder: a tombstone. It also keeps
    every process from writing below the path, for the next write there would make a new data key. A process remembers
    a data key for 30 seconds, and can read with it what is still stored: erase the objects too.

    May be repeated. Does nothing in a store without keys. Raises `StorageUnavailable`.
    """
    sealed = find_sealed(storage)
    return sealed is not None and await sealed.data_keys.forget(under(path))


class _Counted:
    """A content whose bytes are counted while they are taken."""

    def __init__(self, content: Content) -> None:
        self.size = len(content) if isinstance(content, bytes) else 0
        self.content: Content = content if isinstance(content, bytes) else self._count(content)

    async def _count(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.size += len(chunk)
            yield chunk


def _kind_of(name: str) -> _Kind:
    if name.startswith(_RECEIPTS):
        return _Kind.RECEIPT
    top, *inner = name.split("/")
    is_correlation = top == _VERIFICATIONS and inner[0] == "correlations" and len(inner) + 1 == _OF_A_MARK
    is_seen = top == _VERIFICATIONS and inner[2:3] == ["seen"]
    return _Kind.MARK if top in _MARKS or is_correlation or is_seen else _Kind.DATA


def _place_of(name: str) -> str:
    """Return what shares a data key with a name: its verification, or else its top folder."""
    segments = name.split("/")
    return "/".join(segments[:3]) if segments[0] == _VERIFICATIONS else segments[0]


def _opened(name: str, opens: Callable[[], Any]) -> bytes:
    try:
        return bytes(opens())
    except tink.TinkError:
        raise ContentUnreadable(name) from None


async def _whole(content: Content) -> bytes:
    return content if isinstance(content, bytes) else b"".join([chunk async for chunk in content])


async def _beginning(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the first chunks, until they are long enough to tell the format."""
    first = b""
    while len(first) < len(FORMAT) and (chunk := await anext(chunks, b"")):
        first += chunk
    return first


async def _chained(first: bytes, rest: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
