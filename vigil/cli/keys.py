"""`vigil keys`: the keysets of an installation."""

import asyncio
from dataclasses import asdict
from pathlib import Path

from vigil.cli.context import load, open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import print_json
from vigil.sealing.keysets import KeysetName, make_keysets
from vigil.sealing.rotation import add_key, drop_key, list_keys, use_added_key
from vigil.sealing.storage import SealedStorage, find_sealed


def make_new_keysets(folder: Path) -> str:
    """Make keysets in a folder. Return a sentence that names them. Raises `CommandError` if there is one already."""
    try:
        make_keysets(folder)
    except FileExistsError:
        raise CommandError(f"{folder} has keysets already: keys in use are never replaced.") from None
    except OSError as error:
        raise CommandError(f"{folder} cannot be written ({type(error).__name__}).") from None
    return f"{folder}: made {', '.join(KeysetName)}. Keep a copy outside this installation."


def print_keys(config: Path | None, folder: Path | None, *, as_json: bool) -> None:
    """Print every key with what it does now. Raises `CommandError`, `SealingError`."""
    rows = list_keys(_folder(config, folder))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        print(f"{row.keyset:<16} {row.key_id:>10}  {row.state}")


def rotate_key(config: Path | None, folder: Path | None, keyset: str, *, use: bool) -> str:
    """Add a key, or let the added one seal. Return a sentence with what comes next. Raises `CommandError`."""
    name, folder = _name(keyset), _folder(config, folder)
    if not use:
        added = add_key(folder, name)
        return f"{name} has the new key {added}. Give the folder to every process, then repeat this with --use."
    used = use_added_key(folder, name)
    last = " Then wrap the data keys anew: `vigil keys rewrap`." if name is KeysetName.DATA_KEYS else ""
    return f"{name} seals with the key {used}. Give the folder to every process.{last}"


def rewrap_data_keys(config: Path | None) -> str:
    """Wrap every data key with the current key. Return a sentence with the counts. Raises `CommandError`."""
    return asyncio.run(_rewrap(config))


def drop_old_key(config: Path | None, folder: Path | None, keyset: str, key_id: int) -> str:
    """Remove a key. Return a sentence. Raises `CommandError`, also if a data key is wrapped with it."""
    name = _name(keyset)
    if name is KeysetName.DATA_KEYS and (wrapped := asyncio.run(_count_wrapped(config, key_id))):
        raise CommandError(f"The key {key_id} wraps {wrapped} data keys: run `vigil keys rewrap` first.")
    drop_key(_folder(config, folder), name, key_id)
    return f"{name} has no key {key_id} any more. Give the folder to every process."


async def _rewrap(config: Path | None) -> str:
    async with open_installation(config) as runtime:
        storage = _sealed(find_sealed(runtime.storage))
        results = [await storage.rewrap(place) async for place in storage.data_keys.places()]
    return f"{len(results)} data keys, {sum(results)} of them wrapped anew."


async def _count_wrapped(config: Path | None, key_id: int) -> int:
    async with open_installation(config) as runtime:
        keys = _sealed(find_sealed(runtime.storage)).data_keys
        return sum([await keys.wrapped_with(place) == key_id async for place in keys.places()])


def _sealed(storage: SealedStorage | None) -> SealedStorage:
    if storage is None:
        raise CommandError('There are no data keys: the settings have seal = "off".')
    return storage


def _folder(config: Path | None, given: Path | None) -> Path:
    if given is not None:
        return given
    seal = load(config).seal
    if seal is None:
        raise CommandError('The settings have seal = "off": name a folder with --folder.')
    return seal.folder


def _name(keyset: str) -> KeysetName:
    try:
        return KeysetName(keyset)
    except ValueError:
        raise CommandError(f"There is no keyset of that name; there are {', '.join(KeysetName)}.") from None
