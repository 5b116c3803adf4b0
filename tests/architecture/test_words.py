"""Words that readers had to guess do not come back: in documents, docstrings, comments and messages."""

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]
SOURCE: Final = ["worker.py", "activities", "api", "benchmarks", "clients", "faults", "vigil", "workflows"]
DOCUMENTS: Final = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "vigil.example.toml",
    "clients",
    "docs",
]

INSTEAD: Final = {
    r"mend(s|ed|ing)?": "fix",
    r"nought": "0, nothing",
    r"seldom": "rarely",
    r"as in life": "in real time",
    r"re-?read(s|ing)?": "recheck, or read again",
    r"sweeps?": "discovery",
    r"adopt(s|ed|ion)?": "discover, discovery",
    r"fences?": "send_before, time limit",
    r"heard": "received",
    r"carriers?": "message sender",
    r"cancelled": "canceled",
}
BANNED: Final = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b", re.IGNORECASE)
EXCEPTIONS: Final = {
    "CANCELLED": "the word of a provider, or of the SDK",
    "RPCStatusCode.CANCELLED": "the SDK's name",
}
"""Spellings that are right where they stand, with the reason."""


def findings(text: str) -> Iterator[str]:
    for found in BANNED.finditer(text):
        if found[0] not in EXCEPTIONS:
            yield found[0]


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Return the comments and the texts with a space in them, by line; a single word may be a name."""
    for token in tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__):
        is_text = token.type == tokenize.STRING and " " in token.string
        if is_text or token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def files(names: list[str], pattern: str) -> list[Path]:
    return [
        file for name in names for file in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob(pattern))
    ]


@pytest.mark.parametrize("file", files(SOURCE, "*.py"), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_comment_docstring_or_message_has_a_word_that_readers_had_to_guess(file: Path) -> None:
    strays = [f"line {line}: {word}" for line, text in prose_of(file.read_text()) for word in findings(text)]

    assert strays == []


@pytest.mark.parametrize("file", files(DOCUMENTS, "*.md"), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_document_has_a_word_that_readers_had_to_guess(file: Path) -> None:
    # The old names of settings stand in the changelog, in backticks, so that operators find them.
    text = re.sub(r"`[^`\n]*`", "", file.read_text())

    assert list(findings(text)) == []


@pytest.mark.parametrize("text", ["mend the settings", "a reread found it", "the fence ends"])
def test_a_word_that_came_back_is_found(text: str) -> None:
    assert list(findings(text))
    assert [word for _, part in prose_of(f'raise ValueError("{text}")\n') for word in findings(part)]
