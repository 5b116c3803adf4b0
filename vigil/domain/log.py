"""The timeline of a verification, and the reasons why a person should look."""

from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from vigil.domain.models import StoredModel
from vigil.domain.terms import Actor, Attention, Instant, Name, Shown, StorageName, Word

MOST_ENTRIES: Final = 100
_KEPT_FROM_THE_START: Final = 10
_FOLDED_AT_ONCE: Final = MOST_ENTRIES // 2


class AttentionNote(StoredModel):
    """A reason why a person should look, since when, and who acts."""

    reason: Shown[Attention]
    since: Instant
    actor: Shown[Actor]


class EntryKind(StrEnum):
    """What an entry of the timeline tells."""

    OPENED = "opened"
    REGISTERED = "registered"
    CALLBACK = "callback"
    READ = "read"
    REVISED = "revised"
    COMMANDED = "commanded"
    ATTENTION = "attention"
    EVIDENCE = "evidence"
    MESSAGE = "message"
    NOTIFICATION = "notification"
    COMPLETED = "completed"


class LogEntry(StoredModel):
    """One line of the timeline, in coded words."""

    at: Instant
    kind: Shown[EntryKind]
    words: tuple[Word, ...] = ()
    actor: Name | None = None
    receipt: StorageName | None = None


class Log(StoredModel):
    """What was received, read and decided, in order; `folded` counts the entries that were dropped."""

    entries: tuple[LogEntry, ...] = Field((), max_length=MOST_ENTRIES)
    folded: int = 0

    def add(self, entry: LogEntry) -> Self:
        """Add an entry. A full log first drops its older half, but keeps the first entries."""
        entries = (*self.entries, entry)
        if len(entries) <= MOST_ENTRIES:
            return self._with(entries=entries)
        kept = (*entries[:_KEPT_FROM_THE_START], *entries[_KEPT_FROM_THE_START + _FOLDED_AT_ONCE :])
        return self._with(entries=kept, folded=self.folded + _FOLDED_AT_ONCE)
