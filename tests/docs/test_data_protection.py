"""The page for data protection names tests that exist, and every place where something rests."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data-protection.md").read_text()


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w./]+)`", PAGE))

    assert len(named) > 12
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_folder_of_the_storage_is_in_the_data_map() -> None:
    table = (
        (ROOT / "docs" / "architecture.md")
        .read_text()
        .partition("## What is stored where")[2]
        .partition("\n\nWhere")[0]
    )
    folders = {
        segments[-1]
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`([a-z./{}_]+/)", row)
        if (segments := [each for each in name.split("/") if each.isalpha()])
    }

    assert {"audit", "keys", "results", "artifacts", "records"} <= folders
    assert sorted(folder for folder in folders if f"{folder}/`" not in PAGE) == []
