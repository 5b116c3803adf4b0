from pathlib import Path

import pytest

from vigil.cli.track import Fault, Wanted, parsed, read_lines


def test_each_line_is_read_by_itself_and_faults_carry_its_number(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text('{"account": "acme", "reference": "1"}\n\nnot json\n{"account": "acme", "reference": "2"}\n')

    found = list(read_lines(file))

    assert [(type(one), one.name) for one in found] == [(Wanted, "line 1"), (Fault, "line 3"), (Wanted, "line 4")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'{"reference": "1"}', "account: Field required"),
        (b'{"account": "acme", "reference": "1", "refrence": "2"}', "refrence: Extra inputs are not permitted"),
    ],
)
def test_a_bad_line_is_told_by_its_field(line: bytes, why: str) -> None:
    assert parsed("line 7", line) == Fault("line 7", why)


def test_a_fault_never_shows_what_stood_in_the_line() -> None:
    fault = parsed("line 1", b'{"account": "acme", "reference": "1", "applicant": "Jane Doe of London"}')

    assert isinstance(fault, Fault)
    assert fault.why.startswith("applicant: ")
    assert "Jane" not in fault.why
