"""Erase everything that is stored of a verification, wherever it lies."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from vigil.storage.contract import NotStored, Storage, names_under, under
from vigil.storage.correlations import FOLDER as CORRELATIONS
from vigil.storage.inbox import Receipt, ReceiptText
from vigil.storage.receipt_names import PENDING, QUARANTINED

_KIND: Final = 3
"""The segment of a name under a verification that says which kind of object it is."""
_BEFORE: Final = rb"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2}))"
_AFTER: Final = rb"(?![0-9A-Za-z])"
"""A reference may be the beginning of another one. In a form, what is before it may be encoded."""


@dataclass(frozen=True)
class Target:
    """A verification: its path, its reference at the provider, and the digests under which its correlations lie."""

    account: str
    path: str
    reference: str
    correlations: Collection[str]


class ObjectEraser:
    """Erases the objects of one verification. Safe to repeat."""

    def __init__(
        self,
        storage: Storage,
        target: Target,
        digest_correlation: Callable[[str, str], str],
        read_receipt: Callable[[str], Awaitable[bytes | None]],
    ) -> None:
        """Take also how a correlation of an account is digested, and how a receipt is read that may be unreadable."""
        self._storage = storage
        self._target = target
        self._digest_correlation = digest_correlation
        self._read_receipt = read_receipt
        self._word = re.compile(_BEFORE + re.escape(target.reference.encode()) + _AFTER)

    async def erase(self, found: Iterable[tuple[str, str]]) -> AsyncIterator[str]:
        """Erase objects that `find` returned, and yield the kind of each. Raises `StorageUnavailable`."""
        for name, kind in found:
            await self._storage.erase(name)
            yield kind

    async def find(self) -> list[tuple[str, str]]:
        """Return the name and the kind of each object. Raises `StorageUnavailable`."""
        own = [(name, name.split("/")[_KIND]) async for name in names_under(self._storage, under(self._target.path))]
        return [*own, *await self._list_receipts(), *await self._list_correlations()]

    async def _list_correlations(self) -> list[tuple[str, str]]:
        found = []
        for mark in self._target.correlations:
            name = under(CORRELATIONS, self._target.account, mark)
            with suppress(NotStored):
                await self._storage.size(name)
                found.append((name, CORRELATIONS))
        return found

    async def _list_receipts(self) -> list[tuple[str, str]]:
        """Return the receipts that name the verification and are not filed under it."""
        found = []
        for folder in (QUARANTINED, PENDING):
            async for name in names_under(self._storage, folder):
                with suppress(NotStored):
                    content = await self._read_receipt(name)
                    if content is not None and self._names_it(content):
                        found.append((name, folder.strip("/").rpartition("/")[2]))
        return found

    def _names_it(self, content: bytes) -> bool:
        """Whether a receipt is about the verification, by what was read in it or else by its text."""
        try:
            receipt = Receipt.model_validate_json(content)
        except ValidationError:
            return self._is_in_text(content)
        if receipt.account != self._target.account:
            return False
        if receipt.correlation and self._mark(receipt.correlation) in self._target.correlations:
            return True
        if paths := receipt.paths:
            return self._target.path in paths
        return self._is_in(receipt.body) or self._target.reference in receipt.headers.values()

    def _is_in_text(self, content: bytes) -> bool:
        """Whether the reference is in a receipt that a later release wrote, or in what is no receipt."""
        try:
            text = ReceiptText.model_validate_json(content)
        except ValidationError:
            return self._is_in(content)
        return text.account in (None, self._target.account) and (self._is_in(text.body) or self._is_in(content))

    def _is_in(self, text: bytes) -> bool:
        return self._word.search(text) is not None

    def _mark(self, correlation: str) -> str:
        return self._digest_correlation(self._target.account, correlation)
