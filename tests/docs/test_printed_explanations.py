"""What the documents print of `vigil explain` is what it says: each sentence is one of the code, in its form."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from vigil.cli.formatting import format_time
from vigil.domain import attention, explanation, timers, waiting_causes
from vigil.domain.terms import Actor

ROOT: Final = Path(__file__).parents[2]
_BLOCK: Final = re.compile(r"^\$ vigil explain (?P<what>\S+ \S+)\n(?P<said>.*?)^(?:```|\$)", re.MULTILINE | re.DOTALL)
_FEWEST: Final = 9
"""Letters of a text that is a sentence, and no joint between others."""
_TIME: Final = re.sub(r"\d", r"\\d", re.escape(format_time(datetime(2026, 1, 1, tzinfo=UTC))))
_LINES: Final = (
    rf"next      (?P<next>.+?)(?:, at {_TIME} \(in .+\))?",
    rf"who acts  the (?:{'|'.join(Actor)})",
    r"note      .+",
)


def printed() -> list[tuple[str, list[str]]]:
    """Return each explanation in the documents: where it is, and its lines."""
    pages = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    found = [(page.name, block) for page in pages for block in _BLOCK.finditer(page.read_text())]
    return [
        (f"{name}: {block['what']}", block["said"].splitlines())
        for name, block in found
        if not block["said"].startswith("vigil: ")
    ]


def sentences() -> Iterator[re.Pattern[str]]:
    """Yield what the code says, with anything in the place of a value."""
    for module in (explanation, waiting_causes, attention, timers):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [each.value if isinstance(each, ast.Constant) else "{}" for each in node.values]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts = [node.value]
            else:
                continue
            literal = re.split(r"\{[^}]*\}", "".join(map(str, parts)))
            if len("".join(literal)) >= _FEWEST:
                yield re.compile(".+".join(map(re.escape, literal)))


def is_said(text: str) -> bool:
    text = text[:1].lower() + text[1:]
    return any(sentence.fullmatch(text) for sentence in sentences())


def test_there_are_explanations_to_look_at() -> None:
    assert len(printed()) > 5


@pytest.mark.parametrize(("where", "said"), printed(), ids=[where for where, _ in printed()])
def test_a_printed_explanation_is_one_that_the_command_gives(where: str, said: list[str]) -> None:
    first, *rest = said
    assert first.endswith(".")
    assert [part for part in first.removesuffix(".").split("; ") if not is_said(part)] == []
    for line in rest:
        found = [match for form in _LINES if (match := re.fullmatch(form, line))]
        assert found, line
        if "next" in found[0].groupdict():
            assert is_said(found[0]["next"]), line


def test_a_sentence_that_nobody_says_is_found() -> None:
    assert not is_said("The applicant is asleep")
