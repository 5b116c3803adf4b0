"""A writer killed with SIGKILL leaves each object whole or absent, and what it acknowledged whole."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vigil.storage.folder import FolderStorage

ROOT = Path(__file__).parents[2]
SIZE = 300_000

# Dies by itself around its n-th sync: argv is the folder, n and "before" or "after".
DIES_AT_A_SYNC = """
import asyncio, os, signal, sys
from pathlib import Path
from vigil.storage.folder import FolderStorage

folder, fatal, moment = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
syncs = 0

def fsync(descriptor):
    global syncs
    syncs += 1
    if syncs == fatal and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    os.fsync(descriptor)
    if syncs == fatal and moment == "after":
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(FolderStorage(folder, fsync=fsync).put_new("a/one", b"x" * 300_000))
print("acknowledged")
"""

# Writes until it is killed, and says what is acknowledged; argv is the folder.
WRITES_FOR_EVER = """
import asyncio, itertools, sys
from pathlib import Path
from vigil.storage.folder import FolderStorage

async def pieces(letter):
    for _ in range(30):
        yield letter * 10_000

async def main():
    storage = FolderStorage(Path(sys.argv[1]))
    for number in itertools.count():
        letter = bytes([97 + number % 26])
        content = pieces(letter) if number % 2 else letter * 300_000
        await storage.put_new(f"a/{number % 3}/{number:06}", content)
        print(f"a/{number % 3}/{number:06}", flush=True)

asyncio.run(main())
"""


def run(script: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", script, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


# Opening syncs twice; then the draft, two folders' entries on the way, and the object's own.
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("fatal", "left"), [(3, []), (4, []), (5, ["a/one"])])
def test_a_writer_killed_around_any_sync_leaves_nothing_or_all(
    tmp_path: Path, fatal: int, moment: str, left: list[str]
) -> None:
    with run(DIES_AT_A_SYNC, str(tmp_path / "store"), str(fatal), moment) as writer:
        said, _ = writer.communicate()

    storage = FolderStorage(tmp_path / "store")
    assert writer.returncode == -signal.SIGKILL
    assert said == ""
    assert asyncio.run(storage.list("")) == left
    if left:
        assert asyncio.run(storage.read("a/one")) == b"x" * SIZE


def test_the_writer_that_is_not_killed_makes_five_syncs(tmp_path: Path) -> None:
    with run(DIES_AT_A_SYNC, str(tmp_path / "store"), "6", "before") as writer:
        said, _ = writer.communicate()

    assert (writer.returncode, said) == (0, "acknowledged\n")


def kill_after(folder: Path, *, acknowledgements: int, delay: float) -> list[str]:
    with run(WRITES_FOR_EVER, str(folder)) as writer:
        assert writer.stdout
        heard = [writer.stdout.readline().strip() for _ in range(acknowledgements)]
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        # A line cut by the kill acknowledged nothing.
        heard += [line.strip() for line in writer.stdout if line.endswith("\n")]
    assert writer.returncode == -signal.SIGKILL
    return heard


async def contents(folder: Path) -> dict[str, bytes]:
    storage = FolderStorage(folder)
    return {name: await storage.read(name) for name in await storage.list("", limit=100_000)}


@pytest.mark.parametrize("turn", range(12))
def test_a_writer_killed_at_any_time_leaves_whole_objects_only(tmp_path: Path, turn: int) -> None:
    acknowledged = kill_after(tmp_path, acknowledgements=1 + turn % 4, delay=turn * 0.0017)

    left = asyncio.run(contents(tmp_path))

    assert set(acknowledged) <= set(left)
    assert len(left) - len(acknowledged) in (0, 1)
    for name, content in left.items():
        assert content == bytes([97 + int(name[-6:]) % 26]) * SIZE
