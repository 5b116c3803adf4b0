"""Keysets that only a KMS opens: a real client of AWS, over HTTP."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from shutil import copy

import pytest

from tests.kms_server import make_kms_key, serve_kms
from vigil.cli.check import find_all
from vigil.cli.findings import Finding
from vigil.config.settings import load_settings
from vigil.runtime import open_runtime
from vigil.sealing import keysets as reading
from vigil.sealing.errors import KeysetsNotOpened, KmsFailed
from vigil.sealing.keysets import KeysetName, Keysets, copy_keysets, keyset_file, make_keysets
from vigil.sealing.kms import open_kms
from vigil.sealing.rotation import add_key, drop_key, list_keys, use_added_key

SECRET = [name for name in KeysetName if name is not KeysetName.RECEIPTS_PUBLIC]
AWAY = "aws-kms://arn:aws:kms:eu-central-1:123456789012:key/none"


@pytest.fixture(autouse=True)
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serve_kms(monkeypatch):
        yield


@pytest.fixture
def url(kms: None) -> str:
    return make_kms_key()


@pytest.fixture
def folder(tmp_path: Path, url: str) -> Path:
    make_keysets(tmp_path / "keys", open_kms(url))
    return tmp_path / "keys"


def take_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing answer at the address of the KMS; port 9 is nobody's on loopback."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")


def wait_until(is_true: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_no_file_has_a_secret_key_in_clear(folder: Path) -> None:
    for name in SECRET:
        text = keyset_file(folder, name).read_text()
        assert '"encryptedKeyset"' in text
        assert '"value"' not in text
        with pytest.raises(KeysetsNotOpened, match=rf"{name}\.json: is encrypted by a KMS; set \[seal\] kms"):
            reading.read_keyset(keyset_file(folder, name), name)


def test_what_was_sealed_opens_in_another_process_that_may_use_the_kms(folder: Path, url: str) -> None:
    keysets = Keysets(folder, url)
    sealed, receipt = keysets.payloads.encrypt(b"a name", b""), keysets.receipts_public.encrypt(b"a face", b"inbox/1")

    assert Keysets(folder, url).payloads.decrypt(sealed, b"") == b"a name"
    assert Keysets(folder, url).receipts.decrypt(receipt, b"inbox/1") == b"a face"


@pytest.mark.parametrize("name", SECRET)
def test_a_rotation_keeps_the_files_encrypted(name: KeysetName, folder: Path, url: str) -> None:
    kms, running = open_kms(url), Keysets(folder, url)
    before = running.data_keys.encrypt(b"old", b"")
    (old,) = [row.key_id for row in list_keys(folder, kms) if row.keyset is name]

    added = add_key(folder, name, kms)
    assert [row.state for row in list_keys(folder, kms) if row.keyset is name] == ["seals", "waits"]
    assert use_added_key(folder, name, kms) == added

    assert '"value"' not in keyset_file(folder, name).read_text()
    assert running.data_keys.decrypt(before, b"") == b"old"
    if name is KeysetName.DATA_KEYS:
        wait_until(lambda: int.from_bytes(running.data_keys.encrypt(b"new", b"")[1:5], "big") == added)
    drop_key(folder, name, old, kms)
    assert [row.key_id for row in list_keys(folder, kms) if row.keyset is name] == [added]
    if name is KeysetName.RECEIPTS:
        public = [row.key_id for row in list_keys(folder, kms) if row.keyset is KeysetName.RECEIPTS_PUBLIC]
        assert public == [added]


def test_a_file_that_another_key_of_the_kms_encrypted_is_refused_by_name(folder: Path) -> None:
    other = make_kms_key()

    with pytest.raises(KmsFailed) as caught:
        Keysets(folder, other)

    assert "data-keys.json" in str(caught.value)
    assert other in str(caught.value)


def test_a_file_under_the_name_of_another_keyset_is_refused_by_name(folder: Path, url: str) -> None:
    copy(keyset_file(folder, KeysetName.PAYLOADS), keyset_file(folder, KeysetName.MARKS))

    with pytest.raises(KmsFailed, match=r"marks\.json: .* does not decrypt it \(InvalidCiphertextException\)"):
        Keysets(folder, url)


def test_a_file_in_clear_is_refused_by_name_where_a_kms_is_set(folder: Path, tmp_path: Path, url: str) -> None:
    make_keysets(tmp_path / "clear")
    copy(keyset_file(tmp_path / "clear", KeysetName.MARKS), folder)

    with pytest.raises(KeysetsNotOpened, match=r"marks\.json: is not encrypted, and \[seal\] kms is set"):
        Keysets(folder, url)


def test_an_opened_keyset_needs_no_kms_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_kms(monkeypatch):
        url = make_kms_key()
        make_keysets(tmp_path, open_kms(url))
        keysets = Keysets(tmp_path, url)

    sealed = keysets.data_keys.encrypt(b"a name", b"")

    assert keysets.data_keys.decrypt(sealed, b"") == b"a name"
    assert keysets.receipts.decrypt(keysets.receipts_public.encrypt(b"a face", b""), b"") == b"a face"


async def test_an_installation_starts_with_the_kms_and_works_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "vigil.toml"
    async with AsyncExitStack() as stack:
        with serve_kms(monkeypatch):
            url = make_kms_key()
            make_keysets(tmp_path / "keys", open_kms(url))
            config.write_text(
                f'digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"\n[seal]\nfolder = "keys"\nkms = "{url}"\n'
                f'[storage]\nurl = "file://{tmp_path}/store"\n'
            )
            runtime = await stack.enter_async_context(open_runtime(load_settings(config, environ={}), lazy=True))

        await runtime.storage.put("verifications/acme/v-1/results/a", b"a birth date")

        assert await runtime.storage.read("verifications/acme/v-1/results/a") == b"a birth date"
    assert b"a birth date" not in b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())


async def kms_finding(config: Path) -> Finding:
    [found] = [each for each in await find_all(config, address=None) if each.name == "kms"]
    return found


@pytest.fixture
def config(tmp_path: Path, folder: Path, url: str) -> Path:
    file = tmp_path / "vigil.toml"
    file.write_text(
        f'digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"\n[seal]\nfolder = "{folder}"\nkms = "{url}"\n'
        '[temporal]\naddress = "127.0.0.1:9"\n'
    )
    return file


async def test_a_check_encrypts_and_decrypts_with_the_kms(config: Path, url: str) -> None:
    works = await kms_finding(config)

    assert (works.is_ok, works.is_warning, works.text) == (True, False, f"{url} encrypts and decrypts")


async def test_a_check_warns_where_the_kms_may_only_decrypt(
    config: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_kms(monkeypatch, denied="Encrypt"):
        warned = await kms_finding(config)

    assert (warned.is_ok, warned.is_warning) == (True, True)
    assert f"the KMS at {url} does not encrypt it (AccessDeniedException)" in warned.text
    assert warned.fix == "give this machine the right to encrypt, or rotate keys elsewhere"


def test_a_replaced_file_that_the_kms_does_not_open_leaves_the_opened_keys_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_kms(monkeypatch):
        url = make_kms_key()
        make_keysets(tmp_path, open_kms(url))
        keysets = Keysets(tmp_path, url)
        before = keysets.marks.encrypt(b"a mark", b"")
        added = add_key(tmp_path, KeysetName.MARKS, open_kms(url))

    assert keysets.marks.decrypt(before, b"") == b"a mark"
    assert keysets.marks.encrypt(b"", b"")[1:5] == before[1:5]
    assert int.from_bytes(before[1:5], "big") != added


def test_a_kms_that_never_answers_delays_no_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_kms(monkeypatch) as address:
        url = make_kms_key()
        make_keysets(tmp_path, open_kms(url))
        keysets = Keysets(tmp_path, url)
        before = keysets.marks.encrypt(b"a mark", b"")
        add_key(tmp_path, KeysetName.MARKS, open_kms(url))
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        began = time.monotonic()
        assert keysets.marks.decrypt(before, b"") == b"a mark"
        assert time.monotonic() - began < 2


def test_a_content_of_the_new_key_waits_for_its_file(folder: Path, url: str) -> None:
    running = Keysets(folder, url)
    add_key(folder, KeysetName.MARKS, open_kms(url))
    use_added_key(folder, KeysetName.MARKS, open_kms(url))
    sealed = Keysets(folder, url).marks.encrypt(b"a mark", b"")

    assert running.marks.decrypt(sealed, b"") == b"a mark"


def test_a_start_without_the_kms_fails_with_its_name_and_the_fix(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_away(monkeypatch)

    with pytest.raises(KmsFailed) as caught:
        Keysets(folder, url)

    assert f"data-keys.json: the KMS at {url} does not decrypt it (EndpointConnectionError)" in str(caught.value)
    assert "docs/runbook.md#a-kms-does-not-open-the-keysets" in str(caught.value)


def test_keysets_that_the_kms_does_not_encrypt_leave_no_file(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_away(monkeypatch)

    with pytest.raises(KmsFailed, match="does not encrypt it"):
        make_keysets(tmp_path / "keys", open_kms(url))

    assert not (tmp_path / "keys").exists()


def test_a_process_with_the_public_key_alone_needs_no_kms(
    folder: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(keyset_file(folder, KeysetName.RECEIPTS_PUBLIC), tmp_path)
    take_away(monkeypatch)

    assert Keysets(tmp_path, url).receipts_public.encrypt(b"a face", b"")


def test_keysets_are_copied_to_a_kms_to_another_key_and_back(tmp_path: Path, url: str) -> None:
    clear, first, second, back = (tmp_path / name for name in ("clear", "first", "second", "back"))
    make_keysets(clear)
    sealed = Keysets(clear).payloads.encrypt(b"a name", b"")
    other = make_kms_key()

    copy_keysets(clear, None, first, open_kms(url))
    copy_keysets(first, open_kms(url), second, open_kms(other))
    copy_keysets(second, open_kms(other), back, None)

    for keysets in (Keysets(first, url), Keysets(second, other), Keysets(back)):
        assert keysets.payloads.decrypt(sealed, b"") == b"a name"
        assert len(keysets.held) == len(KeysetName)
    assert '"value"' not in keyset_file(second, KeysetName.DATA_KEYS).read_text()
    with pytest.raises(FileExistsError):
        copy_keysets(clear, None, back, None)


@pytest.mark.parametrize(
    ("url", "package"),
    [
        ("gcp-kms://projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k", "tink[gcpkms]"),
        ("hcvault://vault.example.com:8200/transit/keys/vigil", "tink[hcvault]"),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(url: str, package: str) -> None:
    with pytest.raises(KeysetsNotOpened) as caught:
        open_kms(url)

    assert str(caught.value).endswith(f"{url}: needs a package; install it with `pip install '{package}'`.")


@pytest.mark.parametrize("url", ["aws-kms://key", "file:///keys", "gcp-kms://p/k", "hcvault://transit", "", "kms"])
def test_a_url_of_no_kms_is_refused_with_the_forms(url: str) -> None:
    with pytest.raises(KeysetsNotOpened, match="is no key of a KMS; write one of aws-kms://arn:aws:kms:REGION"):
        open_kms(url)


def test_a_process_without_a_kms_imports_no_library_of_a_vendor() -> None:
    program = (
        "import sys, vigil.sealing.keysets; print([n for n in ('boto3', 'hvac', 'google.cloud') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
