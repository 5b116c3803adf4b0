"""What callbacks told of a verification, counted and merged so that neither order nor repetition matters."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Self

from pydantic import Field

from vigil.domain.callback_event import MOST_UNKNOWN_FIELDS, CallbackEvent, RoomChanged, StatusSeen, StepFinished
from vigil.domain.models import StoredModel
from vigil.domain.progress import Progress
from vigil.domain.snapshot import MOST_RECEIPTS
from vigil.domain.terms import Ended, Instant, KeyedDigest, Proof, StorageName, Word, earliest, latest

MOST_IDENTITIES: Final = 64
MOST_ANNOUNCEMENTS: Final = 16
HINTS: Final = 6
"""So many callbacks with a weak proof cause a read of one verification in `HINTS_PER`; the others cause none."""
HINTS_PER: Final = timedelta(hours=1)


class ReceivedIdentity(StoredModel):
    """One event of the sender, and how often it came."""

    identity: KeyedDigest
    first_at: Instant
    last_at: Instant
    count: int

    def repeat(self, at: Instant) -> Self:
        """Count the event once more; the first and the last time are those of all repetitions, in any order."""
        return self._with(first_at=min(self.first_at, at), last_at=max(self.last_at, at), count=self.count + 1)


class Announcement(StoredModel):
    """A final word that callbacks spoke and that no read has confirmed yet."""

    word: Word | None
    ended: Ended | None
    proof: Proof
    first_at: Instant
    is_final: bool = True

    @property
    def mark(self) -> tuple[str | None, str | None, Proof]:
        """What tells one announcement from another."""
        return self.word, self.ended, self.proof

    def merge(self, other: "Announcement") -> "Announcement":
        """Return what two callbacks with one announcement say together, in either order."""
        return self._with(first_at=min(self.first_at, other.first_at), is_final=self.is_final or other.is_final)


class CallbackHistory(StoredModel):
    """The callbacks of a verification: counters, progress, announced ends and the newest receipts.

    `late` counts callbacks after the conclusion, `missed` those whose news we found by ourselves.
    """

    received: int = 0
    duplicates: int = 0
    late: int = 0
    missed: int = 0
    first_at: Instant | None = None
    last_at: Instant | None = None
    progress: Progress = Progress()
    announcements: tuple[Announcement, ...] = Field((), max_length=MOST_ANNOUNCEMENTS)
    identities: tuple[ReceivedIdentity, ...] = Field((), max_length=MOST_IDENTITIES)
    unknown_fields: Mapping[Word, int] = Field(default_factory=dict, max_length=MOST_UNKNOWN_FIELDS)
    receipts: tuple[StorageName, ...] = Field((), max_length=MOST_RECEIPTS)
    hints: tuple[Instant, ...] = Field((), max_length=HINTS, description="of weak proof, each the cause of a read")
    unstored_at: Instant | None = Field(None, description="when the newest callback came whose body was not stored")

    def count(self, event: CallbackEvent, *, is_late: bool) -> Self:
        """Count a callback, and the names of its unknown fields; a name that a callback has twice counts once."""
        at = event.received_at
        identity = event.identity or event.delivery
        known = {seen.identity: seen for seen in self.identities}
        before = known.get(identity)
        # Where a sender names no events, equal callbacks are two events: a status may come again, and then it is news.
        is_again = before is not None and (event.identity is not None or before.last_at == at)
        first = ReceivedIdentity(identity=identity, first_at=at, last_at=at, count=1)
        known[identity] = before.repeat(at) if before else first
        return self._with(
            received=self.received + 1,
            duplicates=self.duplicates + is_again,
            late=self.late + is_late,
            first_at=earliest(self.first_at, at),
            last_at=latest(self.last_at, at),
            identities=tuple(sorted(known.values(), key=lambda seen: seen.last_at)[-MOST_IDENTITIES:]),
            unknown_fields=self._count_names(event.unknown_fields),
        )

    def add_progress(self, seen: StepFinished | RoomChanged) -> Self:
        """Merge what a callback tells of a step or of a room."""
        return self._with(progress=self.progress.add(seen))

    def add_receipt(self, receipt: str | None) -> Self:
        """Keep the newest receipts, in any order of arrival: their names begin with the time of receipt."""
        if receipt is None or receipt in self.receipts:
            return self
        newest = sorted((receipt, *self.receipts), key=lambda name: name.rpartition("/")[2], reverse=True)
        return self._with(receipts=tuple(newest[:MOST_RECEIPTS]))

    def may_hint(self, at: Instant) -> bool:
        """Whether a callback with a weak proof may cause a read."""
        return len(self.hints) < HINTS or self.hints[0] <= at - HINTS_PER

    def add_hint(self, at: Instant) -> Self:
        """Note that a callback with a weak proof causes a read."""
        return self._with(hints=tuple(sorted((*self.hints, at))[-HINTS:]))

    def note_unstored(self, at: Instant) -> Self:
        """Note a callback whose body was not stored, so that its sender was asked to repeat it."""
        return self._with(unstored_at=latest(self.unstored_at, at))

    def announce(self, seen: StatusSeen, *, proof: Proof, at: Instant) -> Self:
        """Keep an end that a callback announces until a read confirms it; the earliest time of each stays."""
        fresh = Announcement(word=seen.word, ended=seen.ended, proof=proof, first_at=at, is_final=seen.looks == "final")
        known = {each.mark: each for each in self.announcements}
        earlier = known.get(fresh.mark)
        if earlier is not None:
            fresh = fresh.merge(earlier)
        elif sum(each.proof.may_end is proof.may_end for each in self.announcements) >= MOST_ANNOUNCEMENTS // 2:
            # Half of the room is for callbacks with proof, so that a sender without proof cannot fill all of it.
            return self
        known[fresh.mark] = fresh
        ordered = sorted(known.values(), key=lambda each: (each.word or "", each.ended or "", each.proof))
        return self._with(announcements=tuple(ordered))

    def drop_announcements(self) -> Self:
        """Forget every announced end: a verdict came, or the time to confirm it is over."""
        return self._with(announcements=())

    def confirm(self, word: str | None) -> Self:
        """Forget the announcements that a read now confirms."""
        said = (word or "").casefold()
        return self._with(
            announcements=tuple(each for each in self.announcements if (each.word or "").casefold() != said)
        )

    def count_missed(self) -> Self:
        """Count a callback that should have told what we found by ourselves."""
        return self._with(missed=self.missed + 1)

    def _count_names(self, names: tuple[str, ...]) -> dict[str, int]:
        counts = dict(self.unknown_fields)
        for name in dict.fromkeys(names):
            if name in counts or len(counts) < MOST_UNKNOWN_FIELDS:
                counts[name] = counts.get(name, 0) + 1
        return counts
