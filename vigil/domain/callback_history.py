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
MOST_EXPLANATIONS: Final = 16
HINTS: Final = 6
"""So many callbacks with a weak proof cause a read of one verification in `HINTS_PER`; the others cause none."""
HINTS_PER: Final = timedelta(hours=1)
LATE_READS: Final = 24
"""So many proven callbacks cause a read of a concluded verification in `LATE_READS_PER`."""
LATE_READS_PER: Final = timedelta(days=1)


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


class Explanation(StoredModel):
    """What callbacks with one status say beside it: a digest of reasons, checks and files, and the newest receipt.

    It is confirmed if its proof covers the body, or if it answered a replay that we asked for.
    """

    word: Word
    topic: Word | None = None
    details: KeyedDigest
    receipt: StorageName | None = None
    is_confirmed: bool = False

    @property
    def subject(self) -> tuple[str, str | None]:
        """What two callbacks must have in common so that their details must agree."""
        return self.word, self.topic

    def merge(self, other: "Explanation") -> Self:
        """Return what two callbacks with one explanation say together, in either order."""
        receipts = [name for name in (self.receipt, other.receipt) if name is not None]
        newest = max(receipts, key=lambda name: name.rpartition("/")[2], default=None)
        return self._with(receipt=newest, is_confirmed=self.is_confirmed or other.is_confirmed)


class CallbackHistory(StoredModel):
    """The callbacks of a verification: counters, progress, announced ends, and what explains a verdict.

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
    explanations: tuple[Explanation, ...] = Field((), max_length=MOST_EXPLANATIONS)
    hints: tuple[Instant, ...] = Field((), max_length=HINTS, description="of weak proof, each the cause of a read")
    late_reads: tuple[Instant, ...] = Field(
        (), max_length=LATE_READS, description="of proven callbacks after the conclusion, each the cause of a read"
    )
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

    def has_received(self, event: CallbackEvent) -> bool:
        """Whether an event is a repetition."""
        return any(seen.identity == (event.identity or event.delivery) for seen in self.identities)

    def add_progress(self, seen: StepFinished | StatusSeen | RoomChanged) -> Self:
        """Merge what a callback tells of steps or of a room."""
        return self._with(progress=self.progress.add(seen))

    def add_explanation(self, fresh: Explanation) -> Self:
        """Keep what a callback says beside its status. Of callbacks that differ two are kept: that is a dispute."""
        alike = [each for each in self.explanations if each.subject == fresh.subject]
        known = next((each for each in alike if each.details == fresh.details), None)
        if known is None and (len(alike) > 1 or len(self.explanations) >= MOST_EXPLANATIONS):
            return self
        others = (each for each in self.explanations if each is not known)
        merged = fresh if known is None else known.merge(fresh)
        ordered = sorted((*others, merged), key=lambda each: (each.word, each.topic or "", each.details))
        return self._with(explanations=tuple(ordered))

    def is_disputed(self, word: str | None) -> bool:
        """Whether two callbacks with this status differ in what they say beside it."""
        subjects = [each.subject for each in self.explanations if each.word == word]
        return len(set(subjects)) < len(subjects)

    @property
    def confirmed_receipts(self) -> tuple[str, ...]:
        """The receipts that may explain a verdict: one for each status, if it is confirmed and nothing disputes it."""
        words = dict.fromkeys(each.word for each in self.explanations if not self.is_disputed(each.word))
        chosen = (self._explanation_of(word) for word in words)
        return tuple(each.receipt for each in chosen if each.receipt is not None and each.is_confirmed)[:MOST_RECEIPTS]

    def _explanation_of(self, word: str) -> Explanation:
        """Return the verification's own explanation of a status, or else that of later news."""
        alike = [each for each in self.explanations if each.word == word]
        return next((each for each in alike if each.topic is None), alike[0])

    def may_hint(self, at: Instant) -> bool:
        """Whether a callback with a weak proof may cause a read."""
        return len(self.hints) < HINTS or self.hints[0] <= at - HINTS_PER

    def add_hint(self, at: Instant) -> Self:
        """Note that a callback with a weak proof causes a read."""
        return self._with(hints=tuple(sorted((*self.hints, at))[-HINTS:]))

    def may_read_late(self, at: Instant) -> bool:
        """Whether a proven callback of a concluded verification may cause a read."""
        return len(self.late_reads) < LATE_READS or self.late_reads[0] <= at - LATE_READS_PER

    def add_late_read(self, at: Instant) -> Self:
        """Note that a proven callback of a concluded verification causes a read."""
        return self._with(late_reads=tuple(sorted((*self.late_reads, at))[-LATE_READS:]))

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
