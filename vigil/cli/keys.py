"""`vigil keys`: the keysets of an installation."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from vigil.cli.context import load, open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import open_console, print_json
from vigil.runtime import open_runtime
from vigil.sealing.keysets import KeysetName, copy_keysets, make_keysets
from vigil.sealing.kms import Kms, open_kms
from vigil.sealing.plain import Progress, seal_all
from vigil.sealing.rotation import add_key, drop_key, list_keys, use_added_key
from vigil.sealing.storage import SealedStorage, find_sealed


@dataclass(frozen=True)
class Place:
    """Where keysets are: a folder, and the URL of the KMS that encrypts them. Without a folder: as in the settings."""

    folder: Path | None = None
    kms: str | None = None


def make_new_keysets(folder: Path, kms: str | None) -> str:
    """Make keysets in a folder. Return a sentence that names them. Raises `CommandError`, `KeysetsNotOpened`."""
    with _writing(folder):
        make_keysets(folder, open_kms(kms))
    return f"{folder}: made {', '.join(KeysetName)}. Keep a copy outside this installation."


def copy_to(config: Path | None, to: Path, to_kms: str | None) -> str:
    """Copy the keysets of the settings. Return a sentence with what comes next. Raises as `make_new_keysets`."""
    folder, kms = _find(config, Place())
    with _writing(to):
        copy_keysets(folder, kms, to, open_kms(to_kms))
    setting = f'kms = "{to_kms}"' if to_kms else "no kms"
    return f"{to}: the keysets of {folder}. Set folder to it in [seal], and {setting}; then restart every process."


def print_keys(config: Path | None, place: Place, *, as_json: bool) -> None:
    """Print every key with what it does now. Raises `CommandError`, `SealingError`."""
    rows = list_keys(*_find(config, place))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        print(f"{row.keyset:<16} {row.key_id:>10}  {row.state}")


def rotate_key(config: Path | None, place: Place, keyset: str, *, use: bool) -> str:
    """Add a key, or let the added one seal. Return a sentence with what comes next. Raises `CommandError`."""
    name, (folder, kms) = _name(keyset), _find(config, place)
    if not use:
        added = add_key(folder, name, kms)
        return f"{name} has the new key {added}. Give the folder to every process, then repeat this with --use."
    used = use_added_key(folder, name, kms)
    last = " Then wrap the data keys anew: `vigil keys rewrap`." if name is KeysetName.DATA_KEYS else ""
    return f"{name} seals with the key {used}. Give the folder to every process.{last}"


def rewrap_data_keys(config: Path | None) -> str:
    """Wrap every data key with the current key. Return a sentence with the counts. Raises `CommandError`."""
    return asyncio.run(_rewrap(config))


def seal_what_is_in_clear(config: Path | None, *, dry_run: bool) -> str:
    """Seal every content that is in clear, or count them. Return a sentence with the counts. Raises `CommandError`."""
    return asyncio.run(_seal_all(config, dry_run=dry_run))


def drop_old_key(config: Path | None, place: Place, keyset: str, key_id: int) -> str:
    """Remove a key. Return a sentence. Raises `CommandError`, also if a data key is wrapped with it."""
    name = _name(keyset)
    if name is KeysetName.DATA_KEYS and (wrapped := asyncio.run(_count_wrapped(config, key_id))):
        raise CommandError(f"The key {key_id} wraps {wrapped} data keys: run `vigil keys rewrap` first.")
    folder, kms = _find(config, place)
    drop_key(folder, name, key_id, kms)
    return f"{name} has no key {key_id} any more. Give the folder to every process."


async def _rewrap(config: Path | None) -> str:
    async with open_installation(config) as runtime:
        storage = _sealed(find_sealed(runtime.storage))
        results = [await storage.rewrap(place) async for place in storage.data_keys.places()]
    return f"{len(results)} data keys, {sum(results)} of them wrapped anew."


async def _seal_all(config: Path | None, *, dry_run: bool) -> str:
    settings = load(config)
    if settings.seal is None or not settings.seal.accept_plain:
        raise CommandError("Set [seal] accept_plain first: without it nobody reads what is in clear.")
    progress, console = Progress(0, 0), open_console(stderr=True)
    async with open_runtime(settings, lazy=True) as runtime:
        async for progress in seal_all(runtime.storage, dry_run=dry_run):
            console.print(f"{progress.seen} contents, {progress.in_clear} of them in clear", style="dim")
    done = "to be sealed" if dry_run else "now sealed"
    return f"{progress.seen} contents, {progress.in_clear} of them in clear and {done}."


async def _count_wrapped(config: Path | None, key_id: int) -> int:
    async with open_installation(config) as runtime:
        keys = _sealed(find_sealed(runtime.storage)).data_keys
        return sum([await keys.wrapped_with(place) == key_id async for place in keys.places()])


def _sealed(storage: SealedStorage | None) -> SealedStorage:
    if storage is None:
        raise CommandError('There are no data keys: the settings have seal = "off".')
    return storage


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise CommandError(f"{folder} has keysets already: keys in use are never replaced.") from None
    except OSError as error:
        raise CommandError(f"{folder} cannot be written ({type(error).__name__}).") from None


def _find(config: Path | None, place: Place) -> tuple[Path, Kms | None]:
    if place.folder is not None:
        return place.folder, open_kms(place.kms)
    if place.kms is not None:
        raise CommandError("--kms belongs to --folder: without it both come from the settings.")
    seal = load(config).seal
    if seal is None:
        raise CommandError('The settings have seal = "off": name a folder with --folder.')
    return seal.folder, open_kms(seal.kms)


def _name(keyset: str) -> KeysetName:
    try:
        return KeysetName(keyset)
    except ValueError:
        raise CommandError(f"There is no keyset of that name; there are {', '.join(KeysetName)}.") from None
