"""The page of the settings is that of the models which read the file, and the example names only what they have."""

import re
from pathlib import Path

import pytest

from docs.settings_page import build_page, find_undescribed

ROOT = Path(__file__).parents[2]


def test_the_page_says_what_the_models_say() -> None:
    assert (ROOT / "docs/settings.md").read_text() == build_page(), "docs/settings.md is out of date: run `make docs`"


def test_every_setting_has_a_meaning() -> None:
    assert find_undescribed() == []


@pytest.mark.parametrize(
    "row",
    [
        "| `port` | whole number | `8000` | The same for `--port`. |",
        "| `quarantined` | duration | `14d` | How long callbacks are kept that belong to no verification. |",
        "| `password` | secret | required | One secret: ID360 accepts one password at a time. |",
        (
            "| `keep` | table of duration | none | How long its data is kept, where that differs from `[storage] "
            'keep`: `receipts`, `results`, `artifacts`, `records`, `at_least`, such as `{ results = "5y" }`. |'
        ),
        "## [[api.keys]]",
        '## [accounts.NAME] with provider = "smile_id"',
    ],
)
def test_a_row_has_kind_default_and_meaning(row: str) -> None:
    assert f"\n{row}\n" in build_page()


def test_the_page_names_every_setting_of_the_example() -> None:
    named = set(re.findall(r"^(?:# )?([a-z_]+) = ", (ROOT / "vigil.example.toml").read_text(), re.MULTILINE))
    page = set(re.findall(r"^\| `([a-z_]+)` \|", build_page(), re.MULTILINE))

    # The tables that stand in one line of the example are sections of the page.
    assert named - page == {"keys", "limits", "oidc", "seal"} & named
