"""Programs that we start, watch and stop, each in a process with a log of its own."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

STOPPED_WITHIN: Final = timedelta(seconds=10)
_POLL_INTERVAL: Final = timedelta(seconds=0.1)


class ProgramFailed(Exception):
    """A program ended too early or did not become ready; the text says how and holds the end of its log."""


class Program:
    """One program in a process of its own. It may be started again after it ended."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Take what to run. Without `environment` and `folder` the program inherits ours."""
        self.log = log
        self._command = command
        self._environment = environment
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process id; None while the program does not run."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def exit_code(self) -> int | None:
        """The exit code; None before the first start and while the program runs."""
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Start the program; its output is appended to its log. Raises `OSError`."""
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            self._log_start = log.tell()
            # A process group of its own: Ctrl-C in the terminal must reach us, who stop everything in order.
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    async def wait_until_ready(self, is_ready: Callable[[], Awaitable[bool]], *, within: timedelta) -> None:
        """Return as soon as `is_ready` says so. Raises `ProgramFailed` when the program ends first or takes longer."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self.exit_code is None:
                    if await is_ready():
                        return
                    await asyncio.sleep(_POLL_INTERVAL.total_seconds())
        except TimeoutError:
            raise ProgramFailed(f"was not ready within {within.seconds} s:\n{read_end(self.log)}") from None
        raise ProgramFailed(f"ended with code {self.exit_code}:\n{read_end(self.log)}")

    async def stop(self, *, within: timedelta = STOPPED_WITHIN) -> None:
        """Send SIGTERM, and SIGKILL if the program still runs after `within`."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), within.total_seconds())
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def has_logged(self, text: str) -> bool:
        """Return whether the text is in the log since the last start."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return text.encode() in log.read()


def read_end(log: Path, *, lines: int = 8) -> str:
    """Return the last lines of a log that are not empty."""
    with suppress(OSError):
        filled = [line.rstrip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        return "\n".join(line[:300] for line in filled[-lines:]) or "(the log is empty)"
    return "(there is no log)"
