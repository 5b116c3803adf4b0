"""Lines of the audit log about opened payloads, with the verifications that the payloads name."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from pydantic import ValidationError
from temporalio.api.common.v1 import Payload

from vigil.audit import AuditLog, Read, Reader
from vigil.domain.verification_key import VerificationKey
from vigil.errors import UnknownAccount

MOST_NAMED: Final = 1000
"""Verifications that one request may name. Each has a line of its own in the audit log, so a request has a bound."""
_WRITTEN_AT_ONCE: Final = 20


class TooManyNamed(Exception):
    """The payloads name more than `MOST_NAMED` verifications."""


class PayloadAudit:
    """Writes who was given payloads opened."""

    def __init__(self, audit: AuditLog, path_of: Callable[[VerificationKey], str]) -> None:
        self._audit = audit
        self._path_of = path_of

    async def note(self, reader: Reader, opened: Sequence[Payload]) -> None:
        """Write a line for each verification that payloads name; one line if they name none. Await it before all else.

        Raises `StorageUnavailable`, and `TooManyNamed` before any line is written.
        """
        slots = asyncio.Semaphore(_WRITTEN_AT_ONCE)

        async def write(path: str | None) -> None:
            async with slots:
                await self._audit.note(reader, Read.PAYLOADS, path=path, item=f"{len(opened)} payloads")

        await asyncio.gather(*map(write, _find_verifications(opened, self._path_of) or (None,)))


def _find_verifications(payloads: Iterable[Payload], path_of: Callable[[VerificationKey], str]) -> Sequence[str]:
    """Return the paths of the verifications that payloads name by account and reference. Raises `TooManyNamed`."""
    found: dict[str, None] = {}
    for key in dict.fromkeys(key for payload in payloads for key in _keys_in(_parse(payload.data))):
        try:
            found[path_of(key)] = None
        except UnknownAccount:
            continue  # of an account that the settings have no more
        if len(found) > MOST_NAMED:
            raise TooManyNamed
    return tuple(found)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _keys_in(value: Any) -> Iterable[VerificationKey]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case {"account": str(account), "reference": str(reference)} as named:
                with suppress(ValidationError):  # words of somebody else under the same names
                    yield VerificationKey(account=account, reference=reference)
                waiting += named.values()
            case dict() as inner:
                waiting += inner.values()
            case list() as inner:
                waiting += inner
