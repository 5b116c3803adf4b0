"""The keysets of an installation: one file of Tink's JSON for each, in one folder.

A process needs only the files of what it does: the callbacks process holds no `receipts.json`, so it can seal a receipt
and not open one.

With a KMS the files of secret keys are encrypted by it, each for its name. `receipts-public.json` holds no secret.
"""

import json
import os
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from stat import S_IMODE
from threading import Lock, Thread
from typing import Any, Final

import structlog
import tink
from tink import KeysetHandle, aead, hybrid, json_proto_keyset_format, secret_key_access

from vigil.sealing.errors import KeyNotHeld, KeysetsNotOpened, KmsFailed, UnknownKey
from vigil.sealing.kms import Kms, open_kms

_log = structlog.get_logger("vigil.sealing")

aead.register()
hybrid.register()


class KeysetName(StrEnum):
    """A keyset; its file has this name and ends with `.json`."""

    DATA_KEYS = "data-keys"
    """Wraps the data keys, of which each verification has one."""
    PAYLOADS = "payloads"
    """Seals what Temporal stores."""
    MARKS = "marks"
    """Seals what every process reads: which callbacks were seen, and to which verification a correlation belongs."""
    RECEIPTS = "receipts"
    """Opens receipts."""
    RECEIPTS_PUBLIC = "receipts-public"
    """Seals receipts, and opens none."""


TEMPLATES: Final = {
    KeysetName.DATA_KEYS: aead.aead_key_templates.AES256_GCM,
    KeysetName.PAYLOADS: aead.aead_key_templates.AES256_GCM,
    KeysetName.MARKS: aead.aead_key_templates.AES256_GCM,
    KeysetName.RECEIPTS: hybrid.hybrid_key_templates.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM,
}
"""The keysets that are made. The public keyset follows from the private one."""
_KINDS: Final = {
    KeysetName.DATA_KEYS: aead.Aead,
    KeysetName.PAYLOADS: aead.Aead,
    KeysetName.MARKS: aead.Aead,
    KeysetName.RECEIPTS: hybrid.HybridDecrypt,
    KeysetName.RECEIPTS_PUBLIC: hybrid.HybridEncrypt,
}
_TOO_WIDE: Final = 0o037
"""The group may read: Kubernetes gives a process its secrets that way. Nobody else may do anything."""
_TOO_WIDE_FOR_PUBLIC: Final = 0o022
_ASK_AGAIN_AFTER: Final = 60
"""In seconds: when a KMS that failed is asked again for a file that was replaced."""
_RENEWED_WITHIN: Final = 5
"""In seconds: how long a content waits for a file that is being opened and may have its key."""


@dataclass(frozen=True)
class _Opened:
    primitive: Any
    key_ids: frozenset[int]
    version: tuple[int, int, int]


class _KeysetFile:
    """One keyset file. It is read again when it was replaced, so that a rotation needs no restart."""

    def __init__(self, folder: Path, name: KeysetName, kind: type, kms: Kms | None) -> None:
        self._name = name
        self._file = keyset_file(folder, name)
        self._kind = kind
        self._kms = kms
        self._opened: _Opened | None = None
        self._lock = Lock()
        self._renewal: Thread | None = None
        self._ask_again_at = 0.0

    def current(self) -> Any:
        """Return the primitive of the file as it is now. Raises `KeyNotHeld`, `KeysetsNotOpened`."""
        return self._open().primitive

    def with_key_of(self, sealed: bytes) -> Any:
        """Return the primitive that opens a sealed content. Raises `UnknownKey`, and what `current` raises."""
        opened, key_id = self._open(), key_id_of(sealed)
        if key_id not in opened.key_ids and self._renewal:
            # The key may be in the file that is being opened.
            self._renewal.join(_RENEWED_WITHIN)
            opened = self._opened or opened
        if key_id not in opened.key_ids:
            raise UnknownKey(self._name, key_id)
        return opened.primitive

    def _open(self) -> _Opened:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            raise KeyNotHeld(self._name) from None
        except OSError as error:
            raise KeysetsNotOpened(self._file, type(error).__name__) from None
        version = (found.st_mtime_ns, found.st_ino, found.st_size)
        opened = self._opened
        if opened is None or (self._kms is None and opened.version != version):
            opened = self._opened = self._read(version)
        elif opened.version != version:
            self._start_renewal(version)
        return opened

    def _read(self, version: tuple[int, int, int]) -> _Opened:
        handle = read_keyset(self._file, self._name, self._kms)
        ids = frozenset(key.key_id for key in handle.keyset_info().key_info)
        return _Opened(handle.primitive(self._kind), ids, version)

    def _start_renewal(self, version: tuple[int, int, int]) -> None:
        """Open a replaced file beside the work: the KMS may take long, and the opened keys need it no more."""
        with self._lock:
            if time.monotonic() >= self._ask_again_at and not (self._renewal and self._renewal.is_alive()):
                self._renewal = Thread(target=self._renew, args=(version,), daemon=True)
                self._renewal.start()

    def _renew(self, version: tuple[int, int, int]) -> None:
        try:
            self._opened = self._read(version)
        except KeysetsNotOpened as error:
            self._ask_again_at = time.monotonic() + _ASK_AGAIN_AFTER
            reason = error.reason if isinstance(error, KmsFailed) else "file_not_usable"
            _log.warning("keyset.not_read_again", name=self._name.value, reason=reason)


class _FileAead(aead.Aead):  # type: ignore[misc] # Tink has no types
    def __init__(self, file: _KeysetFile) -> None:
        self._file = file

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return bytes(self._file.current().encrypt(plaintext, associated_data))

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        return bytes(self._file.with_key_of(ciphertext).decrypt(ciphertext, associated_data))


class _FileHybridDecrypt(hybrid.HybridDecrypt):  # type: ignore[misc] # Tink has no types
    def __init__(self, file: _KeysetFile) -> None:
        self._file = file

    def decrypt(self, ciphertext: bytes, context_info: bytes) -> bytes:
        return bytes(self._file.with_key_of(ciphertext).decrypt(ciphertext, context_info))


class _FileHybridEncrypt(hybrid.HybridEncrypt):  # type: ignore[misc] # Tink has no types
    def __init__(self, file: _KeysetFile) -> None:
        self._file = file

    def encrypt(self, plaintext: bytes, context_info: bytes) -> bytes:
        return bytes(self._file.current().encrypt(plaintext, context_info))


class Keysets:
    """The keysets in a folder. Safe to share between threads.

    What they return may be kept: it reads its file again when that was replaced. A file that is not there is missed at
    the first use, by `KeyNotHeld`. Opening raises `UnknownKey`, or `tink.TinkError` for what was changed or moved.
    """

    held: frozenset[KeysetName]
    """The keysets that this process was given."""
    data_keys: aead.Aead
    """Seals and opens data keys."""
    payloads: aead.Aead
    """Seals and opens what Temporal stores."""
    marks: aead.Aead
    """Seals and opens what every process reads."""
    receipts: hybrid.HybridDecrypt
    """Opens receipts."""
    receipts_public: hybrid.HybridEncrypt
    """Seals receipts."""

    def __init__(self, folder: Path, kms: str | None = None) -> None:
        """Open every file that is there; `kms`: the URL of the key that encrypts them.

        Raises `KeysetsNotOpened`, also where there is no file.
        """
        key = open_kms(kms)
        files = {name: _KeysetFile(folder, name, kind, key) for name, kind in _KINDS.items()}
        self.data_keys = _FileAead(files[KeysetName.DATA_KEYS])
        self.payloads = _FileAead(files[KeysetName.PAYLOADS])
        self.marks = _FileAead(files[KeysetName.MARKS])
        self.receipts = _FileHybridDecrypt(files[KeysetName.RECEIPTS])
        self.receipts_public = _FileHybridEncrypt(files[KeysetName.RECEIPTS_PUBLIC])
        self.held = frozenset(name for name in KeysetName if keyset_file(folder, name).exists())
        if not self.held:
            raise KeysetsNotOpened(folder, "there is no keyset; make them with `vigil keys new FOLDER`")
        for name, file in files.items():
            if name in self.held:
                file.current()


def key_id_of(sealed: bytes) -> int:
    """Return the id of the key that sealed a content: Tink begins with a byte for the format and four of the id."""
    return int.from_bytes(sealed[1:5], "big")


def keyset_file(folder: Path, name: KeysetName) -> Path:
    """Return the file of a keyset."""
    return folder / f"{name}.json"


def read_keyset(file: Path, name: KeysetName, kms: Kms | None = None) -> KeysetHandle:
    """Return the keyset of a file. Raises `KeysetsNotOpened`, also if others may read it."""
    is_public = name is KeysetName.RECEIPTS_PUBLIC
    try:
        mode, text = S_IMODE(file.stat().st_mode), file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeysetsNotOpened(file, type(error).__name__) from None
    if mode & (_TOO_WIDE_FOR_PUBLIC if is_public else _TOO_WIDE):
        raise KeysetsNotOpened(file, f"others may read or write it; chmod 600 {file}")
    try:
        is_encrypted = "encryptedKeyset" in json.loads(text)
        if is_public:
            return json_proto_keyset_format.parse_without_secret(text)
        if is_encrypted and kms is None:
            raise KeysetsNotOpened(file, "is encrypted by a KMS; set [seal] kms, or give --kms beside --folder")
        if kms is None:
            return json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
        if not is_encrypted:
            raise KeysetsNotOpened(file, "is not encrypted, and [seal] kms is set; `vigil keys copy` encrypts keysets")
        return json_proto_keyset_format.parse_encrypted(text, kms, name.encode())
    except (tink.TinkError, ValueError, TypeError):
        raise KeysetsNotOpened(file, "is no keyset of Tink; restore it from your copy") from None


def format_keyset(handle: KeysetHandle, name: KeysetName, kms: Kms | None) -> str:
    """Return the text of a keyset's file: encrypted if there is a KMS, but for the public one. Raises `KmsFailed`."""
    if name is KeysetName.RECEIPTS_PUBLIC:
        return str(json_proto_keyset_format.serialize_without_secret(handle))
    if kms is None:
        return str(json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN))
    return str(json_proto_keyset_format.serialize_encrypted(handle, kms, name.encode()))


def make_keysets(folder: Path, kms: Kms | None = None) -> None:
    """Make all keysets, each with one new key, in files of their owner alone.

    Raises `KmsFailed`, and `FileExistsError` if the folder has one already: keys that are in use must not be replaced.
    """
    handles = {name: tink.new_keyset_handle(template) for name, template in TEMPLATES.items()}
    handles[KeysetName.RECEIPTS_PUBLIC] = handles[KeysetName.RECEIPTS].public_keyset_handle()
    _write_new(folder, handles, kms)


def copy_keysets(folder: Path, kms: Kms | None, to: Path, to_kms: Kms | None) -> None:
    """Copy keysets to a new folder, encrypted by another KMS or none. Raises as `read_keyset`, `make_keysets`."""
    files = {name: keyset_file(folder, name) for name in KeysetName}
    _write_new(to, {name: read_keyset(file, name, kms) for name, file in files.items() if file.exists()}, to_kms)


def _write_new(folder: Path, handles: dict[KeysetName, KeysetHandle], kms: Kms | None) -> None:
    for name in KeysetName:
        if keyset_file(folder, name).exists():
            raise FileExistsError(keyset_file(folder, name))
    texts = {name: format_keyset(handle, name, kms) for name, handle in handles.items()}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in texts.items():
        write_private(keyset_file(folder, name), text)


def write_private(file: Path, text: str) -> None:
    """Write a new file that its owner alone may read. Raises `FileExistsError`."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text + "\n")
        opened.flush()
        os.fsync(opened.fileno())
