"""Running the command as a user would."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

ROOT = Path(__file__).parents[2]
_FORKS = multiprocessing.get_context("forkserver")
# Each command is a process of its own, forked from one that has loaded all modules: to load them takes two seconds.
_FORKS.set_forkserver_preload(["tests.cli.loaded"])
_TURNS = Lock()
"""Two threads that wait for processes of one fork server may take each other's exit codes."""


def environment() -> dict[str, str]:
    """The environment without anything that would lead to another installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "TEMPORAL_"))}
    return {**kept, "COLUMNS": "100"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vigil.cli.main", *arguments]


async def vigil(*arguments: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without blocking the stack that it talks to."""
    before = () if config is None else ("--config", str(config))
    return await asyncio.to_thread(_run, [*before, *arguments])


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    with _TURNS, TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _FORKS.Process(target=_become, args=(arguments, environment(), out, err))
        process.start()
        process.join(timeout=300)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"vigil {arguments} has not ended after 300 seconds")
        return subprocess.CompletedProcess(arguments, process.exitcode, out.read_text(), err.read_text())


def _become(arguments: Sequence[str], variables: Mapping[str, str], out: Path, err: Path) -> None:
    """Become the command: its variables, its output and its arguments."""
    from vigil.cli.main import main  # noqa: PLC0415 -- the tests that name the command need none of its modules

    for stream, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(ROOT)
    sys.argv = ["vigil", *arguments]
    main()
