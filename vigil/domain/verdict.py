"""What is decided about a verification, and where that stands: stage, verdict, revisions and deadlines."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from vigil.domain.models import StoredModel
from vigil.domain.snapshot import MOST_REASONS, Reason
from vigil.domain.terms import (
    LATEST,
    Advice,
    Basis,
    Decision,
    Instant,
    Name,
    Outcome,
    Shown,
    Stage,
    StorageName,
    Word,
)

MOST_REVISIONS: Final = 100


class Cause(StrEnum):
    """Why a read was made, and why a verdict came about.

    The order matters: a read that several causes ask for has the first of them. What others sent us comes before what
    we did by the clock, so that a callback which arrived is not counted as missed.
    """

    CALLBACK = "callback"
    """A callback arrived."""
    COMMAND = "command"
    """A person sent a command."""
    REGISTRATION = "registration"
    """A backend registered a verification that had been given up."""
    DEADLINE = "deadline"
    """A time limit passed. Most limits are preceded by a last read, which has this cause too."""
    RECHECK = "recheck"
    """A verdict that the provider may take back reached an age at which it is read again."""
    DISCOVERY = "discovery"
    """The provider listed a verification that nobody had reported."""
    POLL = "poll"
    """A poll found another answer."""

    def or_stronger(self, other: "Cause | None") -> "Cause":
        """Return this cause or the other, whichever is listed first."""
        return self if other is None else min(self, other, key=list(Cause).index)


class Revision(StoredModel):
    """One verdict. A revision without an outcome says that an earlier one was reopened."""

    number: int
    at: Instant
    decision: Shown[Decision] | None
    outcome: Shown[Outcome] | None
    basis: Shown[Basis]
    word: Word | None = None
    code: Word | None = None
    reasons: tuple[Reason, ...] = Field((), max_length=MOST_REASONS)
    result: StorageName | None = None
    cause: Shown[Cause]
    author: Name | None = None


@dataclass(frozen=True)
class Verdict:
    """What is decided: an outcome, and with `decided` a decision. No outcome: an earlier one is taken back."""

    outcome: Outcome | None
    basis: Basis
    decision: Decision | None = None
    advice: Advice = Advice.NONE
    reasons: tuple[Reason, ...] = ()
    word: str | None = None
    code: str | None = None
    result: str | None = None


class VerdictState(StoredModel):
    """The stage, the verdict that stands, all earlier ones, and the deadlines."""

    stage: Stage = Stage.AWAITING_APPLICANT
    stage_entered_at: Instant
    decision: Decision | None = None
    outcome: Outcome | None = None
    basis: Basis | None = None
    advice: Shown[Advice] = Advice.NONE
    reasons: tuple[Reason, ...] = Field((), max_length=MOST_REASONS)
    revision: int = 0
    revisions: tuple[Revision, ...] = Field((), max_length=MOST_REVISIONS)
    notified_revision: int = Field(0, description="the last revision whose notifications were started")
    completion_notified_revision: int = Field(0, description="the last revision whose completion was notified")
    rechecked_revision: int = Field(0, description="the last revision whose rechecks were started")
    decided_at: Instant | None = None
    completed_at: Instant | None = None
    deadline_at: Instant
    review_deadline_at: Instant | None = None

    @property
    def is_concluded(self) -> bool:
        """Whether there is an outcome, for now."""
        return self.outcome is not None

    @property
    def round_number(self) -> int:
        """How many times the provider has let the applicant begin: 1, and 1 more for each reopening."""
        return 1 + sum(each.outcome is None and each.basis == Basis.READ for each in self.revisions)

    def holds(self, verdict: Verdict) -> bool:
        """Whether the verdict that stands is this one. The basis alone makes no other verdict."""
        return self.ends_as(verdict) and self.reasons == verdict.reasons

    def ends_as(self, verdict: Verdict) -> bool:
        """Whether the verdict that stands has the same outcome and decision."""
        return (self.outcome, self.decision) == (verdict.outcome, verdict.decision)

    def enter(self, stage: Stage, *, at: Instant) -> Self:
        """Enter a stage. Entering the current stage again keeps its time."""
        return self if stage is self.stage else self._with(stage=stage, stage_entered_at=at)

    def complete(self, *, at: Instant) -> Self:
        """Enter the stage `complete`."""
        return self._with(completed_at=at).enter(Stage.COMPLETE, at=at)

    def explain(self, reasons: tuple[Reason, ...], advice: Advice) -> Self:
        """Take over why an open verification stands where it stands, and what a backend may do."""
        return self._with(reasons=reasons, advice=advice)

    def skip_to(self, revision: int) -> Self:
        """Count on from a revision that backends were notified of, and that was not stored."""
        return self if revision <= self.revision else self._with(revision=revision, notified_revision=revision)

    def take(self, verdict: Verdict) -> Self:
        """Hold a verdict without a new revision: the same end, now on another basis."""
        return self._with(
            outcome=verdict.outcome,
            decision=verdict.decision,
            basis=verdict.basis,
            advice=verdict.advice,
            reasons=verdict.reasons,
        )

    def revise(self, verdict: Verdict, *, at: Instant, cause: Cause, author: Name | None) -> Self:
        """Hold a verdict as a new revision. The oldest of more than `MOST_REVISIONS` is dropped."""
        revision = Revision(
            number=self.revision + 1,
            at=at,
            decision=verdict.decision,
            outcome=verdict.outcome,
            basis=verdict.basis,
            word=verdict.word,
            code=verdict.code,
            reasons=verdict.reasons,
            result=verdict.result,
            cause=cause,
            author=author,
        )
        revised = self._with(
            revision=revision.number,
            revisions=(*self.revisions, revision)[-MOST_REVISIONS:],
            decided_at=at if verdict.outcome else None,
        ).take(verdict)
        return revised.enter(Stage.CONCLUDED, at=at) if verdict.outcome else revised

    def move_deadlines(self, deadline_at: Instant, review_deadline_at: Instant | None) -> Self:
        """Set when we stop following it, at the latest `LATEST`, and when we stop waiting for a review."""
        return self._with(deadline_at=min(deadline_at, LATEST), review_deadline_at=review_deadline_at)

    def mark_notified(self) -> Self:
        """Note that notifications of this revision were started."""
        return self._with(notified_revision=self.revision)

    def mark_completion_notified(self) -> Self:
        """Note that notifications of the completion with this revision were started."""
        return self._with(completion_notified_revision=self.revision)

    def mark_rechecked(self) -> Self:
        """Note that rechecks of this revision were started."""
        return self._with(rechecked_revision=self.revision)
