"""A writer killed with SIGKILL leaves each object whole or absent, and what it acknowledged whole."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
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


# Begins a content that never ends, and says when its draft exists; argv is the folder.
WRITES_A_DRAFT = """
import asyncio, sys
from pathlib import Path
from vigil.storage.folder import FolderStorage

async def endless():
    yield b"x" * 300_000
    yield b"y"
    print("begun", flush=True)
    await asyncio.Event().wait()

asyncio.run(FolderStorage(Path(sys.argv[1])).put_new("a/one", endless()))
"""


def drafts(folder: Path) -> list[Path]:
    return list((folder / ".tmp").iterdir())


@pytest.mark.parametrize("cleaner", ["that starts", "that runs"])
def test_a_draft_goes_when_its_writer_is_dead_and_never_before(tmp_path: Path, cleaner: str) -> None:
    running = FolderStorage(tmp_path, clean_every=timedelta(0))

    def write_once(name: str) -> None:
        storage = running if cleaner == "that runs" else FolderStorage(tmp_path)
        asyncio.run(storage.put_new(name, b"content"))

    with run(WRITES_A_DRAFT, str(tmp_path)) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "begun\n"
        os.kill(writer.pid, signal.SIGSTOP)  # it is silent, and it lives
        write_once("a/two")
        while_alive = len(drafts(tmp_path))
        os.kill(writer.pid, signal.SIGKILL)
    write_once("a/three")

    assert while_alive == 1
    assert drafts(tmp_path) == []
    assert asyncio.run(running.list("")) == ["a/three", "a/two"]


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
