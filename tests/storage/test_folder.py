"""What the local folder promises beyond the contract: durability, and nothing half-done."""

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from vigil.storage.contract import AlreadyStored, Content, StorageUnavailable
from vigil.storage.folder import FolderStorage


class Disk:
    """Notes what is synced, and whether the object's name was visible at that moment."""

    def __init__(self, root: Path, watched: str) -> None:
        self._root, self._watched = root, root / watched
        self.synced: list[tuple[str, bool]] = []

    def fsync(self, descriptor: int) -> None:
        synced = os.fstat(descriptor)
        paths = [self._root.parent, self._root, *self._root.rglob("*")]
        path = next(path for path in paths if path.stat().st_ino == synced.st_ino)
        name = "draft" if path.parent.name == ".tmp" else str(path.relative_to(self._root.parent))
        self.synced.append((name, self._watched.exists()))
        os.fsync(descriptor)


class BrokenDisk:
    """Takes a number of syncs, then answers as a dying disk does."""

    def __init__(self, syncs_left: int) -> None:
        self._left = syncs_left

    def fsync(self, descriptor: int) -> None:
        if not self._left:
            raise OSError(5, "Input/output error")
        self._left -= 1


async def two_chunks() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


def drafts(root: Path) -> list[Path]:
    return list((root / ".tmp").iterdir())


async def test_content_is_synced_before_it_is_visible_and_its_name_afterwards(tmp_path: Path) -> None:
    root = tmp_path / "store"
    disk = Disk(root, "a/b/one")
    storage = FolderStorage(root, fsync=disk.fsync)
    assert disk.synced == [(".", False), ("store", False)]
    disk.synced.clear()

    await storage.put_new("a/b/one", b"content")

    assert disk.synced == [("draft", False), ("store", False), ("store/a", False), ("store/a/b", True)]


async def test_a_second_object_in_a_folder_costs_two_syncs(tmp_path: Path) -> None:
    root = tmp_path / "store"
    disk = Disk(root, "a/two")
    storage = FolderStorage(root, fsync=disk.fsync)
    await storage.put_new("a/one", b"content")
    disk.synced.clear()

    await storage.put_new("a/two", two_chunks())
    assert disk.synced == [("draft", False), ("store/a", True)]

    await storage.put("a/two", b"other")
    assert disk.synced[2:] == [("draft", True), ("store/a", True)]

    await storage.erase("a/two")
    assert disk.synced[4:] == [("store/a", False)]


async def test_a_folder_that_another_process_made_is_synced_too(tmp_path: Path) -> None:
    root = tmp_path / "store"
    other = FolderStorage(root)
    await other.put_new("a/one", b"content")
    disk = Disk(root, "a/two")

    await FolderStorage(root, fsync=disk.fsync).put_new("a/two", b"content")

    assert disk.synced[1:] == [("draft", False), ("store", False), ("store/a", True)]


@pytest.mark.parametrize("syncs_left", [1, 2])
async def test_a_disk_that_fails_before_the_name_is_visible_leaves_nothing(tmp_path: Path, syncs_left: int) -> None:
    storage = FolderStorage(tmp_path, fsync=BrokenDisk(syncs_left).fsync)

    with pytest.raises(StorageUnavailable, match="a/one"):
        await storage.put_new("a/one", b"content")

    assert await storage.list("") == []
    assert drafts(tmp_path) == []


async def test_a_write_whose_name_could_not_be_synced_is_not_acknowledged(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path, fsync=BrokenDisk(3).fsync)

    with pytest.raises(StorageUnavailable):
        await storage.put_new("a/one", two_chunks())

    assert drafts(tmp_path) == []


async def test_no_temporary_file_outlives_its_write(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    await storage.put_new("a/one", b"content")
    await storage.put_new("a/two", two_chunks())
    await storage.put("a/two", b"content")
    with pytest.raises(AlreadyStored):
        await storage.put_new("a/one", two_chunks())

    assert drafts(tmp_path) == []


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 50 kB; Python ignores the signal and sees the write refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def small_pieces() -> AsyncIterator[bytes]:
    for _ in range(60):
        yield b"x" * 1_000


@pytest.mark.parametrize("content", [b"x" * 60_000, small_pieces()], ids=["bytes", "stream"])
async def test_a_full_disk_refuses_and_keeps_no_half(tmp_path: Path, full_disk: None, content: Content) -> None:
    storage = FolderStorage(tmp_path)

    with pytest.raises(StorageUnavailable):
        await storage.put_new("a/one", content)

    assert await storage.list("") == []
    assert drafts(tmp_path) == []


async def test_a_canceled_stream_leaves_no_temporary_file(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"content"
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await storage.put_new("a/one", stuck())

    assert drafts(tmp_path) == []


async def test_opening_removes_temporary_files_of_earlier_releases_after_a_day(tmp_path: Path) -> None:
    FolderStorage(tmp_path)
    now = time.time()
    for name, hours in (("old", 25), ("young", 23)):
        draft = tmp_path / ".tmp" / name
        draft.write_bytes(b"half")
        os.utime(draft, (now, now - hours * 3600))

    FolderStorage(tmp_path)

    assert [draft.name for draft in drafts(tmp_path)] == ["young"]


async def test_stored_files_and_folders_are_closed_to_other_users(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "store")
    await storage.put_new("a/one", b"content")

    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "store/a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "store/a/one").stat().st_mode & 0o777 == 0o600


async def test_a_name_inside_a_content_is_refused_as_unavailable(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    await storage.put_new("a/one", b"content")

    with pytest.raises(StorageUnavailable):
        await storage.put_new("a/one/two", b"content")
    with pytest.raises(StorageUnavailable):
        await storage.put("a", b"content")

    assert await storage.list("") == ["a/one"]


async def test_a_folder_removed_under_us_is_unavailable_and_not_empty_success(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "store")
    (tmp_path / "store/.tmp").rmdir()

    with pytest.raises(StorageUnavailable):
        await storage.put_new("a/one", b"content")


def folders(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir() and path.name != ".tmp"}


async def test_folders_that_are_empty_are_removed_and_no_other(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    for name in ("v/acme/one/results/a", "v/acme/one/files/b", "v/acme/two/results/a"):
        await storage.put_new(name, b"x")
    await storage.erase("v/acme/one/results/a")
    await storage.remove_folders("v/acme/one")
    kept = folders(tmp_path)
    await storage.erase("v/acme/one/files/b")
    for _ in range(2):
        await storage.remove_folders("v/acme/one")

    assert kept == {"v", "v/acme", "v/acme/one", "v/acme/one/files", "v/acme/two", "v/acme/two/results"}
    assert folders(tmp_path) == {"v", "v/acme", "v/acme/two", "v/acme/two/results"}
    assert (await storage.put_new("v/acme/one/results/a", b"x")).size == 1


async def test_what_is_written_while_folders_are_removed_is_stored_or_refused(tmp_path: Path) -> None:
    writer, remover, ended = FolderStorage(tmp_path), FolderStorage(tmp_path), asyncio.Event()

    async def remove() -> None:
        while not ended.is_set():
            await remover.remove_folders("v/acme/one")

    removing = asyncio.create_task(remove())
    stored, refused = [], 0
    for number in range(300):
        name = f"v/acme/one/results/{number}"
        try:
            await writer.put_new(name, b"x")
        except StorageUnavailable:
            refused += 1
            continue
        stored.append(await writer.read(name))
        await writer.erase(name)
    ended.set()
    await removing

    assert len(stored) + refused == 300
    assert stored
    assert set(stored) == {b"x"}
    await writer.put_new("v/acme/one/results/last", b"x")
