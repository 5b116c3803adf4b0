"""Programs that we start, watch and stop, each with its own log."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
STOPPED_WITHIN: Final = timedelta(seconds=10)


class Program:
    """One program of ours in a process of its own; it may be started again after it ended."""

    def __init__(self, name: str, arguments: Sequence[str], *, log: Path, config: Path) -> None:
        self.name = name
        self.log = log
        self._arguments = [sys.executable, *arguments]
        self._environment = _environment(config)
        self._process: asyncio.subprocess.Process | None = None
        self._said_before = 0

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def code(self) -> int | None:
        """With what code it ended; None while it runs, and before it was started."""
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Start it. Raises `OSError`."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._said_before = log.tell()
            # A group of its own: Ctrl-C in the terminal must reach us, who stop everything in order.
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                cwd=ROOT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    async def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), STOPPED_WITHIN.total_seconds())
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it at once, as the kernel would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def has_said(self, words: str) -> bool:
        """Whether it has logged these words since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return words.encode() in log.read()

    def last_words(self, lines: int = 8) -> str:
        """Return the end of its log."""
        return last_words(self.log, lines)


def last_words(log: Path, lines: int = 8) -> str:
    """Return the last lines of a log that hold anything."""
    with suppress(OSError):
        said = [line.rstrip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        return "\n".join(line[:300] for line in said[-lines:]) or "it said nothing"
    return "it said nothing"


def _environment(config: Path) -> Mapping[str, str]:
    # What is set for another installation must not reach this one.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    return {**inherited, "VIGIL_CONFIG": str(config), "PYTHONUNBUFFERED": "1"}
