"""What is stored at the moment of an erasure: either the writer or the erasure sees what the other did."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.gate import GatedStorage
from vigil.domain.tombstone import ErasureCause, Tombstone, Verdict
from vigil.domain.verification_key import VerificationKey
from vigil.storage.contract import NotStored, under
from vigil.storage.erasable import ErasableStorage, Erased
from vigil.storage.folder import FolderStorage, remove_folders
from vigil.storage.tombstones import Tombstones

PATH, AT = "acme/v:1", datetime(2031, 3, 4, tzinfo=UTC)
NAME = under(PATH, "results", "x")
TOMBSTONE = Tombstone(
    key=VerificationKey(account="acme", reference="v:1"),
    provider="acme",
    environment="sandbox",
    opened_at=AT,
    sequence=1,
    verdict=Verdict(decision=None, outcome=None, basis=None, revision=0),
    erased_at=AT,
    asked_by="checkout",
    cause=ErasureCause.REQUEST,
)


@pytest.fixture
def inner(tmp_path: Path) -> GatedStorage:
    return GatedStorage(FolderStorage(tmp_path))


async def test_nothing_is_stored_of_an_erased_verification_and_all_else_is(inner: GatedStorage) -> None:
    storage = ErasableStorage(inner)
    await storage.put_new(NAME, b"before")
    await Tombstones(storage).put_new(PATH, TOMBSTONE)
    for write in (storage.put_new, storage.put):
        with pytest.raises(Erased):
            await write(under(PATH, "results", "y"), b"after")
    await storage.put_new(under("acme/v:2", "results", "y"), b"of another")
    await storage.put_new("inbox/pending/z", b"of none")

    assert await storage.list("verifications") == [NAME, under("acme/v:2", "results", "y")]


@pytest.mark.parametrize("call", ["put_new", "put"])
async def test_a_write_that_looked_before_the_tombstone_takes_itself_back(inner: GatedStorage, call: str) -> None:
    storage = ErasableStorage(inner)
    inner.close("put verifications")
    write = asyncio.create_task(getattr(storage, call)(NAME, b"late"))
    await inner.reached["put verifications"].wait()
    await Tombstones(storage).put_new(PATH, TOMBSTONE)
    inner.open_gate("put verifications")

    with pytest.raises(Erased):
        await write
    with pytest.raises(NotStored):
        await storage.read(NAME)


@pytest.mark.parametrize("call", ["put_new", "put"])
async def test_a_write_that_ends_after_the_erasure_leaves_no_folder_with_the_reference(
    inner: GatedStorage, tmp_path: Path, call: str
) -> None:
    storage = ErasableStorage(inner)
    inner.close("put verifications")
    write = asyncio.create_task(getattr(storage, call)(NAME, b"late"))
    await inner.reached["put verifications"].wait()
    await Tombstones(storage).put_new(PATH, TOMBSTONE)
    await remove_folders(storage, under(PATH))
    inner.open_gate("put verifications")

    with pytest.raises(Erased):
        await write
    assert [*(tmp_path / "verifications").rglob("*")] == [tmp_path / "verifications" / "acme"]


async def test_a_write_that_fails_after_the_erasure_leaves_no_folder_either(tmp_path: Path) -> None:
    full = FolderStorage(tmp_path, fsync=fail_once_there_is(tmp_path / NAME))
    storage, gated = ErasableStorage(gate := GatedStorage(full)), "put verifications"
    gate.close(gated)
    write = asyncio.create_task(storage.put_new(NAME, b"late"))
    await gate.reached[gated].wait()
    await Tombstones(storage).put_new(PATH, TOMBSTONE)
    gate.open_gate(gated)

    with pytest.raises(Erased):
        await write
    assert [*(tmp_path / "verifications").rglob("*")] == [tmp_path / "verifications" / "acme"]


def fail_once_there_is(target: Path) -> Callable[[int], None]:
    """A disk that fails once, at the sync of the folder of a content."""
    failed = False

    def fsync(_descriptor: int) -> None:
        nonlocal failed
        if target.exists() and not failed:
            failed = True
            raise OSError

    return fsync
