"""What sealing costs the whole: how long the stories of `vigil demo` take, sealed and in clear, in turns."""

import asyncio
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from vigil.cli.context import open_installation
from vigil.cli.demo import TIME_SCALE
from vigil.demo.ports import LOOPBACK, Ports
from vigil.demo.simulator_accounts import write_settings
from vigil.demo.stack import Stack
from vigil.demo.story_runner import StoryRun, open_story_runner
from vigil.simulator.registry import SIMULATED_ACCOUNTS, STORIES
from vigil.simulator.story import Story

ALLOWED: Final = 1.15
"""Times as long as in clear."""
_SEALED: Final = '\n[seal]\nfolder = "keys"\n'


class StoriesFailed(Exception):
    """A story did not end as expected, so its time means nothing."""


async def main(rounds: int, most: int | None) -> float:
    """Play the stories in turns, print both medians and their ratio, and return the ratio."""
    stories = sorted(STORIES, key=lambda story: story.lasts)[:most]
    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        # Whichever is first in a round has a colder disk.
        for is_sealed in (True, False) if number % 2 else (False, True):
            took[is_sealed].append(await _play(stories, is_sealed=is_sealed))
    sealed, clear = median(took[True]), median(took[False])
    print(f"{len(stories)} stories, {rounds} rounds: sealed {sealed:.1f} s, in clear {clear:.1f} s")
    print(f"sealed takes {sealed / clear:.3f} times as long; allowed are {ALLOWED}")
    return sealed / clear


async def _play(stories: Sequence[Story], *, is_sealed: bool) -> float:
    """Return how many seconds the stories take, without the start of the processes. Raises `StoriesFailed`."""
    with tempfile.TemporaryDirectory() as folder:
        ports = Ports.find_free()
        stack = Stack(Path(folder), ports, accounts=SIMULATED_ACCOUNTS, time_scale=TIME_SCALE, in_memory=True)
        _write_settings(stack, ports, is_sealed=is_sealed)
        async with (
            stack.run(),
            open_installation(stack.config) as runtime,
            open_story_runner(stack, runtime.tracker) as runner,
        ):
            runs = [StoryRun.prepare(story, runtime.settings) for story in stories]
            if (runtime.keysets is not None) is not is_sealed:
                raise StoriesFailed("the installation is not as it was to be")
            started = time.perf_counter()
            await runner.run_all(runs)
            took = time.perf_counter() - started
    failed = [run.story.title for run in runs if not run.is_ok]
    if failed:
        raise StoriesFailed(", ".join(failed))
    return took


def _write_settings(stack: Stack, ports: Ports, *, is_sealed: bool) -> None:
    temporal = f"{LOOPBACK}:{ports.temporal}"
    write_settings(stack.config, SIMULATED_ACCOUNTS, ports, temporal=temporal, time_scale=TIME_SCALE)
    if not is_sealed:
        text = stack.config.read_text()
        stack.config.write_text('seal = "off"\n' + text.replace(_SEALED, "\n"))


if __name__ == "__main__":
    options = ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--stories", type=int, help="only so many, the shortest ones")
    chosen = options.parse_args()
    sys.exit(asyncio.run(main(chosen.rounds, chosen.stories)) > ALLOWED)
