import io
from datetime import UTC, datetime, timedelta

import pytest
import typer
from rich.console import Console

from vigil.cli.arguments import parse_time
from vigil.cli.errors import CommandError
from vigil.cli.list import build_filters, build_table, measure_whole
from vigil.listing import ListedRun

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROCESS = "9dbf74db-b9c7-42a2-8722-068736fd1332:1e4f18a7-4057-43cf-b116-8c72f5ac2ad3"


def test_no_reference_is_cut_on_a_narrow_terminal() -> None:
    runs = [
        ListedRun("assure", PROCESS, is_open=True, started_at=NOW - timedelta(seconds=90), summary=None),
        ListedRun("identomat-sandbox", "~w6t56phxpel3dvq7g2b5k4aaaa", is_open=True, started_at=NOW, summary=None),
    ]
    written = io.StringIO()
    table = build_table(runs, NOW)
    measure_whole(table, Console(file=written, width=80)).print(table)

    lines = written.getvalue().splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["assure", PROCESS],
        ["identomat-sandbox", "~w6t56phxpel3dvq7g2b5k4aaaa"],
    ]
    assert lines[1].split()[2:] == ["accepted", "1.5", "min", "ago"]


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-03-01T12:00Z", NOW),
        ("2026-03-01T13:00+01:00", NOW),
        ("2026-03-01 12:00", NOW),
        ("2026-03-01", NOW - timedelta(hours=12)),
    ],
)
def test_a_time_without_a_zone_is_in_utc(given: str, at: datetime) -> None:
    assert parse_time(given) == at


@pytest.mark.parametrize(
    ("given", "ago"), [("90m", timedelta(minutes=90)), ("12h", timedelta(hours=12)), ("7d", timedelta(days=7))]
)
def test_an_age_is_a_time_so_long_ago(given: str, ago: timedelta) -> None:
    at = parse_time(given)

    assert at is not None
    assert timedelta(0) <= datetime.now(UTC) - at - ago < timedelta(minutes=1)


@pytest.mark.parametrize("given", ["yesterday", "7", "7w", "2026-13-01", ""])
def test_another_text_is_no_time(given: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 2026-03-01T12:00Z"):
        parse_time(given)


def test_a_name_in_the_place_of_an_applicants_id_is_refused_without_showing_it() -> None:
    with pytest.raises(CommandError, match=r"^No verification can have such a value: --applicant\.$"):
        build_filters({"applicant": "John Smith"})
