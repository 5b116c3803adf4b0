"""A provider's name is known in its own places only; a fifth provider touches nothing else."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = [path.parent.name for path in sorted((ROOT / "vigil" / "providers").glob("*/__init__.py"))]
SOURCE = ["*.py", "activities", "api", "vigil", "workflows"]


def own_places(name: str) -> tuple[str, ...]:
    simulated = (f"vigil/simulator/{name}.py", f"vigil/simulator/{name}/")
    return (f"vigil/providers/{name}/", *simulated, "vigil/providers/registry.py", "vigil/simulator/registry.py")


def spellings(name: str) -> re.Pattern[str]:
    """The name as folder, in prose and as class: smile_id, Smile ID, SmileId, smile-id."""
    return re.compile(r"[ _-]?".join(map(re.escape, name.split("_"))), re.IGNORECASE)


def source_files(root: Path) -> Iterator[Path]:
    for pattern in SOURCE:
        for path in root.glob(pattern):
            yield from path.rglob("*.py") if path.is_dir() else [path]


def strays(name: str, root: Path, files: Iterable[Path]) -> list[str]:
    """Each line outside the provider's own places that spells its name, as `path:line`."""
    found = []
    for file in files:
        place = file.relative_to(root).as_posix()
        if place.startswith(own_places(name)):
            continue
        lines = file.read_text().splitlines()
        found += [f"{place}:{number}" for number, line in enumerate(lines, 1) if spellings(name).search(line)]
    return sorted(found)


@pytest.mark.parametrize("name", FOLDERS)
def test_no_other_source_knows_the_provider(name: str) -> None:
    assert strays(name, ROOT, source_files(ROOT)) == []


def test_there_are_providers_to_search_for() -> None:
    assert FOLDERS


@pytest.mark.parametrize("line", ["if provider == 'smile_id':", "# Smile ID is slow", "class SmileIdClient:"])
def test_the_search_finds_a_name_that_leaked(tmp_path: Path, line: str) -> None:
    for place in ("workflows/story.py", "vigil/providers/smile_id/wire.py", "vigil/simulator/smile_id.py"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f"\n{line}\n")

    assert strays("smile_id", tmp_path, source_files(tmp_path)) == ["workflows/story.py:2"]
