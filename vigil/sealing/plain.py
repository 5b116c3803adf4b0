"""Seal what was stored in clear, before there were keys."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from vigil.sealing.data_keys import FOLDER as DATA_KEYS
from vigil.sealing.storage import SealedStorage, find_sealed
from vigil.storage.contract import NotStored, Storage, pages_under
from vigil.storage.erasable import Erased
from vigil.storage.receipt_names import PENDING

AT_ONCE: Final = 8
_LEFT_OUT: Final = (f"{DATA_KEYS}/", PENDING)


@dataclass(frozen=True)
class Progress:
    """How many contents were looked at until now, and how many of them were in clear."""

    seen: int
    in_clear: int


async def seal_all(storage: Storage, *, dry_run: bool) -> AsyncIterator[Progress]:
    """Seal every content that is in clear, and yield how far that came; with `dry_run` only count them.

    Each content is replaced in one step, so a killed process leaves it in clear or sealed, and a second call goes on.
    The store must read what is in clear. What is erased with its verification at the same time stays erased. A content
    that is replaced or erased between the last look at it and the end of its own write may come back as it was.

    Pending receipts are left out: the relay rewrites, files or erases them, and seals what it files.

    Raises `StorageUnavailable`, `SealingError`.
    """
    slots, seen, in_clear = asyncio.Semaphore(AT_ONCE), 0, 0

    async def seal(name: str) -> bool:
        async with slots:
            return await _seal_one(storage, name, dry_run=dry_run)

    async for page in pages_under(storage, ""):
        names = [name for name in page if not name.startswith(_LEFT_OUT)]
        in_clear += sum(await asyncio.gather(*map(seal, names)))
        seen += len(names)
        yield Progress(seen, in_clear)


async def _seal_one(storage: Storage, name: str, *, dry_run: bool) -> bool:
    """Return whether a content was in clear."""
    sealed = find_sealed(storage)
    try:
        if sealed is None or await sealed.is_sealed(name):
            return False
        if not dry_run:
            await storage.put(name, _while_in_clear(sealed, name, storage.open(name)))
    except (NotStored, Erased, _Replaced):
        return False  # the relay moved it, its verification was erased, or another process has sealed it
    return True


class _Replaced(Exception):
    """Another process has replaced the content, and so has sealed it."""


async def _while_in_clear(sealed: SealedStorage, name: str, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pass a content on, and look again before its end: a store keeps nothing of a content that fails before it."""
    async for chunk in content:
        yield chunk
    if await sealed.is_sealed(name):
        raise _Replaced
