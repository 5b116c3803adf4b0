"""Writes what a command computes into a page, between the lines `<!-- name -->` and `<!-- /name -->`."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def write_between(page: Path, name: str, content: str) -> None:
    """Replace what stands between the two marks of a page. Raises `ValueError` if it does not have them."""
    text = page.read_text(encoding="utf-8")
    try:
        filled = fill(text, name, content)
    except ValueError as error:
        raise ValueError(f"{page}: {error}") from None
    if filled != text:
        page.write_text(filled, encoding="utf-8")


def fill(text: str, name: str, content: str) -> str:
    """Return a text with this content between its two marks. Raises `ValueError` if it does not have them."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, ends, after = rest.partition(end)
    if not (found and ends):
        raise ValueError(f"the page needs the lines {begin} and {end}")
    return f"{before}{begin}\n\n{content.strip()}\n\n{end}{after}"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines)
