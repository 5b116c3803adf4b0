"""What the benchmarks print and write: the page has a place for each, and numbers are written for people."""

from pathlib import Path

import pytest

from benchmarks.publishing import Result, Table, markdown
from docs.marked_pages import fill, write_between

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"


def test_the_page_of_figures_has_a_place_for_each_benchmark_that_writes_tables() -> None:
    written = {file.stem for file in (ROOT / "benchmarks").glob("*.py") if "    run(lambda " in file.read_text()}
    page = PAGE.read_text(encoding="utf-8")

    assert len(written) == 9
    assert [name for name in sorted(written) if f"<!-- {name} -->" not in page or f"<!-- /{name} -->" not in page] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [name for name in sorted(written) if f"$(BENCH){name} $(TO_PAGE)" not in makefile] == []


def test_tables_are_written_for_people() -> None:
    result = Result(
        figures={},
        tables=[Table(("", "ms"), [("fast", 0.1234), ("slow", 12.345), ("slowest", 1234.5), ("a|b", 3)])],
        notes=["One more sentence."],
    )

    assert markdown(result, about="Measured yesterday.") == (
        "Measured yesterday.\n\n"
        "|  | ms |\n| --- | --- |\n| fast | 0.12 |\n| slow | 12.3 |\n| slowest | 1234 |\n| a&#124;b | 3 |\n\n"
        "- One more sentence."
    )


def test_a_page_is_filled_between_its_marks_and_stays_as_it_is_when_filled_again() -> None:
    page = "before\n<!-- pages -->\nof yesterday\n<!-- /pages -->\nafter\n"

    once = fill(page, "pages", "of today")

    assert once == "before\n<!-- pages -->\n\nof today\n\n<!-- /pages -->\nafter\n"
    assert fill(once, "pages", "of today") == once


def test_a_page_without_marks_is_refused_by_its_name(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- pages -->", encoding="utf-8")

    with pytest.raises(ValueError, match=r"page.md: the page needs the lines <!-- pages --> and <!-- /pages -->"):
        write_between(page, "pages", "of today")
