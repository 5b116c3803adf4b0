"""Temporary files of the local folder: each is locked while its writer lives, so that those of a dead one can go."""

import fcntl
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final

SUFFIX: Final = ".draft"
UNLOCKED_UNTIL: Final = timedelta(days=1)
"""Writers of earlier releases lock nothing: their files go at this age."""


class Draft:
    """A temporary file; its buffer's lock lets `discard` come while a write is under way."""

    def __init__(self, folder: Path) -> None:
        self.size = 0
        self.path, self._file = _create(folder)

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        self._file.write(chunk)
        self.size += len(chunk)

    def sync(self, fsync: Callable[[int], None]) -> None:
        """Have the disk take all that was written. The file stays open and locked until `discard`."""
        self._file.flush()
        fsync(self._file.fileno())

    def discard(self) -> None:
        """Remove the temporary name, whether or not the file was written."""
        try:
            self.path.unlink(missing_ok=True)
        finally:
            self._file.close()


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files whose writers are dead. Raises `OSError` if the folder cannot be read.

    A symbolic link in the folder's place would have files elsewhere removed: it raises `NotADirectoryError`.
    """
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder.name} is a symbolic link")
    for path in folder.iterdir():
        with suppress(OSError):  # another process was faster, or the file is locked: its writer lives
            if path.suffix == SUFFIX:
                _remove_unlocked(path)
            elif time.time() - path.lstat().st_mtime > UNLOCKED_UNTIL.total_seconds():
                path.unlink()


def _create(folder: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = folder / f"{secrets.token_hex(16)}{SUFFIX}"
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # it was removed as abandoned before it was locked


def _remove_unlocked(path: Path) -> None:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
