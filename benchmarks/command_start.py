"""How long the commands of `vigil` take to start, in processor time: `make bench`."""

import resource
import subprocess
import sys
from typing import Final

RUNS: Final = 3
COMMANDS: Final = (
    ["--version"],
    ["--help"],
    ["list", "--help"],
    ["resolve", "--help"],
    ["simulate", "id360", "--help"],
)
MODULES: Final = ("vigil.cli.list", "vigil.cli.show", "vigil.cli.check", "vigil.cli.demo")


def measure(command: list[str]) -> float:
    """Return the least processor time of several runs, in seconds."""
    times = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)  # noqa: S603 -- our own program
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def main() -> None:
    """Print a line for each command, and one for what a command imports when it runs."""
    for command in COMMANDS:
        print(f"{measure(['-m', 'vigil.cli.main', *command]):5.2f} s  vigil {' '.join(command)}")
    for module in MODULES:
        print(f"{measure(['-c', f'import {module}']):5.2f} s  imports of {module}")


if __name__ == "__main__":
    main()
