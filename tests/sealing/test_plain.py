"""Sealing what was stored in clear, before there were keys: by a real process, killed, and beside an erasure."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.running import vigil
from tests.sealing.test_storage import NAMES
from vigil.sealing.errors import NotSealed
from vigil.sealing.keysets import Keysets, make_keysets
from vigil.sealing.plain import Progress, seal_all
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import names_under
from vigil.storage.erasable import ErasableStorage
from vigil.storage.folder import FolderStorage
from vigil.storage.receipt_names import PENDING

MARKER = b"Erika Mustermann"
MANY = 300


def reading(below: FolderStorage, keys: Path, *, accept_plain: bool = False) -> ErasableStorage:
    return ErasableStorage(SealedStorage(below, Keysets(keys), accept_plain=accept_plain))


async def seal(below: FolderStorage, keys: Path, *, dry_run: bool = False) -> Progress:
    """Return how far it came in the end."""
    storage = reading(below, keys, accept_plain=True)
    return [progress async for progress in seal_all(storage, dry_run=dry_run)][-1]


async def test_every_kind_of_content_is_sealed_and_read_without_accept_plain(keys: Path, below: FolderStorage) -> None:
    large = "verifications/acme/v-1/artifacts/film"
    names = [name for name in NAMES if not name.startswith(PENDING)]
    for name in names:
        await below.put_new(name, MARKER)
    await below.put_new(large, MARKER * 100_000)
    await reading(below, keys).put("verifications/acme/v-1/records/000002", MARKER)
    counted = await seal(below, keys, dry_run=True)
    with pytest.raises(NotSealed):
        await reading(below, keys).read(names[0])
    done, again = await seal(below, keys), await seal(below, keys)
    storage = reading(below, keys)

    assert (counted, done, again) == (Progress(12, 11), Progress(12, 11), Progress(12, 0))
    for name in names:
        assert MARKER not in await below.read(name)
        assert await storage.read(name) == MARKER
    assert b"".join([chunk async for chunk in storage.open(large)]) == MARKER * 100_000


async def test_what_is_erased_at_the_same_time_does_not_come_back(
    keys: Path, below: FolderStorage, tmp_path: Path
) -> None:
    name = "verifications/acme/v-1/artifacts/portrait"
    await below.put_new(name, MARKER)
    storage = reading(below, keys, accept_plain=True)

    class Erasing(FolderStorage):
        """The store, in which the verification is erased while its content is read."""

        async def read(self, name: str) -> bytes:
            found = await super().read(name)
            if name.endswith("portrait"):
                await storage.put("tombstones/acme/v-1", b"{}")
                await storage.erase(name)
            return found

        async def open(self, name: str) -> AsyncIterator[bytes]:
            yield await self.read(name)

    erasing = reading(Erasing(tmp_path / "store"), keys, accept_plain=True)
    assert [progress async for progress in seal_all(erasing, dry_run=False)]

    assert name not in [name async for name in names_under(below, "")]


async def test_a_pending_receipt_is_left_to_the_relay(keys: Path, below: FolderStorage) -> None:
    pending = next(name for name in NAMES if name.startswith(PENDING))
    await below.put_new(pending, MARKER)

    assert await seal(below, keys) == Progress(0, 0)
    assert await below.read(pending) == MARKER


@pytest.mark.parametrize("change", ["replaced", "erased"])
@pytest.mark.parametrize("name", ["holds/acme/v-1", "verifications/acme/v-1/artifacts/film"])
async def test_what_another_process_changes_while_it_is_read_does_not_come_back(
    name: str, change: str, keys: Path, below: FolderStorage, tmp_path: Path
) -> None:
    await below.put_new(name, MARKER * 100_000)
    other = reading(below, keys)

    class Changing(FolderStorage):
        """The store, in which a content is changed after it was read for sealing."""

        async def open(self, name: str) -> AsyncIterator[bytes]:
            yield await below.read(name)
            looks.append(name)  # not reached by who only looks at the beginning
            if change == "replaced":
                await other.put(name, b"newer")
            else:
                await other.erase(name)

    looks: list[str] = []
    changing = reading(Changing(tmp_path / "store"), keys, accept_plain=True)
    [progress] = [progress async for progress in seal_all(changing, dry_run=False)]

    assert looks == [name]
    assert progress == Progress(1, 0)
    if change == "erased":
        assert name not in [each async for each in names_under(below, "")]
    else:
        assert await other.read(name) == b"newer"


def write_settings(folder: Path, *, accept_plain: bool) -> Path:
    config = folder / "vigil.toml"
    config.write_text(
        'digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"\n[seal]\nfolder = "keys"\n'
        f'accept_plain = {str(accept_plain).lower()}\n[storage]\nurl = "{(folder / "store").as_uri()}"\n'
    )
    config.chmod(0o600)
    return config


async def sealed_of(below: FolderStorage, names: list[str]) -> int:
    return sum([MARKER not in await below.read(name) for name in names])


async def test_a_process_that_is_killed_leaves_nothing_half_done_and_the_next_one_goes_on(
    keys: Path, below: FolderStorage, tmp_path: Path
) -> None:
    names = [f"verifications/acme/v-{number % 50}/results/{number:05}" for number in range(MANY)]
    for name in names:
        file = tmp_path / "store" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(MARKER)
    config = write_settings(tmp_path, accept_plain=True)
    program = (sys.executable, "-m", "vigil.cli.main", "--config", str(config), "keys", "seal")
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.DEVNULL)
    async with asyncio.timeout(120):
        while not await sealed_of(below, names):
            await asyncio.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    code = await process.wait()
    before = await sealed_of(below, names)
    whole = reading(below, keys, accept_plain=True)
    assert {await whole.read(name) for name in names} == {MARKER}
    again = await vigil("keys", "seal", config=config)

    assert code == -signal.SIGKILL
    assert 0 < before < MANY
    assert again.stdout == f"{MANY} contents, {MANY - before} of them in clear and now sealed.\n"
    assert {await reading(below, keys).read(name) for name in names} == {MARKER}


async def test_without_accept_plain_it_says_what_to_set(tmp_path: Path) -> None:
    make_keysets(tmp_path / "keys")
    refused = await vigil("keys", "seal", config=write_settings(tmp_path, accept_plain=False))

    assert refused.returncode == 2
    assert "Set [seal] accept_plain first" in refused.stderr
