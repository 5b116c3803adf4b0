"""What is installed: one package, which works beside a backend's own modules."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "tests", "vigil.toml")
BUILDS = "from setuptools import build_meta; print(build_meta.build_wheel(__import__('sys').argv[1]))"
A_BACKENDS_OWN = ("settings.py", "accounts/__init__.py", "domain/__init__.py", "api/__init__.py", "worker.py")
DIGEST_KEY = "f3e01b7a94c25d8860aa91c7d24be35f"
SETTINGS = """
digest_key = { env = "VIGIL_DIGEST_KEY" }
seal = "off"
[accounts.id360]
provider = "id360"
username = "vigil"
password = { env = "NOBODY_SETS_THIS" }
callback_headers = { Authorization = { file = "there-is-no-such-file" } }
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("wheel") / "tree"
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    subprocess.run([sys.executable, "-c", BUILDS, str(tree.parent)], cwd=tree, check=True, capture_output=True)
    (found,) = tree.parent.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def backend(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backend with the wheel unpacked beside modules of its own, under names that are common."""
    folder = tmp_path_factory.mktemp("backend")
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    for name in A_BACKENDS_OWN:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("OWNER = 'the backend'\n")
    (folder / "vigil.toml").write_text(SETTINGS)
    return folder


def run(backend: Path, program: str) -> str:
    environment = {"PYTHONPATH": f"{backend}:{backend / 'installed'}", "VIGIL_DIGEST_KEY": DIGEST_KEY}
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=backend, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_wheel_has_one_name_to_import(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {name for name in names if not name.endswith(".dist-info")} == {"vigil"}


def test_the_wheel_has_types_the_readme_and_the_command(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in held.namelist() if name.endswith(".dist-info/METADATA"))

    assert "vigil/py.typed" in held.namelist()
    assert "# Vigil" in held.read(metadata).decode()
    assert "vigil = vigil.cli.main:main" in held.read(metadata.replace("METADATA", "entry_points.txt")).decode()


def test_a_backend_keeps_its_own_modules_beside_vigil(backend: Path) -> None:
    program = (
        "import vigil.client, vigil.cli.main, settings, accounts, domain, api, worker\n"
        "print({module.OWNER for module in (settings, accounts, domain, api, worker)})"
    )

    assert run(backend, program) == "{'the backend'}\n"


def test_a_backend_reads_its_settings_without_a_secret_of_a_provider(backend: Path) -> None:
    program = (
        "from vigil.client import load_client_settings\n"
        "settings = load_client_settings()\n"
        "print(list(settings.accounts), settings.digest_key[0].get_secret_value())"
    )

    assert run(backend, program) == f"['id360'] {DIGEST_KEY}\n"


def test_the_package_itself_runs_nothing_when_it_is_imported() -> None:
    assert (ROOT / "vigil" / "__init__.py").read_text() == ""
