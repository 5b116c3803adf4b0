import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("code", [0, 1, 75])
def test_the_exit_code_is_the_one_given(code: int) -> None:
    assert run(f"from vigil.process_exit import exit_now; exit_now({code})").returncode == code


def test_what_was_written_to_a_pipe_arrives() -> None:
    ended = run(
        "import sys; from vigil.process_exit import exit_now; "
        "print('x' * 100_000, 'last', end=''); print('said', end='', file=sys.stderr); exit_now(3)"
    )

    assert ended.stdout.endswith("x last")
    assert ended.stderr == "said"


def test_buffered_log_records_are_written() -> None:
    ended = run(
        "import logging, logging.handlers, sys; from vigil.process_exit import exit_now; "
        "target = logging.StreamHandler(sys.stdout); "
        "logging.getLogger().addHandler(logging.handlers.MemoryHandler(100, target=target)); "
        "logging.getLogger().warning('worker.stopped'); exit_now(0)"
    )

    assert ended.stdout == "worker.stopped\n"


def test_what_would_happen_at_the_interpreters_end_does_not() -> None:
    ended = run(
        "import atexit, os; from vigil.process_exit import exit_now; "
        "atexit.register(os._exit, 134); print('done'); exit_now(0)"
    )

    assert (ended.returncode, ended.stdout) == (0, "done\n")


def test_a_reader_who_went_away_does_not_change_the_code() -> None:
    ended = run(
        "import os; from vigil.process_exit import exit_now; reader, writer = os.pipe(); os.close(reader); "
        "print('kept back', end=''); os.dup2(writer, 1); exit_now(0)"
    )

    assert ended.returncode == 0


@pytest.mark.parametrize(("claim", "code", "line"), [("True", 0, "1 passed"), ("False", 1, "1 failed")])
def test_a_test_run_into_a_pipe_ends_with_its_summary_and_its_true_code(
    tmp_path: Path, claim: str, code: int, line: str
) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "test_one.py").write_text(
        f"import atexit, os\natexit.register(os._exit, 134)\ndef test_one() -> None:\n    assert {claim}\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), tmp_path],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert ended.returncode == code
    assert line in ended.stdout.splitlines()[-1]
