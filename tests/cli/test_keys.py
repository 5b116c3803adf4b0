"""`vigil keys` where a KMS encrypts the keysets: real processes and a real client of AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import vigil
from tests.kms_server import make_kms_key, serve_kms
from vigil.sealing.keysets import Keysets


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with serve_kms(monkeypatch):
        yield make_kms_key()


def write_settings(folder: Path, seal: str) -> Path:
    config = folder / "vigil.toml"
    config.write_text(f'digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"\n[seal]\n{seal}\n')
    return config


async def test_keysets_are_made_listed_rotated_and_dropped_encrypted(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "keys"
    config = write_settings(tmp_path, f'folder = "keys"\nkms = "{url}"')
    beside = ("--folder", str(folder), "--kms", url)

    made = await vigil("keys", "new", str(folder), "--kms", url)
    assert (made.returncode, made.stderr) == (0, "")
    (old,) = [
        row["key_id"]
        for row in json.loads((await vigil("keys", "list", "--json", config=config)).stdout)
        if row["keyset"] == "marks"
    ]
    assert (await vigil("keys", "rotate", "marks", config=config)).stderr == ""
    assert (await vigil("keys", "rotate", "marks", "--use", *beside)).stderr == ""
    dropped = await vigil("keys", "drop", "marks", str(old), *beside)

    assert dropped.stdout == f"marks has no key {old} any more. Give the folder to every process.\n"
    assert len((await vigil("keys", "list", *beside)).stdout.splitlines()) == 5
    assert '"value"' not in (folder / "marks.json").read_text()


async def test_an_installation_moves_its_keysets_to_a_kms(tmp_path: Path, url: str) -> None:
    await vigil("keys", "new", str(tmp_path / "clear"))
    sealed = Keysets(tmp_path / "clear").payloads.encrypt(b"a name", b"")
    config = write_settings(tmp_path, 'folder = "clear"')
    new = tmp_path / "encrypted"

    copied = await vigil("keys", "copy", str(new), "--kms", url, config=config)
    again = await vigil("keys", "copy", str(new), "--kms", url, config=config)

    assert copied.stdout == (
        f'{new}: the keysets of {tmp_path / "clear"}. Set folder to it in [seal], and kms = "{url}"; '
        "then restart every process.\n"
    )
    assert Keysets(new, url).payloads.decrypt(sealed, b"") == b"a name"
    assert (again.returncode, again.stderr) == (
        2,
        f"vigil: {new} has keysets already: keys in use are never replaced.\n",
    )


async def test_a_process_does_not_start_without_the_kms_and_says_why(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_settings(tmp_path, f'folder = "keys"\nkms = "{url}"')
    await vigil("keys", "new", str(tmp_path / "keys"), "--kms", url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")

    ended = await vigil("serve", "api", "--port=0", config=config)

    [failed] = [line for line in map(json.loads, ended.stderr.splitlines()) if line["event"] == "start.failed"]
    assert ended.returncode != 0
    assert failed["reason"] == (
        f"The keys cannot be opened: data-keys.json: the KMS at {url} does not decrypt it (EndpointConnectionError); "
        "see docs/runbook.md#a-kms-does-not-open-the-keysets."
    )


async def test_a_url_without_a_folder_is_refused(tmp_path: Path, url: str) -> None:
    ended = await vigil("keys", "list", "--kms", url, config=write_settings(tmp_path, 'folder = "keys"'))

    assert ended.stderr == "vigil: --kms belongs to --folder: without it both come from the settings.\n"
