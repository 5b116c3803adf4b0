"""Running the command as a user would."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """The environment without anything that would lead to another installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "TEMPORAL_"))}
    return {**kept, "COLUMNS": "100"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vigil.cli.main", *arguments]


async def vigil(*arguments: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without blocking the stack that it talks to."""
    before = () if config is None else ("--config", str(config))
    return await asyncio.to_thread(
        subprocess.run,
        command(*before, *arguments),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
