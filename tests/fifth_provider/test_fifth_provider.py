"""A fifth provider is its own files and two entries; nothing else of the tree changes, and all promises hold for it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = Path(__file__).parent / "files"
NAME = "verdant"
OWN = [f"vigil/providers/{NAME}", f"vigil/simulator/{NAME}", f"tests/providers/{NAME}"]

NOT_COPIED = shutil.ignore_patterns(
    ".*", "node_modules", "__pycache__", "*.egg-info", "build", "dist", "vigil.toml", "accounts.env"
)
ENTRIES = {
    "vigil/providers/registry.py": (
        f"from vigil.providers.{NAME}.provider import ENTRY as VERDANT",
        "build_registry((",
        "build_registry((VERDANT, ",
    ),
    "vigil/simulator/registry.py": (
        f"from vigil.simulator.{NAME}.routes import Verdant",
        "        SmileId,\n",
        "        SmileId,\n        Verdant,\n",
    ),
}
"""By file: the import, and the place of the entry without it and with it."""


def copied_with_the_fifth_provider(tree: Path) -> None:
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    shutil.copytree(FILES, tree, dirs_exist_ok=True)
    for place, (imported, before, after) in ENTRIES.items():
        text = (tree / place).read_text()
        assert text.count(before) == 1
        (tree / place).write_text(with_import(text, imported).replace(before, after))


def with_import(text: str, line: str) -> str:
    """Put an import among those of the same package, in their order."""
    block = re.search(r"(^from vigil\b.*\n)+", text, re.MULTILINE)
    assert block
    lines = sorted([*block[0].splitlines(), line], key=lambda each: each.split()[1])
    return text[: block.start()] + "\n".join(lines) + "\n" + text[block.end() :]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree to which the fifth provider was added, as `docs/adding-a-provider.md` says."""
    tree = tmp_path_factory.mktemp("fifth") / "tree"
    copied_with_the_fifth_provider(tree)
    return tree


def run(tree: Path, *command: str) -> str:
    """Run a program of the repository's interpreter in the copy, and return all that it says; it must succeed."""
    program = Path(sys.executable).with_name(command[0])
    ended = subprocess.run(
        [program, *command[1:]],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    return said


def contents(root: Path) -> Mapping[str, bytes]:
    """Return the files under a tree by name, without the fifth provider's own and what tools leave behind."""
    files = [path for path in root.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    found = {path.relative_to(root).as_posix(): path for path in files}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith((".", *OWN))}


def test_what_runs_in_the_copy_is_the_copy(tree: Path) -> None:
    said = run(tree, "python", "-c", "import vigil, api, workflows; print(vigil, api, workflows)")

    assert said.count(str(tree)) == 3


def test_the_fifth_provider_changes_two_files_that_others_have(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "before", ignore=NOT_COPIED)
    before, after = contents(tmp_path / "before"), contents(tree)

    assert {name for name in set(before) | set(after) if before.get(name) != after.get(name)} == set(ENTRIES)


def test_the_fifth_provider_keeps_the_import_contracts(tree: Path) -> None:
    run(tree, "lint-imports", "--no-cache")


def test_the_fifth_provider_is_typed_and_linted_like_the_others(tree: Path) -> None:
    run(tree, "mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "fifth_provider"), *OWN)
    run(tree, "ruff", "check", "--no-cache", *OWN, *ENTRIES)
    run(tree, "ruff", "format", "--no-cache", "--check", *OWN, *ENTRIES)


def test_the_fifth_provider_keeps_every_promise_of_the_conformance_suite(tree: Path) -> None:
    said = run(tree, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/conformance", "-k", NAME)

    assert re.search(r"\d+ passed", said), said


def test_the_fifth_provider_passes_its_own_tests_and_those_that_go_through_all_providers(tree: Path) -> None:
    everywhere = ["tests/architecture/test_provider_names.py", "tests/providers/test_registry.py"]

    said = run(tree, "python", "-m", "pytest", "-p", "no:cacheprovider", "-v", f"tests/providers/{NAME}", *everywhere)

    assert f"test_no_other_source_knows_the_provider[{NAME}] PASSED" in said
    assert f"tests/providers/{NAME}/test_{NAME}.py" in said


def test_the_pages_about_senders_take_the_fifth_provider_in(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    copied_with_the_fifth_provider(tree)

    run(tree, "python", "-m", "docs.sender_tables")

    row = "| Verdant | a shared secret | 200 within 5 s | never | none |"
    assert row in (tree / "vigil" / "providers" / NAME / "README.md").read_text()
    assert row in (tree / "docs" / "senders.md").read_text()


def test_what_the_page_about_adding_a_provider_quotes_stands_in_the_files() -> None:
    page = (ROOT / "docs" / "adding-a-provider.md").read_text()
    quoted = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    sources = [path.read_text() for path in FILES.rglob("*.py")]

    assert quoted
    assert [block for block in quoted if not any(block in source for source in sources)] == []
