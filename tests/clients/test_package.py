"""The wheel of the client, as a backend installs it: alone, with types, and with a plugin for its tests."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "clients" / "python"
BUILDS = "from setuptools import build_meta; print(build_meta.build_wheel(__import__('sys').argv[1]))"
WITHOUT_VIGIL = "import sys; sys.modules |= dict.fromkeys(('vigil', 'fastapi', 'starlette', 'temporalio', 'uvicorn'));"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    tree = shutil.copytree(ROOT, folder / "tree", ignore=ignored)
    subprocess.run([sys.executable, "-c", BUILDS, str(folder)], cwd=tree, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(*arguments: str, installed: Path, folder: Path) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_wheel_has_one_package_its_types_and_few_requirements(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel)
    names = held.namelist()
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    requires = re.findall(r"^Requires-Dist: ([a-z]+)", held.read(metadata).decode(), re.MULTILINE)

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"vigil_client"}
    assert "vigil_client/py.typed" in names
    assert sorted(requires) == ["anyio", "httpx", "pydantic", "standardwebhooks"]


def test_the_client_is_imported_without_anything_of_the_server(installed: Path, tmp_path: Path) -> None:
    program = f"{WITHOUT_VIGIL} import vigil_client.testing; print(vigil_client.__file__)"

    assert run("-c", program, installed=installed, folder=tmp_path).startswith(str(installed))


def test_a_backends_own_tests_pass_with_nothing_running(installed: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "examples", tmp_path / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    # pytest finds the fixture by the entry point of the wheel.
    ended = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", installed=installed, folder=folder)

    assert "7 passed" in ended


def test_the_example_is_short() -> None:
    lines = (ROOT / "examples" / "checkout.py").read_text().splitlines()

    assert len([line for line in lines if line.strip()]) <= 25
