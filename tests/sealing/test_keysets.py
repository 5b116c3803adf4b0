"""The keysets in a folder."""

import json
from pathlib import Path
from shutil import copy

import pytest
import tink
from tink import aead, json_proto_keyset_format, secret_key_access

from vigil.sealing.errors import KeyNotHeld, KeysetsNotOpened, UnknownKey
from vigil.sealing.keysets import KeysetName, Keysets, keyset_file, make_keysets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_keysets(tmp_path / "keys")
    return tmp_path / "keys"


def test_new_keysets_are_files_of_their_owner_alone(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {f"{name}.json" for name in KeysetName}
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_keysets_in_use_are_never_replaced(folder: Path) -> None:
    before = keyset_file(folder, KeysetName.PAYLOADS).read_text()

    with pytest.raises(FileExistsError):
        make_keysets(folder)

    assert keyset_file(folder, KeysetName.PAYLOADS).read_text() == before


def test_a_content_is_opened_with_its_associated_data_alone(folder: Path) -> None:
    payloads = Keysets(folder).payloads
    sealed = payloads.encrypt(b"a name", b"here")

    assert payloads.decrypt(sealed, b"here") == b"a name"
    with pytest.raises(tink.TinkError):
        payloads.decrypt(sealed, b"there")


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o666])
def test_a_file_that_others_may_use_is_refused_by_its_name(folder: Path, mode: int) -> None:
    keyset_file(folder, KeysetName.DATA_KEYS).chmod(mode)

    with pytest.raises(KeysetsNotOpened, match=r"data-keys\.json: others may read or write it; chmod 600"):
        Keysets(folder)


def test_a_file_that_is_no_keyset_is_refused_without_its_text(folder: Path) -> None:
    keyset_file(folder, KeysetName.RECEIPTS).write_text("{secret")

    with pytest.raises(KeysetsNotOpened, match=r"receipts\.json: is no keyset of Tink") as caught:
        Keysets(folder)
    assert "{secret" not in str(caught.value)


def test_an_empty_folder_is_refused_with_the_command_that_fills_it(tmp_path: Path) -> None:
    with pytest.raises(KeysetsNotOpened, match="vigil keys new"):
        Keysets(tmp_path)


def test_a_process_with_the_public_key_alone_seals_a_receipt_and_opens_none(folder: Path, tmp_path: Path) -> None:
    copy(keyset_file(folder, KeysetName.RECEIPTS_PUBLIC), tmp_path)
    public = Keysets(tmp_path)

    sealed = public.receipts_public.encrypt(b"a face", b"inbox/1")

    with pytest.raises(KeyNotHeld, match="does not have the keyset receipts"):
        public.receipts.decrypt(sealed, b"inbox/1")
    assert Keysets(folder).receipts.decrypt(sealed, b"inbox/1") == b"a face"


def test_an_unknown_key_is_named_by_its_keyset_and_id(folder: Path, tmp_path: Path) -> None:
    make_keysets(tmp_path / "other")
    sealed = Keysets(tmp_path / "other").payloads.encrypt(b"a name", b"")

    with pytest.raises(UnknownKey) as caught:
        Keysets(folder).payloads.decrypt(sealed, b"")

    assert str(int.from_bytes(sealed[1:5], "big")) in str(caught.value)
    assert caught.value.keyset == "payloads"


def test_a_keyset_that_was_replaced_is_read_again(folder: Path, tmp_path: Path) -> None:
    keysets, file = Keysets(folder), keyset_file(folder, KeysetName.PAYLOADS)
    before = keysets.payloads.encrypt(b"old", b"")
    new = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    added = json.loads(json_proto_keyset_format.serialize(new, secret_key_access.TOKEN))
    added["key"] += json.loads(file.read_text())["key"]
    replacement = tmp_path / "replacement"
    replacement.write_text(json.dumps(added))
    replacement.chmod(0o600)
    replacement.replace(file)

    after = keysets.payloads.encrypt(b"new", b"")

    assert int.from_bytes(after[1:5], "big") == added["primaryKeyId"]
    assert [keysets.payloads.decrypt(sealed, b"") for sealed in (before, after)] == [b"old", b"new"]
