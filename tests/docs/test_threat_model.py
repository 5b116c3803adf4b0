import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w./]+)`", PAGE))

    assert len(named) > 8
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_file_of_attacks_is_named_in_the_threat_model() -> None:
    attacks = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "hostile").glob("test_*.py")}

    assert sorted(attacks - set(re.findall(r"`(tests/hostile/\w+\.py)`", PAGE))) == []
