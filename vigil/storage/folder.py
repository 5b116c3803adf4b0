"""A local folder as storage: a write returns only when the disk has it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from vigil.storage.capitals import hide_capitals, ignores_case, show_capitals
from vigil.storage.contract import (
    AlreadyStored,
    Content,
    Names,
    NotStored,
    Storage,
    StorageUnavailable,
    Stored,
    check_name,
    find_below,
    folder_of,
)
from vigil.storage.drafts import Draft, remove_abandoned

T = TypeVar("T")

CLEAN_EVERY = timedelta(minutes=10)
CHUNK = 256 * 1024
# A stalled disk then blocks these threads and not the event loop's own, which resolve host names.
THREADS = 8
FOLDERS_REMEMBERED = 10_000

# A name inside a content, or that of a folder, is as absent as any other.
ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

Placing = Callable[[Path, Path], None]


class FolderStorage:
    """Storage in one folder, which several processes may share.

    A write goes to a temporary file, which is synced and then linked (or renamed) into place, and
    the folder is synced before the call returns. A call that is canceled may still take effect.
    Media types are not kept. No symbolic link is followed to a content. On a disk that ignores case, names are stored
    without capitals.
    """

    def __init__(
        self,
        root: Path,
        *,
        fsync: Callable[[int], None] = os.fsync,
        clean_every: timedelta = CLEAN_EVERY,
        ignores_case: Callable[[Path], bool] = ignores_case,
    ) -> None:
        """Create the folder if needed and remove the temporary files of dead processes. Raises `OSError`."""
        self._root = root
        self._drafts = root / ".tmp"
        self._fsync = fsync
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="storage")
        self._durable_folders: set[Path] = set()
        self._make_folder(self._drafts)
        self._hides_capitals = ignores_case(self._drafts)
        self._clean_every = clean_every.total_seconds()
        self._clean_drafts()

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        return await self._write(name, content, os.link)

    async def put(self, name: str, content: Content) -> Stored:
        return await self._write(name, content, os.replace)

    async def read(self, name: str) -> bytes:
        return await self._in_thread(name, partial(_read, name, self._path(name)))

    async def open(self, name: str) -> AsyncIterator[bytes]:
        file = await self._in_thread(name, partial(_open, name, self._path(name)))
        try:
            while chunk := await self._in_thread(name, partial(file.read, CHUNK)):
                yield chunk
        finally:
            file.close()

    async def size(self, name: str) -> int:
        return await self._in_thread(name, partial(_size, name, self._path(name)))

    async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> Names:
        work = partial(self._list, folder_of(prefix), after or "", limit)
        return await self._in_thread(prefix, work)

    async def erase(self, name: str) -> None:
        await self._in_thread(name, partial(self._erase, self._path(name)))

    async def remove_folders(self, prefix: str) -> None:
        """Remove the folders that were left empty under a prefix. Whoever writes there at the same time may fail."""
        await self._in_thread(prefix, partial(self._remove_folders, self._place_of(folder_of(prefix))))

    async def _write(self, name: str, content: Content, place: Placing) -> Stored:
        target = self._path(name)
        if isinstance(content, bytes):
            return await self._in_thread(name, partial(self._write_whole, name, content, target, place))
        draft = await self._in_thread(name, self._new_draft)
        try:
            async for chunk in content:
                await self._in_thread(name, partial(draft.write, chunk))
        except BaseException:
            await self._in_thread(name, draft.discard)
            raise
        return await self._in_thread(name, partial(self._finish, name, draft, target, place))

    async def _in_thread(self, name: str, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:
            raise StorageUnavailable(name, type(error).__name__) from error

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._place_of(name)

    def _place_of(self, name: str) -> Path:
        return self._root.joinpath(*map(hide_capitals, name.split("/"))) if self._hides_capitals else self._root / name

    def _new_draft(self) -> Draft:
        # The start of a process is not enough: its neighbours may be killed again and again.
        if time.monotonic() >= self._clean_at:
            self._clean_drafts()
        return Draft(self._drafts)

    def _clean_drafts(self) -> None:
        self._clean_at = time.monotonic() + self._clean_every
        remove_abandoned(self._drafts)

    def _write_whole(self, name: str, content: bytes, target: Path, place: Placing) -> Stored:
        draft = self._new_draft()
        try:
            draft.write(content)
        except BaseException:
            draft.discard()
            raise
        return self._finish(name, draft, target, place)

    def _finish(self, name: str, draft: Draft, target: Path, place: Placing) -> Stored:
        try:
            draft.sync(self._fsync)
            self._make_folder(target.parent)
            _place(name, draft.path, target, place)
            self._sync_folder(target.parent)
        except FileNotFoundError:
            # Another process has removed its folder: the next attempt makes it again.
            self._durable_folders.clear()
            raise
        finally:
            draft.discard()
        return Stored(name, draft.size)

    def _make_folder(self, folder: Path) -> None:
        """Create the folder and those above it, and sync the entry of each, once per process.

        One that exists may have been made a moment ago by a process that has not synced it yet. If this process synced
        it before, and another has removed it since, it is not synced again here: decision 0056 names the case.
        """
        is_given = self._root.is_relative_to(folder) and folder.is_dir()
        if is_given or folder in self._durable_folders:
            return
        self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._sync_folder(folder.parent)
        if len(self._durable_folders) >= FOLDERS_REMEMBERED:
            self._durable_folders.clear()
        self._durable_folders.add(folder)

    def _remove_folders(self, folder: Path) -> None:
        self._durable_folders.clear()
        for path, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):  # something is in it
                Path(path).rmdir()
        with suppress(FileNotFoundError):
            self._sync_folder(folder.parent)

    def _sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            self._fsync(descriptor)
        finally:
            os.close(descriptor)

    def _list(self, folder: str, after: str, limit: int) -> Names:
        names: Names = []
        for name in self._walk(folder, after):
            if len(names) >= limit:
                break
            names.append(name)
        return names

    def _walk(self, folder: str, after: str) -> Iterator[str]:
        try:
            entries = [*os.scandir(self._place_of(folder))]
        except (FileNotFoundError, NotADirectoryError):
            return
        visible = (entry for entry in entries if not entry.name.startswith("."))
        # With its slash a folder sorts where its names belong: "a-b" before "a/x".
        for name in sorted(folder + show_capitals(entry.name) + "/" * entry.is_dir() for entry in visible):
            if name.endswith("/"):
                if name > after or after.startswith(name):
                    yield from self._walk(name, after)
            elif name > after:
                yield name

    def _erase(self, path: Path) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
            self._sync_folder(path.parent)


def _place(name: str, draft: Path, target: Path, place: Placing) -> None:
    try:
        place(draft, target)
    except FileExistsError:
        raise AlreadyStored(name) from None


async def remove_folders(storage: Storage, prefix: str) -> None:
    """Remove the empty folders under a prefix where a store is a folder, or has one below it. A bucket has none.

    The folders of a verification have its reference in their names. May be repeated. Raises `StorageUnavailable`.
    """
    folders = find_below(storage, FolderStorage)
    if folders is not None:
        await folders.remove_folders(prefix)


def _read(name: str, path: Path) -> bytes:
    with _open(name, path) as file:
        return file.read()


def _open(name: str, path: Path) -> BinaryIO:
    try:
        return open(path, "rb", opener=_open_no_link)
    except ABSENT:
        raise NotStored(name) from None


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _size(name: str, path: Path) -> int:
    with _open(name, path) as file:
        return os.fstat(file.fileno()).st_size
