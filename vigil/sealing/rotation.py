"""Changing keys: a new one is added first, and seals once every process has it. So nothing is ever unreadable.

The keys of a file are in the order in which they were added. The primary key seals, and all of them open.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import tink
from tink import json_proto_keyset_format, secret_key_access

from vigil.sealing.errors import RotationRefused
from vigil.sealing.keysets import TEMPLATES, KeysetName, format_keyset, keyset_file, read_keyset, write_private
from vigil.sealing.kms import Kms

_PUBLIC: Final = KeysetName.RECEIPTS_PUBLIC


@dataclass(frozen=True)
class KeyRow:
    """A key and what it does now: it seals, it waits until it may seal, or it only opens what it sealed before."""

    keyset: KeysetName
    key_id: int
    state: Literal["seals", "waits", "opens"]


def list_keys(folder: Path, kms: Kms | None = None) -> list[KeyRow]:
    """Return the keys of every keyset that is there, in the order in which they were added. Raises `SealingError`."""
    held = [name for name in KeysetName if keyset_file(folder, name).exists()]
    return [row for name in held for row in _rows(name, _read(folder, name, kms))]


def add_key(folder: Path, name: KeysetName, kms: Kms | None = None) -> int:
    """Add a key that opens and does not seal yet. Return its id. Raises `SealingError`."""
    keyset = _read(folder, name, kms)
    if name not in TEMPLATES:
        raise RotationRefused(f"{name} follows from {KeysetName.RECEIPTS}: rotate that one.")
    if any(row.state == "waits" for row in _rows(name, keyset)):
        raise RotationRefused(
            f"A key of {name} waits already: let it seal with --use, once every process has the file."
        )
    taken = {key["keyId"] for key in keyset["key"]}
    while True:
        handle = tink.new_keyset_handle(TEMPLATES[name])
        (added,) = json.loads(json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN))["key"]
        if added["keyId"] not in taken:
            break
    _write(folder, name, keyset | {"key": [*keyset["key"], added]}, kms)
    return int(added["keyId"])


def use_added_key(folder: Path, name: KeysetName, kms: Kms | None = None) -> int:
    """Let the key seal that was added. Return its id. Raises `SealingError`."""
    keyset = _read(folder, name, kms)
    waiting = [row.key_id for row in _rows(name, keyset) if row.state == "waits"]
    if not waiting:
        raise RotationRefused(f"No key of {name} waits: add one first, without --use.")
    _write(folder, name, keyset | {"primaryKeyId": waiting[-1]}, kms)
    return waiting[-1]


def drop_key(folder: Path, name: KeysetName, key_id: int, kms: Kms | None = None) -> None:
    """Remove a key. What it sealed is unreadable from then on. Raises `SealingError`."""
    keyset = _read(folder, name, kms)
    states = {row.key_id: row.state for row in _rows(name, keyset)}
    if key_id not in states:
        raise RotationRefused(f"The keyset {name} has no key {key_id}.")
    if states[key_id] == "seals":
        raise RotationRefused(f"The key {key_id} of {name} seals: let another one seal first.")
    _write(folder, name, keyset | {"key": [key for key in keyset["key"] if key["keyId"] != key_id]}, kms)


def _rows(name: KeysetName, keyset: dict[str, Any]) -> list[KeyRow]:
    ids = [int(key["keyId"]) for key in keyset["key"]]
    primary = ids.index(int(keyset["primaryKeyId"]))
    states: tuple[Literal["opens", "seals", "waits"], ...] = ("opens", "seals", "waits")
    return [KeyRow(name, key_id, states[1 + (at > primary) - (at < primary)]) for at, key_id in enumerate(ids)]


def _read(folder: Path, name: KeysetName, kms: Kms | None) -> dict[str, Any]:
    handle = read_keyset(keyset_file(folder, name), name, kms)
    clear = (
        json_proto_keyset_format.serialize_without_secret(handle)
        if name is _PUBLIC
        else json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
    )
    keyset: dict[str, Any] = json.loads(clear)
    return keyset


def _write(folder: Path, name: KeysetName, keyset: dict[str, Any], kms: Kms | None) -> None:
    """Replace a file in one step, and with the private keys of receipts the public ones."""
    handle = json_proto_keyset_format.parse(json.dumps(keyset), secret_key_access.TOKEN)
    _replace(keyset_file(folder, name), format_keyset(handle, name, kms))
    if name is KeysetName.RECEIPTS:
        _replace(keyset_file(folder, _PUBLIC), format_keyset(handle.public_keyset_handle(), _PUBLIC, kms))


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f".{file.name}.draft")
    draft.unlink(missing_ok=True)
    write_private(draft, text)
    draft.replace(file)
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
