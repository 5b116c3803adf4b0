import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from vigil.demo.processes import Program, ProgramFailed, read_end

IGNORES_TERM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def program(folder: Path, source: str) -> Program:
    return Program([sys.executable, "-c", source], log=folder / "logs" / "program.log")


async def ready() -> bool:
    return True


async def never_ready() -> bool:
    return False


async def test_a_program_ends_at_sigterm(tmp_path: Path) -> None:
    sleeping = program(tmp_path, "import time; time.sleep(60)")
    await sleeping.start()

    await sleeping.stop()

    assert sleeping.pid is None
    assert sleeping.exit_code == -signal.SIGTERM


async def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = program(tmp_path, IGNORES_TERM)
    await stubborn.start()

    async def has_begun() -> bool:
        return stubborn.has_logged("ready")

    await stubborn.wait_until_ready(has_begun, within=timedelta(seconds=20))
    await stubborn.stop(within=timedelta(seconds=0.3))

    assert stubborn.exit_code == -signal.SIGKILL


async def test_a_program_that_ended_is_never_ready_and_its_log_says_why(tmp_path: Path) -> None:
    broken = program(tmp_path, "import sys; sys.exit('the disk is on fire')")
    await broken.start()

    with pytest.raises(ProgramFailed, match=r"ended with code 1:\nthe disk is on fire"):
        await broken.wait_until_ready(never_ready, within=timedelta(seconds=20))
    with pytest.raises(ProgramFailed):
        await broken.wait_until_ready(ready, within=timedelta(seconds=20))


async def test_a_program_that_is_not_ready_in_time_is_left_running_for_its_owner_to_stop(tmp_path: Path) -> None:
    sleeping = program(tmp_path, "import time; print('thinking', flush=True); time.sleep(60)")
    await sleeping.start()

    with pytest.raises(ProgramFailed, match=r"was not ready within 1 s"):
        await sleeping.wait_until_ready(never_ready, within=timedelta(seconds=1))

    assert sleeping.pid is not None
    await sleeping.stop()


async def test_only_what_was_logged_since_the_last_start_counts(tmp_path: Path) -> None:
    talking = program(tmp_path, "print('hello')")
    talking.log.parent.mkdir()
    talking.log.write_text("good morning\n")

    await talking.start()
    with pytest.raises(ProgramFailed):
        await talking.wait_until_ready(never_ready, within=timedelta(seconds=20))

    assert talking.has_logged("hello")
    assert not talking.has_logged("good morning")


async def test_a_program_that_never_started_can_be_stopped(tmp_path: Path) -> None:
    idle = program(tmp_path, "")

    await idle.stop()
    await idle.kill()

    assert (idle.pid, idle.exit_code) == (None, None)


def test_the_end_of_a_log_is_its_last_lines_that_are_not_empty(tmp_path: Path) -> None:
    log = tmp_path / "program.log"
    log.write_text("one\n\ntwo\nthree\n\n")

    assert read_end(log, lines=2) == "two\nthree"


def test_a_log_without_content_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()

    assert read_end(tmp_path / "empty.log") == "(the log is empty)"
    assert read_end(tmp_path / "none.log") == "(there is no log)"
