"""Data keys in several processes: what one has forgotten, another uses for 30 seconds at most."""

from pathlib import Path

import pytest

from vigil.sealing.data_keys import DataKeys
from vigil.sealing.errors import DataKeyForgotten
from vigil.sealing.keysets import Keysets
from vigil.sealing.streams import open_whole, seal_whole
from vigil.storage.folder import FolderStorage

PLACE = "verifications/acme/v-1"


class Clock:
    """The time of one process, in seconds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_data_key_that_another_process_forgot_is_used_for_thirty_seconds_at_most(
    keys: Path, below: FolderStorage
) -> None:
    clock = Clock()
    erasing, reading = DataKeys(below, Keysets(keys).data_keys), DataKeys(below, Keysets(keys).data_keys, clock)
    sealed = seal_whole(await reading.for_writing(PLACE), b"a passport", b"name")
    assert await erasing.forget(PLACE)

    # Each use would begin the time anew if it were counted from the last one.
    for now in (1010.0, 1020.0, 1029.9):
        clock.now = now
        assert open_whole(await reading.for_reading(PLACE), sealed, b"name") == b"a passport"
    clock.now = 1030.0
    with pytest.raises(DataKeyForgotten):
        await reading.for_reading(PLACE)
    clock.now = 1010.0  # nor does it come back
    with pytest.raises(DataKeyForgotten):
        await reading.for_reading(PLACE)


async def test_the_process_that_forgets_a_data_key_does_not_use_it_again(keys: Path, below: FolderStorage) -> None:
    data_keys = DataKeys(below, Keysets(keys).data_keys)
    await data_keys.for_writing(PLACE)
    await data_keys.forget(PLACE)

    with pytest.raises(DataKeyForgotten):
        await data_keys.for_reading(PLACE)
