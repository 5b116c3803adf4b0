"""The campaign of faults: its mix, what it calls wrong, and that its page names what it can do."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from faults.disturbances import KINDS
from faults.mix import LATE_OF, LOST_OF, SENDERS, Case, cases
from faults.report import write_into
from faults.sabotage import SABOTAGES
from faults.verdict import ZEROS, fault_of, is_right

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
MOMENTS = ("receipt", "signal", "draft", "record", "message")


@pytest.fixture
def plain() -> Case:
    ended = (case for case in cases(100, random=Random(1)) if case.sender == "id360" and case.end is not None)
    return next(case for case in ended if case.end and case.end.verdicts == ["approved"])


def view(*verdicts: str, stored: int = 5, lost: int = 0, **state: Any) -> dict[str, Any]:
    """Return what the API says of a complete verification."""
    rows = [{"state": "stored", "loss": None}] * stored + [{"state": "lost", "loss": "refused"}] * lost
    return {
        "is_open": False,
        "state": {"stage": "complete", "registered": True, **state},
        "record": {
            "revisions": [{"decision": verdict, "outcome": "decided"} for verdict in verdicts],
            "evidence": rows,
        },
    }


def test_a_full_campaign_has_its_share_of_every_sender_and_of_every_misfortune() -> None:
    played = cases(2000, random=Random(3))

    by_sender = Counter(case.sender for case in played)
    assert set(by_sender) == {sender.name for sender in SENDERS}
    assert min(by_sender.values()) >= 100
    assert sum(case.is_lost for case in played) >= 0.9 * len(played) / LOST_OF
    assert sum(case.is_late for case in played) >= 0.9 * len(played) / LATE_OF
    assert sum(bool(case.messages_to) for case in played) >= 20


def test_the_same_seed_plays_the_same_verifications() -> None:
    assert cases(200, random=Random(5)) == cases(200, random=Random(5))
    assert cases(200, random=Random(5)) != cases(200, random=Random(6))


@pytest.mark.parametrize(
    "wrong",
    [
        view("declined"),
        view("approved", "declined"),
        view("declined", "approved"),
        view("approved", stored=4, lost=1),
        view("approved", stored=4),
        view("approved", registered=False),
    ],
    ids=["another", "changed", "took another first", "lost a file", "misses a file", "not registered"],
)
def test_an_end_that_the_provider_never_gave_is_wrong(plain: Case, wrong: dict[str, Any]) -> None:
    right = view("approved")

    assert is_right(plain, right)
    assert not is_right(plain, {**right, "is_open": True})
    assert fault_of(plain, wrong) is not None


def test_the_page_names_every_count_and_every_sabotage_and_every_moment() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [name for name in ZEROS if f"| `{name}` |" not in page] == []
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    ends = {name: f"| `{sabotage.turns_red}` |" for name, sabotage in SABOTAGES.items()}
    assert [
        name for name, end in ends.items() if not any(f"`{name}`" in row and row.endswith(end) for row in rows)
    ] == []
    assert [moment for moment in MOMENTS if not any(moment in kind.moment for kind in KINDS)] == []


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks", encoding="utf-8")

    with pytest.raises(ValueError, match="has no <!-- campaign -->"):
        write_into(page, {})
