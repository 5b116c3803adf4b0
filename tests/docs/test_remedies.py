"""The operators' pages and the runbook say the same about each reason for attention."""

import re
from pathlib import Path

import pytest

from vigil.domain.remedies import find_remedy
from vigil.domain.terms import Attention, who_acts

_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
ROWS = {
    name: (actor, _LINK.sub(r"\1", text))
    for name, actor, text in _ROW.findall(
        (Path(__file__).parents[2] / "docs/runbook.md").read_text().partition("## Every attention")[2]
    )
}


@pytest.mark.parametrize("reason", Attention)
def test_the_runbook_says_who_acts_and_what_to_do_in_the_words_of_the_page(reason: Attention) -> None:
    assert ROWS[reason.value] == (who_acts(reason).value, find_remedy(reason))


def test_a_reason_of_a_later_release_is_looked_up_in_its_runbook() -> None:
    assert find_remedy("solar_flare") == "a later release gave this reason: look it up in that release's runbook"
