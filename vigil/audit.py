"""The audit log: one line for each read of personal data, written before the data is given out.

A line says who read what kind of data and when. It names the verification by a keyed digest, so that the log outlives
the data without being personal itself. Lines are only ever added: nothing here changes one.
"""

import asyncio
import os
import pwd
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal

import structlog
from pydantic import Field, ValidationError

from vigil.domain.digest import Digester
from vigil.domain.models import StoredModel
from vigil.domain.terms import Instant, KeyedDigest, Name, Shown
from vigil.storage.contract import NotStored, Storage, pages_under, storage_name

FOLDER: Final = "audit"
_ERASED_AT_ONCE: Final = 1000
_READ_AT_ONCE: Final = 50
"""A bucket answers each request after some milliseconds."""
_DAY: Final = "%Y%m%d"
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_PURPOSE: Final = "audit"

_log = structlog.get_logger("vigil.audit")


class Read(StrEnum):
    """What kind of personal data was read."""

    CLAIMS = "claims"
    RESULT = "result"
    """The provider's answer itself."""
    DETAILS = "details"
    """The partner's own metadata and the provider's text about its verdict."""
    FILE = "file"
    PICTURE = "picture"
    """A file that a page showed."""
    CALLBACK = "callback"
    """The body of a stored callback."""
    PAYLOADS = "payloads"
    """Payloads of Temporal that the codec server opened."""
    EXPORT = "export"
    """What is stored of one verification, as a zip."""


By = Literal["key", "command_line", "token"]
"""How the reader is known: by a backend's key, as a user of this machine, or by a token of the Temporal UI."""


@dataclass(frozen=True)
class Reader:
    """Who reads."""

    name: str
    by: By

    @classmethod
    def of_command_line(cls) -> "Reader":
        """Return the user of this machine. The environment can say anything, so it is not asked."""
        uid = os.getuid()
        try:
            return cls(pwd.getpwuid(uid).pw_name, "command_line")
        except KeyError:
            return cls(f"uid {uid}", "command_line")


class AuditLine(StoredModel):
    """One read. `verification` is a keyed digest, and None if the data belongs to no verification that is known."""

    at: Instant
    who: Annotated[str, Field(max_length=200)]
    by: Shown[By]
    kind: Shown[Read]
    account: Name | None = None
    verification: KeyedDigest | None = None
    item: Annotated[str, Field(max_length=200)] | None = None
    """The name of the file or of the receipt."""


def _now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """Writes and lists the lines in a store."""

    def __init__(self, storage: Storage, digester: Digester, *, now: Callable[[], datetime] = _now) -> None:
        self._storage = storage
        self._digester = digester
        self._now = now

    async def note(
        self,
        reader: Reader,
        kind: Read,
        *,
        path: str | None = None,
        account: str | None = None,
        item: str | None = None,
    ) -> None:
        """Write a line. Await it before the data is given out: without a line nobody gets data.

        `path` is `account/encoded_reference`; without a verification `account` may say whose callback it is.

        Raises `StorageUnavailable`.
        """
        line = AuditLine(
            at=self._now(),
            who=reader.name[:200],
            by=reader.by,
            kind=kind,
            account=path.partition("/")[0] if path else account,
            verification=self.digest_of(path) if path else None,
            item=item,
        )
        await self._storage.put_new(_name(line.at), line.model_dump_json(exclude_none=True).encode())
        if structlog.is_configured():  # a command has no log: its output belongs to the user
            _log.info("personal_data.read", kind=kind.value, account=line.account, name=line.who, by=reader.by)

    def digest_of(self, path: str) -> str:
        """Return the digest by which lines name a verification."""
        return self._digester.digest(_PURPOSE, path)

    async def lines(self, since: datetime | None = None) -> AsyncIterator[AuditLine]:
        """Yield the lines since a time, the oldest first. Raises `StorageUnavailable`."""
        after = f"{FOLDER}/{since.astimezone(UTC):{_DAY}}/{since.astimezone(UTC):{_STAMP}}" if since else None
        async for page in pages_under(self._storage, FOLDER, after=after):
            for first in range(0, len(page), _READ_AT_ONCE):
                names = page[first : first + _READ_AT_ONCE]
                for line in await asyncio.gather(*map(self._line, names)):
                    if line is not None:
                        yield line

    async def _line(self, name: str) -> AuditLine | None:
        """Return a line; None if it has just become too old."""
        try:
            return _parse(name, await self._storage.read(name))
        except NotStored:
            return None


async def erase_old_lines(storage: Storage, kept_for: timedelta, now: datetime) -> None:
    """Erase lines that are too old, the oldest first and at most 1000. Raises `StorageUnavailable`."""
    for name in await storage.list(FOLDER, limit=_ERASED_AT_ONCE):
        if name >= _name(now - kept_for):
            break
        await storage.erase(name)


def _name(at: datetime) -> str:
    """One folder a day, and names in the order of time."""
    at = at.astimezone(UTC)
    return storage_name(FOLDER, f"{at:{_DAY}}", f"{at:{_STAMP}}-{secrets.token_hex(8)}")


def _parse(name: str, content: bytes) -> AuditLine:
    try:
        return AuditLine.model_validate_json(content)
    except ValidationError:
        # Nothing of the log is left out in silence.
        stamp = name.rpartition("/")[2].partition("-")[0]
        return AuditLine(
            at=datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC), who="?", by="key", kind="not_readable"
        )
