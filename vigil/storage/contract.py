"""The interface of a store: named contents, the same promises for a folder and a bucket."""

import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import quote

# StorageError
# ├── NotStored           there is nothing under the name
# ├── AlreadyStored       there is something, and it stays as it is
# └── StorageUnavailable  the store gave no usable answer; the same call may succeed later


class StorageError(Exception):
    """The store did not do its work."""

    def __init__(self, name: str, condition: str) -> None:
        super().__init__(f"{name}: {condition}")
        self.name = name


class NotStored(StorageError):
    """There is nothing under the name."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "not stored")


class AlreadyStored(StorageError):
    """There is something under the name, and it stays as it is.

    After a call that ended in `StorageUnavailable` it may be what that call wrote.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, "already stored")


class StorageUnavailable(StorageError):
    """No usable answer; whether a write took effect is unknown."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(name, f"storage unavailable ({cause})")


StoreT = TypeVar("StoreT")
Content = bytes | AsyncIterable[bytes]
Names = list[str]


@dataclass(frozen=True)
class Stored:
    """A stored content; `size` in bytes."""

    name: str
    size: int


class Storage(Protocol):
    """Named contents; every method raises `StorageUnavailable` when there is no usable answer.

    Names come from `storage_name`. A name is never also the folder of another.
    """

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        """Store under a free name, durably, or raise `AlreadyStored`.

        The name shows nothing until all content is written; an error raised by the content's
        own iterator comes out unchanged and leaves nothing behind.
        """
        ...

    async def put(self, name: str, content: Content) -> Stored:
        """As `put_new`, but replaces what is there in one step."""
        ...

    async def read(self, name: str) -> bytes:
        """Return the whole content, in memory. Raises `NotStored`."""
        ...

    def open(self, name: str) -> AsyncIterator[bytes]:
        """Yield the content in chunks. The first step raises `NotStored`."""
        ...

    async def size(self, name: str) -> int:
        """Return the size in bytes, without reading the content. Raises `NotStored`."""
        ...

    async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> Names:
        """Return names inside the folder `prefix` and its folders, in byte order, those after `after`."""
        ...

    async def erase(self, name: str) -> None:
        """Remove the content. If there is none, that is success."""
        ...


async def names_under(storage: Storage, prefix: str, *, after: str | None = None) -> AsyncIterator[str]:
    """Yield every name that `Storage.list` would return."""
    async for page in pages_under(storage, prefix, after=after):
        for name in page:
            yield name


async def pages_under(storage: Storage, prefix: str, *, after: str | None = None) -> AsyncIterator[Names]:
    """Yield the same names in pages of at most 1000, for who works on many at once. None is empty."""
    page_size = 1000
    while page := await storage.list(prefix, after=after, limit=page_size):
        yield page
        if len(page) < page_size:
            return
        after = page[-1]


def find_below(storage: Storage, kind: type[StoreT]) -> StoreT | None:
    """Return the store of a kind that a store is, or that lies below it; None: there is none."""
    below: object = storage
    while below is not None and not isinstance(below, kind):
        below = getattr(below, "below", None)
    return below


# File systems take 255 bytes a segment and S3 1,024 a name. "~" is never left unencoded, so that a
# shortened segment cannot equal a whole one.
_LONGEST_SEGMENT = 200
_STEM = 100
_SEGMENT = re.compile(r"(?:[A-Za-z0-9_-]|%[0-9A-F]{2})(?:[A-Za-z0-9._~-]|%[0-9A-F]{2}){0,199}")


def storage_name(*segments: str) -> str:
    """Return one name made of any texts: different texts, different names. Raises `ValueError` for an empty text.

    A leading dot is encoded, which leaves dotted names to the stores themselves. A segment of more
    than 200 encoded characters keeps its first hundred and a digest of the whole.
    """
    return "/".join(_segment(text) for text in segments)


def under(path: str, *segments: str) -> str:
    """Return the name of something that belongs to the verification at `path`, which is `account/encoded_reference`.

    Everything of one verification lies under one prefix, so that erasing it is one act.
    """
    return storage_name("verifications", *path.split("/"), *segments)


def _segment(text: str) -> str:
    if not text:
        raise ValueError("a storage name has no empty segment")
    encoded = quote(text, safe="").replace("~", "%7E")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if len(encoded) <= _LONGEST_SEGMENT:
        return encoded
    stem = re.sub(r"%.?$", "", encoded[:_STEM])
    return f"{stem}~{hashlib.sha256(text.encode()).hexdigest()}"


def check_name(name: str) -> None:
    """Raise `ValueError` for a name that `storage_name` could not have made."""
    if not all(_SEGMENT.fullmatch(segment) for segment in name.split("/")):
        raise ValueError("not a storage name: build it with storage_name()")


def folder_of(prefix: str) -> str:
    """Return the prefix as "" or a checked name with one closing slash, so that only whole segments match."""
    folder = prefix.removesuffix("/")
    if not folder:
        return ""
    check_name(folder)
    return folder + "/"
