"""The campaign of faults: its mix, what it calls wrong, and that its page names what it can do."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from faults.__main__ import run
from faults.backend import settle
from faults.campaign import Campaign
from faults.disturbances import KINDS
from faults.mix import LATE_OF, LOST_OF, SENDERS, Case, cases
from faults.pace import Pace
from faults.sabotage import SABOTAGES
from faults.tables import tables
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


def report(seed: int, *, kinds: Sequence[Mapping[str, Any]], memory: Mapping[str, int]) -> dict[str, Any]:
    """Return a report as `--json` writes it."""
    times = {"count": 9, "p50": 3.5, "p99": 40, "max": 41.5}
    return {
        "machine": {"date": "2026-11-29", "cores": 2, "load": 0.3},
        "seconds": 1100,
        "seed": seed,
        "time_scale": 60,
        "storage": "folder",
        "clock": None,
        "verifications": {"all": 2000, "lost_final": 690, "by_sender": {"v1": 181}},
        "callbacks": {"sent": 9, "answered_2xx": 8, "signaled_without_receipt": 1, "forged": {"copy": 2, "ghost": 3}},
        "lost_callbacks": {"recovered": 690, "verifications": 690},
        "files_compared": 5000,
        "left_to_a_person": [],
        "faults": {"all": 2, "kills_at_chosen_moments": 1, "kinds": kinds},
        "answer_ms": {"without_faults": times, "in_faults": {"count": 0}},
        "not_2xx": {"share": 0.0123},
        "zeros": {"hanging": seed - 1},
        "memory_mib": memory,
    }


def test_each_seed_has_a_column_and_what_only_one_of_them_met_is_a_row_too() -> None:
    kill = {"what": "kill api", "moment": "random", "count": 3, "ready_again_s": {"median": 2.0, "max": 5.0}}
    slow = {**kill, "count": 1, "ready_again_s": {"median": 3.0, "max": 9.0}}
    stall = {"what": "stalls storage", "moment": "random", "count": 4, "ready_again_s": None}
    first = report(1, kinds=[kill, stall], memory={"api-1": 150})
    second = report(2, kinds=[slow], memory={"api-1": 151, "bucket": 90})

    lines = tables([first, second]).splitlines()

    assert "|  | seed 1 | seed 2 |" in lines
    assert "| minutes | 18 | 18 |" in lines
    assert "| **hanging** | **0** | **1** |" in lines
    assert "| answer without faults: p50, p99, max | 3.5, 40, 41.5 ms | 3.5, 40, 41.5 ms |" in lines
    assert "| kill api | random | 3 | 1 | 2.5 s, 9.0 s |" in lines
    assert "| stalls storage | random | 4 | 0 |  |" in lines
    assert "| bucket |  | 90 MiB |" in lines


def test_seeds_are_played_in_a_row_and_one_that_is_red_makes_all_red(tmp_path: Path) -> None:
    page, seeds = tmp_path / "page.md", []
    page.write_text("before\n<!-- campaign -->\n<!-- /campaign -->\n", encoding="utf-8")

    async def play(campaign: Campaign, folder: Path) -> dict[str, Any]:
        seeds.append((campaign.seed, folder.is_dir()))
        return {**report(campaign.seed, kinds=[], memory={}), "ok": campaign.seed == 1}

    options = ["--write", str(page), "--json", str(tmp_path / "report.json"), "--keep", str(tmp_path / "kept")]
    codes = [run(["--seed", given, *options], play=play) for given in ("1", "1,2")]

    assert codes == [0, 1]
    assert seeds == [(1, True), (1, True), (2, True)]
    assert json.loads((tmp_path / "report-2.json").read_text())["seed"] == 2
    assert (tmp_path / "kept-2").is_dir()
    assert "| seed 1 | seed 2 |" in page.read_text()


async def test_a_slow_machine_has_time_as_long_as_something_becomes_right() -> None:
    slow, stuck = iter([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]), iter([3, *[2] * 100])

    async def look_slow(open_: Sequence[Case]) -> tuple[Sequence[Case], int]:
        return open_, next(slow)

    async def look_stuck(open_: Sequence[Case]) -> tuple[Sequence[Case], int]:
        return open_, next(stuck)

    await settle([], look_slow, within=0.5, every=0.2)
    await settle([], look_stuck, within=0.5, every=0.2)

    assert list(slow) == []
    assert len(list(stuck)) > 90


def test_the_pace_is_slower_on_a_machine_whose_cores_are_busy() -> None:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        began = time.monotonic()
        asyncio.run(Pace(0.3, 0.9).wait())
        assert time.monotonic() - began >= 0.9
    finally:
        for each in busy:
            each.kill()
            each.wait()
