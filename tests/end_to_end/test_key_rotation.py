"""Every keyset gets a new key while verifications run, and nothing is unreadable at any moment."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.end_to_end.conftest import Running
from vigil.cli.keys import Place, drop_old_key, rewrap_data_keys, rotate_key
from vigil.sealing.keysets import KeysetName, Keysets
from vigil.sealing.rotation import list_keys
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import NotStored, Storage, names_under
from vigil.storage.factory import open_storage

ROTATED: Final = (KeysetName.DATA_KEYS, KeysetName.PAYLOADS, KeysetName.MARKS, KeysetName.RECEIPTS)
AT_ONCE: Final = 3


async def rotate_all(config: Path) -> None:
    for name in ROTATED:
        rotate_key(config, Place(), name, use=False)
        await asyncio.sleep(0.5)
        rotate_key(config, Place(), name, use=True)
        await asyncio.sleep(0.5)
    await asyncio.to_thread(rewrap_data_keys, config)


async def verify(running: Running) -> None:
    reference = await running.play(outcome="OK")
    await running.register(reference)
    async with asyncio.timeout(120):
        while not ((await running.known(reference)).get("record") or {}).get("completed_at"):
            await asyncio.sleep(0.5)


async def read_everything(below: Storage, keys: Path) -> int:
    """Read every content with the keys as they are now. Returns how many there are."""
    storage, read = SealedStorage(below, Keysets(keys)), 0
    async for name in names_under(below, ""):
        if not name.startswith("keys/"):
            with suppress(NotStored):  # the relay moved or erased it meanwhile
                await storage.read(name)
                read += 1
    return read


async def test_nothing_is_unreadable_while_every_keyset_is_rotated_twice(running: Running) -> None:
    config, keys = running.stack.config, running.stack.folder / "keys"
    ended, stopping = 0, asyncio.Event()

    async def keep_verifying() -> None:
        nonlocal ended
        while not stopping.is_set():
            await verify(running)
            ended += 1

    verifying = [asyncio.create_task(keep_verifying()) for _ in range(AT_ONCE)]
    await rotate_all(config)
    await rotate_all(config)
    stopping.set()
    await asyncio.gather(*verifying)
    await asyncio.to_thread(rewrap_data_keys, config)
    for row in list_keys(keys):
        if row.keyset is KeysetName.DATA_KEYS and row.state == "opens":
            await asyncio.to_thread(drop_old_key, config, Place(), row.keyset, row.key_id)

    assert ended >= AT_ONCE
    assert await read_everything(open_storage(running.runtime.settings.storage.url), keys) > ended
    for part in ("api", "worker"):
        log = running.stack.log(part).read_text()
        assert not [word for word in ("UnknownKey", "KeyNotHeld", "Unreadable", "not_readable") if word in log], part
