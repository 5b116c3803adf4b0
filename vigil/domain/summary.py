"""What of a record is published in the workflow's memo."""

from collections.abc import Mapping

from vigil.domain.models import MessageModel
from vigil.domain.terms import (
    ArtifactState,
    Attention,
    Basis,
    Decision,
    Instant,
    Name,
    Outcome,
    ProviderName,
    Stage,
    Word,
)


class Summary(MessageModel):
    """The coded state in the workflow's memo, under the key `vigil`: enough to answer and to explain.

    It has no personal data, and it is readable while every worker is down.
    """

    account: Name
    provider: ProviderName
    environment: Name
    applicant: Word | None
    sender: Name | None
    stage: Stage
    decision: Decision | None
    outcome: Outcome | None
    basis: Basis | None
    revision: int
    sequence: int
    registered: bool
    fingerprint: Mapping[Word, Word]
    attention: tuple[Attention, ...]
    steps: tuple[int, int]
    evidence: Mapping[ArtifactState, int]
    opened_at: Instant
    stage_entered_at: Instant
    poll_from: Instant
    deadline_at: Instant
    grace_until: Instant | None
    confirmation_until: Instant | None
    review_until: Instant | None = None
    heard: int
    last_heard_at: Instant | None

    def publishes_the_same_as(self, other: "Summary") -> bool:
        """Whether a reader of the other would learn nothing from this one. Counters alone are no news."""
        unread = {"sequence", "heard", "last_heard_at"}
        return self.model_dump(exclude=unread) == other.model_dump(exclude=unread)
