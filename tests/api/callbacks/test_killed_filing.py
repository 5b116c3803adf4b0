"""A process killed with SIGKILL before any sync of storing and filing a receipt leaves it once, and dispatched once."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from api.callbacks.relay import Relay
from tests.api.fakes import Desk
from tests.storage.test_inbox import NOON
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import Inbox

ROOT = Path(__file__).parents[3]
MARK = "e" * 26
PATH = "acme/r-1"

# Stores a receipt and files it, as a callback that was signalled. Dies by itself before its n-th sync: argv is the
# folder and n.
DIES_AT_A_SYNC = f"""
import asyncio, os, signal, sys
from pathlib import Path
from tests.storage.test_inbox import about
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import Inbox

folder, fatal = Path(sys.argv[1]), int(sys.argv[2])
syncs = 0

def fsync(descriptor):
    global syncs
    syncs += 1
    if syncs == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    os.fsync(descriptor)

async def main():
    inbox = Inbox(FolderStorage(folder, fsync=fsync))
    receipt = about("{MARK}", reference="r-1", path="{PATH}")
    name = await inbox.keep(receipt)
    print("answered", syncs, flush=True)
    await inbox.file_under(name, "{PATH}", receipt)
    print("filed", syncs, flush=True)

asyncio.run(main())
"""


def run(folder: Path, fatal: int) -> list[str]:
    """Return what the process said before it died, or before its end."""
    died = subprocess.run(
        [sys.executable, "-c", DIES_AT_A_SYNC, str(folder), str(fatal)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert died.returncode in (0, -signal.SIGKILL)
    return died.stdout.split()


# The entry of the folder for drafts, then of two folders on the way, the draft, and the receipt's own entry.
SYNCS_BEFORE_THE_ANSWER = 5
# The same for the filed receipt, which has four folders on its way; then the removal from the pending ones.
SYNCS = 12


@pytest.mark.parametrize("fatal", range(3, SYNCS + 1))
async def test_a_receipt_is_lost_only_if_nobody_was_answered_and_is_never_there_twice(
    tmp_path: Path, fatal: int
) -> None:
    said = run(tmp_path, fatal)
    inbox, storage = Inbox(FolderStorage(tmp_path)), FolderStorage(tmp_path)
    was_filed = await seen(inbox)
    desk = Desk(tmp_path)

    await Relay(desk.services, now=lambda: NOON + timedelta(minutes=1)).run_round()

    assert "filed" not in said
    left = await storage.list("")
    assert left or "answered" not in said
    if left:
        # Where the copy is filed, its name says that the event was dispatched, and nothing is started again.
        assert len(desk.verifications.signaled) == (0 if was_filed else 1)
        assert await desk.names() == [f"verifications/{PATH}/receipts"]
        assert await seen(inbox)


async def seen(inbox: Inbox) -> bool:
    return await inbox.was_seen(PATH, MARK, at=NOON, within=timedelta(hours=1))


def test_a_process_that_is_not_killed_makes_these_syncs(tmp_path: Path) -> None:
    """A kill loses nothing that was written and not synced, and a power cut does: so the syncs are counted."""
    assert run(tmp_path, SYNCS + 1) == ["answered", str(SYNCS_BEFORE_THE_ANSWER), "filed", str(SYNCS)]
