"""What stays of a verification whose data was erased: its verdict in coded words, and what was erased."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from vigil.domain.models import StoredModel
from vigil.domain.record import Record
from vigil.domain.summary import Summary
from vigil.domain.terms import Basis, Decision, Instant, KeyedDigest, Name, Outcome, ProviderName, Shown, Stage, Word
from vigil.domain.verification_key import VerificationKey

MOST_REASONS: Final = 100


class ErasureCause(StrEnum):
    """Why data was erased."""

    REQUEST = "request"
    """A backend or a person asked for it."""
    RETENTION = "retention"
    """The time was over for which the settings keep it."""


class NotOurs(StrEnum):
    """Who may still have data of a verification after we have erased ours."""

    PROVIDER = "provider"
    BACKEND = "backend"
    PROXY_LOGS = "proxy_logs"
    KEY_BACKUPS = "key_backups"
    """With a backup of its data key, a backup of the storage can be read. The backups of keys end at a known time."""


class Verdict(StoredModel):
    """The newest verdict, in coded words."""

    decision: Shown[Decision] | None
    outcome: Shown[Outcome] | None
    basis: Shown[Basis] | None
    reasons: tuple[Word, ...] = Field((), max_length=MOST_REASONS)
    revision: int
    at: Instant | None = None


class Tombstone(StoredModel):
    """What stays of an erased verification. It has no personal data, and nothing that the applicant chose."""

    key: VerificationKey
    provider: ProviderName
    environment: Name
    registered_by: Name | None = None
    opened_at: Instant
    sequence: int
    verdict: Verdict
    erased_at: Instant
    asked_by: Name
    cause: Shown[ErasureCause]
    correlations: tuple[KeyedDigest, ...] = Field(
        (), description="under which marks of correlations are stored, until they are erased"
    )
    found: Mapping[Word, int] | None = Field(
        None, description="how much of each kind there was before anything was erased, until it is erased"
    )
    finished_at: Instant | None = Field(None, description="since when nothing is left of the data")
    erased: Mapping[Word, int] = Field(
        default_factory=dict,
        description="how much of each kind was erased; at least so much, if a process was killed while more came",
    )
    key_forgotten: bool = False
    key_backups_until: Instant | None = Field(None, description="when the last backup of the data key is gone")

    def finished(self, *, at: datetime, erased: Mapping[str, int], key_forgotten: bool, backups: timedelta) -> Self:
        """Return the tombstone after the last step. `backups`: how long backups of the data key are kept."""
        until, found = at + backups if key_forgotten else None, self.found or {}
        # A step that was killed and repeated has counted less than there was.
        most = {kind: max(erased.get(kind, 0), found.get(kind, 0)) for kind in {**found, **erased}}
        return self._with(
            finished_at=at,
            erased={kind: count for kind, count in most.items() if count},
            found=None,
            key_forgotten=key_forgotten,
            key_backups_until=until,
            correlations=(),
        )

    def with_found(self, found: Mapping[str, int]) -> Self:
        """Return the tombstone with how much of each kind there is to erase."""
        return self._with(found=dict(found))

    def with_correlations(self, marks: Sequence[str]) -> Self:
        """Return the tombstone with the names under which marks of correlations are stored."""
        return self._with(correlations=tuple(marks))

    @property
    def not_ours(self) -> tuple[NotOurs, ...]:
        """Who may still have data."""
        return tuple(each for each in NotOurs if each is not NotOurs.KEY_BACKUPS or self.key_forgotten)

    def summary(self) -> Summary:
        """Return the state that readers see."""
        return Summary(
            account=self.key.account,
            provider=self.provider,
            environment=self.environment,
            applicant=None,
            sender=None,
            stage=Stage.COMPLETE,
            decision=self.verdict.decision,
            outcome=self.verdict.outcome,
            basis=self.verdict.basis,
            revision=self.verdict.revision,
            sequence=self.sequence,
            registered=self.registered_by is not None,
            registered_by=self.registered_by,
            fingerprint={},
            attention=(),
            steps=(0, 0),
            evidence={},
            opened_at=self.opened_at,
            stage_entered_at=self.erased_at,
            deadline_at=self.erased_at,
            timers={},
            callbacks=0,
            last_callback_at=None,
            erased_at=self.erased_at,
        )


def bury(
    record: Record, *, at: datetime, by: str, cause: ErasureCause | str, correlations: tuple[str, ...]
) -> Tombstone:
    """Return the tombstone of a verification with this record. `correlations`: the names of their marks."""
    verdict, registration = record.verdict, record.subject.registration
    return Tombstone(
        key=record.key,
        provider=record.provider,
        environment=record.environment,
        registered_by=registration.registered_by if registration else None,
        opened_at=record.opened_at,
        sequence=record.sequence + 1,
        verdict=Verdict(
            decision=verdict.decision,
            outcome=verdict.outcome,
            basis=verdict.basis,
            reasons=tuple(str(reason.code) for reason in verdict.reasons),
            revision=verdict.revision,
            at=verdict.decided_at,
        ),
        erased_at=at,
        asked_by=by,
        cause=cause,
        correlations=correlations,
    )


def bury_unrecorded(
    key: VerificationKey, published: Summary, *, at: datetime, by: str, cause: ErasureCause | str
) -> Tombstone:
    """Return the tombstone of a verification that has no record, by what was published of it."""
    return Tombstone(
        key=key,
        provider=published.provider,
        environment=published.environment,
        registered_by=published.registered_by,
        opened_at=published.opened_at,
        sequence=published.sequence + 1,
        verdict=Verdict(
            decision=published.decision,
            outcome=published.outcome,
            basis=published.basis,
            revision=published.revision,
        ),
        erased_at=at,
        asked_by=by,
        cause=cause,
    )
