"""What a sealed store promises beyond a store."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vigil.sealing.errors import (
    ContentUnreadable,
    DataKeyForgotten,
    DataKeyUnreadable,
    KeyNotHeld,
    NotSealed,
    UnknownKey,
)
from vigil.sealing.keysets import KeysetName, Keysets, keyset_file
from vigil.sealing.storage import SealedStorage, forget_key
from vigil.sealing.streams import CHUNK, plain_size, sealed_size
from vigil.storage.contract import NotStored
from vigil.storage.erasable import ErasableStorage
from vigil.storage.folder import FolderStorage

MARKER = b"Erika Mustermann, born 12.08.1983"
FILE = "verifications/acme/v-1/artifacts/portrait-1"
OTHER = "verifications/acme/v-2/artifacts/portrait-1"
RECORD = "verifications/acme/v-1/records/000001"
NAMES = [
    FILE,
    RECORD,
    "verifications/acme/v-1/seen/abc",
    "verifications/correlations/acme/abc",
    "inbox/pending/20261129T051142.000000Z-0011223344556677",
    "inbox/quarantined/20261129T051142.000000Z-0011223344556677",
    "inbox/refused/20261129T051142.000000Z-0011223344556677",
    "inbox/signatures/20261129T051142.000000Z-abc",
    "budgets/starts/20261129T0511Z-abc-0001",
    "audit/20261129/20261129T051142.000000Z-0011223344556677",
    "health/probe",
]


@pytest.fixture
def storage(keys: Path, below: FolderStorage) -> SealedStorage:
    return SealedStorage(below, Keysets(keys))


def another_process(keys: Path, below: FolderStorage, *without: KeysetName) -> SealedStorage:
    """Return the store as a process sees it that was given fewer keysets."""
    folder = keys.parent / "-".join(["held", *without])
    shutil.copytree(keys, folder)
    for name in without:
        keyset_file(folder, name).unlink()
    return SealedStorage(below, Keysets(folder))


async def stream(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def everything_under(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("name", NAMES)
async def test_nothing_rests_in_clear(name: str, storage: SealedStorage, tmp_path: Path) -> None:
    await storage.put_new(name, MARKER)

    assert MARKER not in everything_under(tmp_path / "store")
    assert await storage.read(name) == MARKER
    assert [chunk async for chunk in storage.open(name)] == [MARKER]
    assert await storage.size(name) == len(MARKER)


@pytest.mark.parametrize("name", NAMES)
async def test_a_content_that_was_moved_or_changed_is_refused(
    name: str, storage: SealedStorage, below: FolderStorage
) -> None:
    await storage.put_new(name, MARKER)
    await storage.put_new(f"{name}0", b"another")
    sealed = await below.read(name)
    changed = [
        (f"{name}0", sealed),
        (name, sealed[:-1]),
        (name, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (name, sealed[:6]),
    ]
    for target, content in changed:
        await below.put(target, content)
        with pytest.raises((ContentUnreadable, UnknownKey)):
            await storage.read(target)
        with pytest.raises((ContentUnreadable, UnknownKey)):
            [chunk async for chunk in storage.open(target)]


@pytest.mark.parametrize("size", [0, 1, 65_479, 65_480, 65_481, CHUNK, 3 * CHUNK + 1])
async def test_a_file_of_any_size_comes_back_whole(size: int, storage: SealedStorage, below: FolderStorage) -> None:
    content = bytes(range(251)) * (size // 251 + 1)

    stored = await storage.put_new(FILE, stream(content[:size], 10_000))

    assert stored.size == await storage.size(FILE) == size
    assert await below.size(FILE) == 4 + sealed_size(size)
    assert plain_size(sealed_size(size)) == size
    assert b"".join([chunk async for chunk in storage.open(FILE)]) == content[:size]


async def test_a_file_that_was_cut_between_two_segments_is_refused(
    storage: SealedStorage, below: FolderStorage
) -> None:
    await storage.put_new(FILE, bytes(10 * 65_536))
    sealed = await below.read(FILE)
    for segments in (1, 2, 9):
        await below.put(FILE, sealed[: 4 + segments * 65_536])
        with pytest.raises(ContentUnreadable):
            [chunk async for chunk in storage.open(FILE)]


async def test_each_verification_has_a_data_key_of_its_own(
    storage: SealedStorage, below: FolderStorage, keys: Path
) -> None:
    await storage.put_new(FILE, b"one")
    await storage.put_new(RECORD, b"two")
    await storage.put_new(OTHER, b"three")
    assert await below.list("keys") == ["keys/verifications/acme/v-1", "keys/verifications/acme/v-2"]

    await below.put("keys/verifications/acme/v-1", await below.read("keys/verifications/acme/v-2"))

    with pytest.raises(DataKeyUnreadable):
        await another_process(keys, below).read(FILE)


async def test_processes_that_write_first_at_the_same_time_share_one_data_key(keys: Path, below: FolderStorage) -> None:
    processes = [SealedStorage(below, Keysets(keys)) for _ in range(8)]

    await asyncio.gather(*(process.put_new(f"{FILE}{n}", b"a") for n, process in enumerate(processes)))

    for n in range(8):
        assert await processes[0].read(f"{FILE}{n}") == b"a"


async def test_a_forgotten_key_makes_every_copy_unreadable(
    storage: SealedStorage, below: FolderStorage, keys: Path
) -> None:
    await storage.put_new(FILE, MARKER)
    await storage.put_new(OTHER, MARKER)

    assert await forget_key(ErasableStorage(storage), "acme/v-1")
    assert not await forget_key(storage, "acme/v-1")
    assert not await forget_key(below, "acme/v-2")

    for process in (storage, another_process(keys, below)):
        with pytest.raises(DataKeyForgotten):
            await process.read(FILE)
        with pytest.raises(DataKeyForgotten):
            [chunk async for chunk in process.open(FILE)]
        assert await process.read(OTHER) == MARKER


async def test_a_process_that_takes_callbacks_reads_no_receipt_and_no_file(
    storage: SealedStorage, below: FolderStorage, keys: Path
) -> None:
    process = another_process(keys, below, KeysetName.RECEIPTS, KeysetName.DATA_KEYS)
    assert not process.opens_receipts
    for name in NAMES[4:7]:
        await process.put_new(name, MARKER)
        with pytest.raises(KeyNotHeld, match="receipts"):
            await process.read(name)
        assert await storage.read(name) == MARKER

    await storage.put_new(FILE, MARKER)
    with pytest.raises(KeyNotHeld, match="data-keys"):
        await process.read(FILE)
    with pytest.raises(KeyNotHeld, match="data-keys"):
        await process.put_new(RECORD, MARKER)
    for name in (*NAMES[2:4], *NAMES[7:9]):
        await process.put_new(name, MARKER)
        assert await process.read(name) == MARKER


async def test_what_was_stored_in_clear_is_read_only_if_the_settings_say_so(
    storage: SealedStorage, below: FolderStorage, keys: Path
) -> None:
    await below.put_new(FILE, MARKER)
    with pytest.raises(NotSealed, match="accept_plain"):
        await storage.read(FILE)
    with pytest.raises(NotSealed):
        [chunk async for chunk in storage.open(FILE)]

    accepting = SealedStorage(below, Keysets(keys), accept_plain=True)
    await accepting.put_new(RECORD, MARKER)

    for name in (FILE, RECORD):
        assert await accepting.read(name) == MARKER
        assert [chunk async for chunk in accepting.open(name)] == [MARKER]
        assert await accepting.size(name) == len(MARKER)


async def test_an_absent_content_is_absent(storage: SealedStorage) -> None:
    for name in NAMES:
        with pytest.raises(NotStored):
            await storage.read(name)
        with pytest.raises(NotStored):
            [chunk async for chunk in storage.open(name)]
