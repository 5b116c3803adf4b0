"""When the data of a verification has been kept long enough, judged by its record and not by the age of files."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from vigil.domain.record import Record


class Kept(StrEnum):
    """What has a time of its own. The names are those of the settings."""

    RECEIPTS = "receipts"
    RESULTS = "results"
    ARTIFACTS = "artifacts"
    RECORDS = "records"
    """With the record the whole verification is erased, and its tombstone is left."""


@dataclass(frozen=True, kw_only=True)
class KeepRules:
    """How long the data of an account is kept after its verification ended; None: until it is erased on request."""

    receipts: timedelta | None
    results: timedelta | None
    artifacts: timedelta | None
    records: timedelta | None
    tombstones: timedelta
    at_least: timedelta

    def of(self, kind: Kept) -> timedelta | None:
        """Return how long one kind is kept, the legal minimum included."""
        value: timedelta | None = getattr(self, kind)
        return None if value is None else max(value, self.at_least) if kind is not Kept.RECEIPTS else value

    def due(self, ended_at: datetime | None, now: datetime) -> tuple[Kept, ...]:
        """Return what is to be erased of a verification that ended at this time; None: it has not ended."""
        if ended_at is None:
            return ()
        kept = {kind: self.of(kind) for kind in Kept}
        return tuple(kind for kind, value in kept.items() if value is not None and ended_at + value <= now)

    def kept_until(self, ended_at: datetime | None) -> datetime | None:
        """Return until when the law forbids the erasure; None: it does not."""
        return ended_at + self.at_least if ended_at is not None and self.at_least else None


def ended_at(record: Record) -> datetime | None:
    """Return when a verification ended: its newest revision counts. None: it has no outcome."""
    if not record.is_concluded:
        return None
    verdict = record.verdict
    return max(verdict.completed_at or verdict.stage_entered_at, verdict.stage_entered_at)
