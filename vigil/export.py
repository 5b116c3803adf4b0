"""What is stored of one verification, as a zip: for the person's own request, and for a backend that moves.

The archive is made while it is sent, so no file is ever whole in memory. Its last entry, `manifest.json`, has the
SHA-256 digest of each other entry. An export that was cut has no manifest and is no zip.
"""

import hashlib
import json
import zipfile
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from io import RawIOBase
from pathlib import Path
from typing import Any, Final, cast

from pydantic import ValidationError

from vigil.domain.evidence import EvidenceRow
from vigil.domain.notification import timeline
from vigil.domain.record import Record
from vigil.domain.verification_key import VerificationKey
from vigil.errors import RecordNotStored, ResultNotStored
from vigil.lookup import VerificationLookup
from vigil.storage.contract import NotStored, Storage, names_under, under
from vigil.storage.inbox import Inbox

MANIFEST: Final = "manifest.json"
ENDINGS: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/json": ".json",
}
_VERSION: Final = 1


class Exporter:
    """Exports verifications."""

    def __init__(self, lookup: VerificationLookup, storage: Storage, path: Callable[[VerificationKey], str]) -> None:
        self._lookup = lookup
        self._storage = storage
        self._path = path

    async def open(self, key: VerificationKey) -> AsyncIterator[bytes]:
        """Return the pieces of the archive. Before the first piece raises as `VerificationLookup.read_record` does.

        While the pieces are read raises `StorageUnavailable`.
        """
        documents = [entry async for entry in self._documents(key)]
        return self._pieces(key, documents)

    async def _documents(self, key: VerificationKey) -> AsyncIterator[tuple[str, bytes]]:
        """Yield what is made for the export. An interrupted verification has no record, and exports the rest."""
        rows = await self._lookup.read_notifications(key)
        yield "notifications.json", _json([row.model_dump(mode="json") for row in rows])
        with suppress(RecordNotStored):
            record = await self._lookup.read_record(key)
            yield "record.json", _json(record.model_dump(mode="json"))
            yield "timeline.json", _json([entry.model_dump(mode="json") for entry in timeline(record.log, rows)])
            with suppress(ResultNotStored):
                claims = await self._lookup.read_claims(record)
                yield "claims.json", _json(claims.model_dump(mode="json", exclude_none=True))

    async def _pieces(self, key: VerificationKey, documents: Iterable[tuple[str, bytes]]) -> AsyncIterator[bytes]:
        archive = _Archive(datetime.now(UTC))
        for name, content in documents:
            yield archive.add_whole(name, content)
        async for name, content in self._receipts(key):
            yield archive.add_whole(name, content)
        async for name, stored in self._stored(key, dict(documents).get("record.json")):
            async for piece in archive.add(name, self._storage.open(stored)):
                yield piece
        yield archive.finish({"account": key.account, "reference": key.reference})

    async def _receipts(self, key: VerificationKey) -> AsyncIterator[tuple[str, bytes]]:
        """Yield each callback: what we know of it, and its body as it was received."""
        async for stored in self._names(key, "receipts"):
            name = f"receipts/{_leaf(stored)}"
            with suppress(NotStored):
                try:
                    receipt = await Inbox(self._storage).read(stored)
                except ValidationError:  # of a later release
                    yield f"{name}.json", await self._storage.read(stored)
                    continue
                yield f"{name}.json", _json(receipt.model_dump(mode="json", exclude={"body"}))
                yield f"{name}.body", receipt.body

    async def _stored(self, key: VerificationKey, record: bytes | None) -> AsyncIterator[tuple[str, str]]:
        """Yield the name in the archive and in the storage of what is copied as it is."""
        for folder in ("records", "results"):
            async for stored in self._names(key, folder):
                yield f"{folder}/{_leaf(stored)}.json", stored
        rows = Record.model_validate_json(record).evidence if record else ()
        # What the ledger has and the storage does not is listed as missing.
        endings = {row.stored_as: _ending(row) for row in rows if row.stored_as is not None}
        for stored in sorted({*endings, *[name async for name in self._names(key, "artifacts")]}):
            yield f"files/{_leaf(stored)}{endings.get(stored, '')}", stored

    def _names(self, key: VerificationKey, folder: str) -> AsyncIterator[str]:
        return names_under(self._storage, under(self._path(key), folder))


class _Outbox(RawIOBase):
    """Takes what `zipfile` writes, until it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def tell(self) -> int:
        raise OSError

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


class _Archive:
    """A zip whose bytes are taken as soon as they are made."""

    def __init__(self, made_at: datetime) -> None:
        self._made_at = made_at
        self._outbox = _Outbox()
        self._zip = zipfile.ZipFile(cast("Any", self._outbox), "w")
        self._entries: list[dict[str, str | int]] = []
        self._missing: list[str] = []

    def add_whole(self, name: str, content: bytes) -> bytes:
        """Add an entry whose content is at hand, and return the bytes to send."""
        self._zip.writestr(self._info(name, zipfile.ZIP_DEFLATED), content)
        self._note(name, hashlib.sha256(content), len(content))
        return self._outbox.take()

    async def add(self, name: str, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Add an entry, and yield the bytes to send. One that is not stored any more is listed as missing."""
        digest, size, source = hashlib.sha256(), 0, aiter(chunks)
        try:
            chunk = await anext(source, b"")
        except NotStored:
            self._missing.append(name)
            return
        # Pictures and videos are compressed already.
        with self._zip.open(self._info(name, zipfile.ZIP_STORED), "w", force_zip64=True) as entry:
            while chunk:
                entry.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                yield self._outbox.take()
                chunk = await anext(source, b"")
        self._note(name, digest, size)

    def finish(self, subject: dict[str, str]) -> bytes:
        """Add the manifest and return the last bytes to send."""
        manifest = {"version": _VERSION, **subject, "made_at": self._made_at.isoformat()}
        listed = {**manifest, "entries": self._entries, "missing": self._missing}
        self._zip.writestr(self._info(MANIFEST, zipfile.ZIP_DEFLATED), _json(listed))
        self._zip.close()
        return self._outbox.take()

    def _info(self, name: str, compression: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._made_at.timetuple()[:6])
        info.compress_type = compression
        info.external_attr = 0o600 << 16
        return info

    def _note(self, name: str, digest: Any, size: int) -> None:
        self._entries.append({"name": name, "size": size, "sha256": digest.hexdigest()})


def find_export_faults(file: Path) -> list[str]:
    """Return what an export and its manifest disagree about, as sentences. None: it is complete and unchanged."""
    try:
        with zipfile.ZipFile(file) as archive:
            listed = {entry["name"]: entry for entry in json.loads(archive.read(MANIFEST))["entries"]}
            present = set(archive.namelist()) - {MANIFEST}
            faults = [f"{name} is not in the manifest" for name in sorted(present - listed.keys())]
            faults += [f"{name} is missing" for name in sorted(listed.keys() - present)]
            for name in sorted(present & listed.keys()):
                with archive.open(name) as entry:
                    if hashlib.file_digest(cast("Any", entry), "sha256").hexdigest() != listed[name]["sha256"]:
                        faults.append(f"{name} has another content")
            return faults
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError):
        return ["it is no complete export"]


def _ending(row: EvidenceRow) -> str:
    return ENDINGS.get(row.media_type or "", "")


def _leaf(name: str) -> str:
    return name.rpartition("/")[2]


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
