"""The part of a record that is published in the workflow's memo."""

from collections.abc import Mapping

from pydantic import Field

from vigil.domain.evidence import count_states
from vigil.domain.models import MessageModel
from vigil.domain.record import Record
from vigil.domain.terms import (
    Attention,
    Basis,
    Decision,
    Instant,
    Name,
    Outcome,
    ProviderName,
    Shown,
    Stage,
    Word,
)
from vigil.domain.timers import timers
from vigil.domain.tracking_plan import TrackingPlan


class Summary(MessageModel):
    """The state of a verification in the workflow's memo, under the key `vigil`: enough to answer and to explain.

    It has no personal data, and it is readable while every worker is down.
    """

    account: Name
    provider: ProviderName
    environment: Name
    applicant: Word | None
    sender: Name | None
    stage: Shown[Stage]
    decision: Shown[Decision] | None
    outcome: Shown[Outcome] | None
    basis: Shown[Basis] | None
    revision: int
    sequence: int
    registered: bool
    registered_by: Name | None = Field(None, description="the backend; None also in a summary of an earlier version")
    fingerprint: Mapping[Word, Word]
    attention: tuple[Shown[Attention], ...]
    steps: tuple[int, int]
    evidence: Mapping[Word, int]
    opened_at: Instant
    stage_entered_at: Instant
    deadline_at: Instant
    timers: Mapping[Word, Instant] | None = Field(
        None, description="the timers that are set, by name; None in a summary of a version that published none"
    )
    not_found_since: Instant | None = Field(
        None, description="since when the provider answers that it does not know the reference, if it never knew it"
    )
    callbacks: int
    missed: int | None = Field(None, description="callbacks that never came; None in a summary of an earlier version")
    last_callback_at: Instant | None
    erased_at: Instant | None = Field(None, description="since when only the verdict is left of it")

    def publishes_the_same_as(self, other: "Summary") -> bool:
        """Whether a reader of the other summary learns nothing new from this one. Counters alone are not new."""
        unread = {"sequence", "callbacks", "missed", "last_callback_at"}
        # Runs that an older version published replay with the same commands.
        unread |= {name for name in ("timers", "registered_by") if getattr(other, name) is None}
        read = type(self).model_fields.keys() - unread
        return all(getattr(self, name) == getattr(other, name) for name in read)

    def with_sequence(self, sequence: int) -> "Summary":
        """Return the summary under another sequence number."""
        return self._with(sequence=sequence)


def summarize(record: Record, plan: TrackingPlan) -> Summary:
    """Return the summary of a record that is published."""
    return Summary(
        account=record.key.account,
        provider=record.provider,
        environment=record.environment,
        applicant=record.subject.registration.applicant if record.subject.registration else None,
        sender=record.subject.sender,
        stage=record.verdict.stage,
        decision=record.verdict.decision,
        outcome=record.verdict.outcome,
        basis=record.verdict.basis,
        revision=record.verdict.revision,
        sequence=record.sequence,
        registered=record.is_registered,
        registered_by=record.subject.registration.registered_by if record.subject.registration else None,
        fingerprint=record.subject.registration.fingerprint if record.subject.registration else {},
        attention=tuple(note.reason for note in record.attention),
        steps=record.steps,
        evidence={state.value: count for state, count in count_states(record.evidence).items()},
        opened_at=record.opened_at,
        stage_entered_at=record.verdict.stage_entered_at,
        deadline_at=record.verdict.deadline_at,
        timers={name.value: at for name, at in timers(record, plan).items()},
        not_found_since=None if record.is_concluded else record.reads.not_found_since,
        callbacks=record.callbacks.received,
        missed=record.callbacks.missed,
        last_callback_at=record.callbacks.last_at,
    )
