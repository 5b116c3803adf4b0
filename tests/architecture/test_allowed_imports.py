import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.allowed_imports import Import, Row, imports_of_module, refused, unplaced

ROOT = Path(__file__).parents[2]
TABLE = [
    Row.read(text)
    for text in (
        "desk.front: anything",
        "desk: words crafts.contract",
        "crafts.*: words crafts.contract",
        "words:",
        "stage: crafts.*.habits",
    )
]

STRAYS = [
    ("vigil/domain/stray.py", "import vigil.storage\n", "vigil.domain.stray imports vigil.storage"),
    (
        "vigil/process_exit.py",
        "from vigil.providers import registry\n",
        "vigil.process_exit imports vigil.providers.registry",
    ),
    ("cellar/__init__.py", "", "cellar has no row in the table"),
    ("attic.py", "", "attic has no row in the table"),
    ("vigil/cellar.py", "", "vigil.cellar has no row in the table"),
]
"""A file in the tree, its content, and the sentence with which the check refuses it."""


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("desk.front", "crafts.weaving.loom"),
        ("desk.back", "words.verbs"),
        ("desk.back", "desk.front"),
        ("crafts.weaving.loom", "crafts.weaving.thread"),
        ("crafts.weaving.loom", "crafts.contract"),
        ("stage", "crafts.weaving.habits"),
        ("words.verbs", "words"),
    ],
)
def test_the_table_lets_pass_what_a_row_names_and_what_its_place_holds(importer: str, imported: str) -> None:
    assert refused(TABLE, [Import(importer, imported)]) == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("desk.back", "crafts.weaving"),
        ("desk.frontier", "crafts.weaving"),
        ("crafts.weaving.loom", "crafts.baking.oven"),
        ("crafts.contract", "crafts.weaving"),
        ("stage", "crafts.weaving.loom"),
        ("stage", "crafts.habits"),
        ("words", "desk"),
    ],
)
def test_the_table_refuses_what_no_row_names(importer: str, imported: str) -> None:
    assert refused(TABLE, [Import(importer, imported)]) == [f"{importer} imports {imported}"]


def test_a_name_without_a_row_is_refused_even_if_it_imports_nothing() -> None:
    assert unplaced(TABLE, ["words", "cellar"]) == ["cellar"]
    assert refused(TABLE, [Import("cellar", "words")]) == ["cellar has no row in the table"]


def test_imports_inside_functions_and_by_name_are_seen() -> None:
    source = "import os, words.verbs\ndef late() -> None:\n    from crafts import contract\n"

    assert list(imports_of_module("worker", source, {"words": 0, "crafts": 0})) == [
        Import("worker", "words.verbs"),
        Import("worker", "crafts.contract"),
    ]


def test_the_check_that_is_run_refuses_a_stray_import_and_a_new_name(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "__pycache__", "requirements", "tests"))
    (tree / "tests" / "architecture").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("allowed_imports.py"), tree / "tests" / "architecture")
    for path, content, _ in STRAYS:
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(content)

    lint = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([lint, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    said = set((ended.stdout + ended.stderr).splitlines())
    assert {each for _, _, each in STRAYS} <= {line.strip(" -") for line in said}
