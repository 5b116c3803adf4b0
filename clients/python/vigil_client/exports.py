"""Exports: a zip of what is stored of a verification, compared with its own manifest."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Final

from vigil_client.errors import DigestMismatch

MANIFEST: Final = "manifest.json"
_CHUNK: Final = 1024 * 1024


def check_export(file: Path) -> None:
    """Raise `DigestMismatch` if a zip is not complete, or an entry is not what its manifest says."""
    try:
        with zipfile.ZipFile(file) as archive:
            expected = {entry["name"]: entry["sha256"] for entry in json.loads(archive.read(MANIFEST))["entries"]}
            found = {name: _digest(archive, name) for name in archive.namelist() if name != MANIFEST}
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError):
        raise DigestMismatch("the export is not complete; nothing was kept of it") from None
    if found != expected:
        raise DigestMismatch("the export is not what its manifest says; nothing was kept of it")


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as entry:
        while chunk := entry.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
