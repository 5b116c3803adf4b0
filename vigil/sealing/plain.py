"""Seal what was stored in clear, before there were keys."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from vigil.sealing.data_keys import FOLDER as DATA_KEYS
from vigil.sealing.storage import find_sealed
from vigil.storage.contract import NotStored, Storage
from vigil.storage.erasable import Erased

AT_ONCE: Final = 8
PAGE: Final = 500


@dataclass(frozen=True)
class Progress:
    """How many contents were looked at until now, and how many of them were in clear."""

    seen: int
    in_clear: int


async def seal_all(storage: Storage, *, dry_run: bool) -> AsyncIterator[Progress]:
    """Seal every content that is in clear, and yield how far that came; with `dry_run` only count them.

    Each content is replaced in one step, so a killed process leaves it in clear or sealed, and a second call goes on.
    The store must read what is in clear. What is erased with its verification at the same time stays erased. A content
    that is replaced in the same moment may come back as it was. Raises `StorageUnavailable`, `SealingError`.
    """
    slots, seen, in_clear, after = asyncio.Semaphore(AT_ONCE), 0, 0, None

    async def seal(name: str) -> bool:
        async with slots:
            return await _seal_one(storage, name, dry_run=dry_run)

    while True:
        page = await storage.list("", after=after, limit=PAGE)
        names = [name for name in page if not name.startswith(f"{DATA_KEYS}/")]
        in_clear += sum(await asyncio.gather(*map(seal, names)))
        seen += len(names)
        yield Progress(seen, in_clear)
        if len(page) < PAGE:
            return
        after = page[-1]


async def _seal_one(storage: Storage, name: str, *, dry_run: bool) -> bool:
    """Return whether a content was in clear."""
    sealed = find_sealed(storage)
    try:
        if sealed is None or await sealed.is_sealed(name):
            return False
        if not dry_run:
            await storage.put(name, storage.open(name))
    except (NotStored, Erased):
        return False  # the relay moved it, or its verification was erased
    return True
