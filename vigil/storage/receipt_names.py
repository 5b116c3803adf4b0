"""How receipts are named. A name says when a callback was received and, of the first event in it, what was dispatched.

Names in order are in order of time, so that what is old or new is found without reading.
"""

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from vigil.domain.message import SEND_WITHIN
from vigil.domain.terms import KeyedDigest
from vigil.storage.contract import under

PENDING: Final = "inbox/pending/"
QUARANTINED: Final = "inbox/quarantined/"
REFUSED: Final = "inbox/refused/"
DISPATCHED: Final = "inbox/dispatched/"
"""Names the pending receipts that can be filed, and where to. Who cannot read receipts leaves the filing to others."""
_MESSAGE: Final = "-message"
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"


def pending_name(at: datetime, *, asks_for_message: bool, mark: KeyedDigest | None) -> str:
    """Return a new name for a receipt. `mark` is that of its first event."""
    return PENDING + new_leaf(at) + (_MESSAGE if asks_for_message else f"-{mark}" if mark else "")


def filed_name(name: str, path: str | None) -> str:
    """Return the name that a pending receipt will have after it is filed."""
    leaf = name.removeprefix(PENDING)
    return receipts_of(path) + leaf if path else QUARANTINED + leaf


def receipts_of(path: str) -> str:
    """Return the folder of the receipts that are filed under a verification."""
    return under(path, "receipts") + "/"


def says_dispatched(filed: str, path: str, mark: KeyedDigest) -> bool:
    """Whether the name of a filed receipt says that a verification was signalled of the event with this mark."""
    return filed.startswith(receipts_of(path)) and filed.endswith(f"-{mark}")


def received_at_of(name: str) -> datetime | None:
    """Return when a receipt was received, by its name or its leaf; None if the name is none of ours."""
    with suppress(ValueError):
        return datetime.strptime(name.rpartition("/")[2].partition("-")[0], _STAMP).replace(tzinfo=UTC)
    return None


def is_receipt_name(leaf: str) -> bool:
    """Whether a text has the form of a receipt's name below its folder."""
    return "/" not in leaf and received_at_of(leaf) is not None


def is_late_message(name: str, now: datetime) -> bool:
    """Whether a pending receipt asks for a message that must not be sent any more, judged by its name."""
    received_at = received_at_of(name) if name.endswith(_MESSAGE) else None
    return received_at is not None and received_at + SEND_WITHIN <= now


def new_leaf(at: datetime) -> str:
    """Return a new name without its folder."""
    return f"{stamp(at)}-{secrets.token_hex(8)}"


def stamp(at: datetime) -> str:
    """Of one length, so that names in order are in order of time."""
    return f"{at.astimezone(UTC):{_STAMP}}"
