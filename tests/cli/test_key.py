"""`vigil key new` prints a key that nobody can guess, and settings that hold its hash alone."""

import hashlib
import json
import tomllib
from pathlib import Path

from tests.cli.running import vigil
from vigil.config.settings import load_settings


async def test_a_new_key_is_printed_beside_settings_that_load_and_hold_only_its_hash(tmp_path: Path) -> None:
    first, second = await vigil("key", "new", "checkout"), await vigil("key", "new", "checkout")
    made, settings = (line.split(maxsplit=1)[1] for line in first.stdout.splitlines())

    assert (first.returncode, first.stderr) == (0, "")
    assert made.startswith("vigil_")
    assert len(made) == 49
    assert made not in second.stdout
    assert made not in settings
    expected = f"sha256:{hashlib.sha256(made.encode()).hexdigest()}"
    line = settings.removeprefix("[api] ")
    assert tomllib.loads(line) == {"keys": [{"name": "checkout", "secret_hash": expected}]}
    (tmp_path / "vigil.toml").write_text(
        f'digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"\nseal = "off"\n[api]\n{line}\n'
    )
    assert load_settings(tmp_path / "vigil.toml", environ={}).api.keys[0].hashes == (expected,)


async def test_a_name_that_no_backend_can_have_is_one_sentence() -> None:
    ended = await vigil("key", "new", "Check Out")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "vigil: A backend's name has small letters, digits and hyphens.\n"


async def test_the_api_for_backends_does_not_start_without_a_key_beside_an_account_that_is_no_sandbox(
    tmp_path: Path,
) -> None:
    config = tmp_path / "vigil.toml"
    config.write_text(
        'digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"\nseal = "off"\n[accounts.id360]\nprovider = "id360"\n'
        'environment = "production"\nkeep = { results = "5y", artifacts = "5y" }\n'
        'username = "robot"\npassword = "hunter2"\n'
        'callback_headers = { Authorization = "7d1c90b3e8a24f56b0c9d3e1f7a86b42" }\n'
    )

    ended = await vigil("serve", "api", "--port=0", config=config)

    [line] = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert json.loads(line)["reason"] == (
        f"{config}: api.keys: is missing, and accounts.id360 is not a sandbox: run `vigil key new NAME`, or set "
        'faces = ["callbacks"]'
    )
