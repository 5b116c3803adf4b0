"""A disk that refuses, is full or stalls: the campaign names the fault in a file, and every writer meets it."""

import errno
import os
import time
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from faults.ledger import Journal

SWITCH: Final = "CAMPAIGN_STORAGE_FAULT"
"""The variable that names the file with the present fault."""
RECORDS: Final = "records.jsonl"
_LONGEST_STALL: Final = 30.0


class StorageFault(StrEnum):
    """What the disk does with every write."""

    REFUSES = "refuses"
    FULL = "full"
    STALLS = "stalls"
    LOSES = "loses answers of"
    """A bucket alone: what was written is there, and its answer gets lost."""


OF_A_FOLDER: Final = (StorageFault.REFUSES, StorageFault.FULL, StorageFault.STALLS)
OF_A_BUCKET: Final = (StorageFault.REFUSES, StorageFault.STALLS, StorageFault.LOSES)


def install() -> None:
    """Have all writes of this process to the local folder meet the fault of the moment."""
    from vigil.storage import drafts, folder  # noqa: PLC0415 -- only the processes of the product have a storage

    switch = Path(os.environ[SWITCH])

    class FaultyDraft(drafts.Draft):
        def __init__(self, place: Path) -> None:
            if present(switch) is StorageFault.REFUSES:
                raise OSError(errno.EROFS, "the campaign refuses writes")
            super().__init__(place)

        def write(self, chunk: bytes) -> None:
            if present(switch) is StorageFault.FULL:
                super().write(chunk[: len(chunk) // 2])
                raise OSError(errno.ENOSPC, "the campaign has filled the disk")
            _wait_while_stalled(switch)
            super().write(chunk)

    vars(folder)["Draft"] = FaultyDraft
    _show_records(switch.parent)


def _show_records(place: Path) -> None:
    """Note each record that is written and has no name yet. Its content is sealed, so nobody else can tell it."""
    from vigil.storage.folder import FolderStorage  # noqa: PLC0415 -- as above

    finish, journal = FolderStorage._finish, Journal(place / RECORDS)  # noqa: SLF001 -- the moment is inside

    def noted(self: FolderStorage, name: str, *rest: Any) -> Any:
        if "/records/" in name:
            journal.write({"name": name})
        return finish(self, name, *rest)

    FolderStorage._finish = noted  # type: ignore[method-assign, assignment]  # noqa: SLF001 -- as above


def present(switch: Path) -> StorageFault | None:
    """Return the fault of the moment; None: there is none."""
    try:
        return StorageFault(switch.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _wait_while_stalled(switch: Path) -> None:
    until = time.monotonic() + _LONGEST_STALL
    while present(switch) is StorageFault.STALLS and time.monotonic() < until:
        time.sleep(0.02)
