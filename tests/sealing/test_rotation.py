"""Keys are changed without a moment at which something cannot be read."""

from pathlib import Path

import pytest

from tests.sealing.test_storage import FILE, MARKER, NAMES, OTHER
from vigil.sealing.errors import DataKeyForgotten, RotationRefused, UnknownKey
from vigil.sealing.keysets import KeysetName, Keysets, keyset_file
from vigil.sealing.rotation import add_key, drop_key, list_keys, use_added_key
from vigil.sealing.storage import SealedStorage, forget_key
from vigil.storage.folder import FolderStorage

ROTATED = [name for name in KeysetName if name is not KeysetName.RECEIPTS_PUBLIC]


def states(keys: Path, name: KeysetName) -> list[str]:
    return [row.state for row in list_keys(keys) if row.keyset is name]


@pytest.mark.parametrize("name", ROTATED)
async def test_what_was_sealed_before_and_after_each_step_is_read_after_all_of_them(
    name: KeysetName, keys: Path, below: FolderStorage
) -> None:
    storage = SealedStorage(below, Keysets(keys))
    await storage.put(FILE, MARKER)
    assert states(keys, name) == ["seals"]

    for steps in range(2):
        added = add_key(keys, name)
        await storage.put(f"{NAMES[4]}{steps}", MARKER)
        await storage.put(f"{NAMES[3]}{steps}", MARKER)
        await storage.put(f"verifications/acme/v-{steps}9/results/a", MARKER)
        assert states(keys, name)[-2:] == ["seals", "waits"]
        assert use_added_key(keys, name) == added
        assert states(keys, name)[-2:] == ["opens", "seals"]

    for process in (storage, SealedStorage(below, Keysets(keys))):
        for steps in range(2):
            assert await process.read(f"{NAMES[4]}{steps}") == MARKER
            assert await process.read(f"{NAMES[3]}{steps}") == MARKER
            assert await process.read(f"verifications/acme/v-{steps}9/results/a") == MARKER
        assert await process.read(FILE) == MARKER
    assert {file.stat().st_mode & 0o777 for file in keys.iterdir()} == {0o600}
    assert len(list(keys.iterdir())) == len(KeysetName)


async def test_a_process_that_has_the_added_key_reads_what_another_one_seals_with_it(
    keys: Path, below: FolderStorage, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    add_key(keys, KeysetName.MARKS)
    for file in keys.iterdir():
        (slow / file.name).write_bytes(file.read_bytes())
        (slow / file.name).chmod(0o600)
    use_added_key(keys, KeysetName.MARKS)

    await SealedStorage(below, Keysets(keys)).put(NAMES[3], MARKER)

    assert await SealedStorage(below, Keysets(slow)).read(NAMES[3]) == MARKER


async def test_rewrapping_touches_data_keys_only_and_frees_the_old_key(keys: Path, below: FolderStorage) -> None:
    storage = SealedStorage(below, Keysets(keys))
    for name in (FILE, OTHER):
        await storage.put(name, MARKER)
    before = {name: await below.read(name) for name in (FILE, OTHER)}
    (old,) = [row.key_id for row in list_keys(keys) if row.keyset is KeysetName.DATA_KEYS]
    add_key(keys, KeysetName.DATA_KEYS)
    new = use_added_key(keys, KeysetName.DATA_KEYS)
    places = [place async for place in storage.data_keys.places()]

    assert [await storage.rewrap(place) for place in places] == [True, True]
    assert [await storage.rewrap(place) for place in places] == [False, False]
    drop_key(keys, KeysetName.DATA_KEYS, old)

    assert {name: await below.read(name) for name in (FILE, OTHER)} == before
    assert {await storage.data_keys.wrapped_with(place) for place in places} == {new}
    assert await SealedStorage(below, Keysets(keys)).read(FILE) == MARKER


async def test_a_data_key_that_was_not_wrapped_anew_is_a_hard_error_that_names_the_key(
    keys: Path, below: FolderStorage
) -> None:
    await SealedStorage(below, Keysets(keys)).put(FILE, MARKER)
    (old,) = [row.key_id for row in list_keys(keys) if row.keyset is KeysetName.DATA_KEYS]
    add_key(keys, KeysetName.DATA_KEYS)
    use_added_key(keys, KeysetName.DATA_KEYS)
    drop_key(keys, KeysetName.DATA_KEYS, old)

    with pytest.raises(UnknownKey, match=f"The keyset data-keys has no key {old}"):
        await SealedStorage(below, Keysets(keys)).read(FILE)


async def test_rewrapping_brings_no_key_back_that_is_forgotten_at_the_same_time(
    keys: Path, below: FolderStorage
) -> None:
    class Erased(FolderStorage):
        """An erasure comes between the reading and the writing of a data key."""

        async def put(self, name, content):  # type: ignore[no-untyped-def]
            if name.startswith("keys/"):
                await below.put_new("tombstones/acme/v-1", b"{}")
                await forget_key(SealedStorage(below, Keysets(keys)), "acme/v-1")
            return await super().put(name, content)

    await SealedStorage(below, Keysets(keys)).put(FILE, MARKER)
    add_key(keys, KeysetName.DATA_KEYS)
    use_added_key(keys, KeysetName.DATA_KEYS)
    storage = SealedStorage(Erased(below._root), Keysets(keys))

    await storage.rewrap("verifications/acme/v-1")

    assert await below.list("keys") == []
    with pytest.raises(DataKeyForgotten):
        await storage.read(FILE)


async def test_rewrapping_again_forgets_a_key_that_a_killed_process_brought_back(
    keys: Path, below: FolderStorage
) -> None:
    await SealedStorage(below, Keysets(keys)).put(FILE, MARKER)
    await below.put_new("tombstones/acme/v-1", b"{}")
    storage = SealedStorage(below, Keysets(keys))

    assert not await storage.rewrap("verifications/acme/v-1")

    assert await below.list("keys") == []


def test_what_would_lose_something_is_refused(keys: Path) -> None:
    (row,) = [row for row in list_keys(keys) if row.keyset is KeysetName.MARKS]
    with pytest.raises(RotationRefused, match="seals: let another one seal first"):
        drop_key(keys, KeysetName.MARKS, row.key_id)
    with pytest.raises(RotationRefused, match="has no key 1"):
        drop_key(keys, KeysetName.MARKS, 1)
    with pytest.raises(RotationRefused, match="No key of marks waits"):
        use_added_key(keys, KeysetName.MARKS)
    with pytest.raises(RotationRefused, match="follows from receipts"):
        add_key(keys, KeysetName.RECEIPTS_PUBLIC)
    add_key(keys, KeysetName.MARKS)
    with pytest.raises(RotationRefused, match="waits already"):
        add_key(keys, KeysetName.MARKS)


def test_the_public_keys_of_receipts_follow_the_private_ones(keys: Path) -> None:
    before = keyset_file(keys, KeysetName.RECEIPTS_PUBLIC).read_text()
    add_key(keys, KeysetName.RECEIPTS)
    use_added_key(keys, KeysetName.RECEIPTS)

    assert keyset_file(keys, KeysetName.RECEIPTS_PUBLIC).read_text() != before
    public = [row.key_id for row in list_keys(keys) if row.keyset is KeysetName.RECEIPTS_PUBLIC]
    assert public == [row.key_id for row in list_keys(keys) if row.keyset is KeysetName.RECEIPTS]
