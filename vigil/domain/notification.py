"""What a backend is owed: the notification of one verdict, or of its completion, to one endpoint."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from pydantic import Field

from vigil.domain.log import EntryKind, Log, LogEntry
from vigil.domain.models import StoredModel
from vigil.domain.terms import Instant, Name, Shown, Word

MOST_OWED: Final = 20


class NotificationState(StrEnum):
    """How a notification stands."""

    PENDING = "pending"
    """It is tried again and again."""
    DELIVERED = "delivered"
    GONE = "gone"
    """The endpoint has answered 410: it wants no more."""
    GIVEN_UP = "given_up"
    """It was tried for five days."""


class NotificationRow(StoredModel):
    """One notification. `answer` is how the last attempt failed, in a coded word."""

    endpoint: Name
    revision: int
    of_completion: bool = Field(default=False, description="of the completion of that revision, not of its verdict")
    state: Shown[NotificationState]
    attempts: int
    answer: Word | None = None
    at: Instant = Field(description="when it was last tried, or ended")
    next_at: Instant | None = Field(None, description="when it is tried again, while it is pending")

    @property
    def identity(self) -> tuple[str, int, bool]:
        """What no other notification of the verification has."""
        return self.endpoint, self.revision, self.of_completion

    @property
    def is_owed(self) -> bool:
        """Whether the endpoint does not have it."""
        return self.state != NotificationState.DELIVERED

    @property
    def has_failed(self) -> bool:
        """Whether the endpoint does not have it, and it is not just being sent for the first time."""
        return self.is_owed and (self.answer is not None or self.state != NotificationState.PENDING)

    @property
    def subject(self) -> str:
        """What it reports, for people."""
        return f"the completion of revision {self.revision}" if self.of_completion else f"revision {self.revision}"


def log_entry(row: NotificationRow) -> LogEntry:
    """Return the line of the timeline for a notification."""
    words = (row.endpoint, f"{'completion' if row.of_completion else 'revision'}:{row.revision}", str(row.state))
    return LogEntry(at=row.at, kind=EntryKind.NOTIFICATION, words=(*words, row.answer) if row.answer else words)


def timeline(log: Log, rows: Sequence[NotificationRow]) -> list[LogEntry]:
    """Return the entries of a log in order, with a line for each notification that the log does not have."""
    known = {(entry.at, entry.words) for entry in log.entries}
    added = [entry for entry in map(log_entry, rows) if (entry.at, entry.words) not in known]
    return sorted((*log.entries, *added), key=lambda entry: entry.at)


def add_row(owed: tuple[NotificationRow, ...], row: NotificationRow) -> tuple[NotificationRow, ...]:
    """Return what is owed after a notification was reported.

    An endpoint reads the newest state when a notification arrives. So one that arrived settles all of earlier
    revisions, too.
    """
    if row.is_owed:
        return (*(each for each in owed if each.identity != row.identity), row)[-MOST_OWED:]
    return tuple(each for each in owed if each.endpoint != row.endpoint or each.revision > row.revision)
