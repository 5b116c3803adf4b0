from pathlib import Path

import pytest

from vigil.cli.track import Entry, Failure, parse_entry, read_entries


def test_each_line_is_read_by_itself_and_a_failure_names_its_number(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text('{"account": "acme", "reference": "1"}\n\nnot json\n{"account": "acme", "reference": "2"}\n')

    found = list(read_entries(file))

    assert [(type(one), one.label) for one in found] == [(Entry, "line 1"), (Failure, "line 3"), (Entry, "line 4")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'{"reference": "1"}', "account: is required"),
        (
            b'{"account": "acme", "reference": "1", "refrence": "2"}',
            "refrence: does not exist here: look for a misspelt name",
        ),
    ],
)
def test_a_bad_line_is_named_by_its_field(line: bytes, why: str) -> None:
    assert parse_entry("line 7", line) == Failure("line 7", why)


def test_a_failure_never_shows_a_value_of_the_line() -> None:
    failure = parse_entry("line 1", b'{"account": "acme", "reference": "1", "applicant": "Jane Doe of London"}')

    assert isinstance(failure, Failure)
    assert failure.reason.startswith("applicant: must be your opaque id of the person")
    assert "Jane" not in failure.reason
