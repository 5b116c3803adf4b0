"""A verification as its promises describe it, in a hundred lines and apart from the code: what may be its end."""

from dataclasses import dataclass, field

from vigil.domain.record import Record
from vigil.domain.summary import Summary
from vigil.domain.terms import Basis, Decision, Outcome, Stage

VERDICTS = {"OK": Decision.APPROVED, "KO": Decision.DECLINED}


@dataclass
class Model:
    """What the provider said, what callbacks announced and what people did. A test tells it of each event."""

    started: bool = False
    registered: bool = False
    received: int = 0
    repeated: int = 0
    at_provider: set[str] = field(default_factory=set)
    """All that a read may have brought."""
    announced_cancel: bool = False
    """Whether a callback that is proven announced an end without a decision."""
    decided_by_people: set[Decision] = field(default_factory=set)
    withdrawn: bool = False
    seen_sequence: int = 0
    """The newest that was published."""

    def may_end_as(self) -> set[tuple[Outcome, Decision | None]]:
        """Return every end that keeps the promises, if the provider's last word is a verdict."""
        ends: set[tuple[Outcome, Decision | None]] = {
            (Outcome.DECIDED, VERDICTS[word]) for word in self.at_provider if word in VERDICTS
        }
        ends |= {(Outcome.DECIDED, decision) for decision in self.decided_by_people}
        if self.announced_cancel or "CANCELED" in self.at_provider:
            ends.add((Outcome.CANCELED, None))
        if self.withdrawn:
            ends.add((Outcome.WITHDRAWN, None))
        if "NOT_FOUND" in self.at_provider:
            ends.add((Outcome.UNKNOWN_TO_PROVIDER, None))
        return ends

    def find_published_faults(self, summary: Summary) -> list[str]:
        """Return what everybody can see of a verification at some moment and the promises do not allow."""
        faults = []
        if summary.outcome is not None and (summary.outcome, summary.decision) not in self.may_end_as():
            faults.append(f"shows {summary.outcome}, {summary.decision}: allowed are {self.may_end_as()}")
        if summary.outcome is None and summary.decision is not None:
            faults.append(f"shows {summary.decision} without an end")
        if summary.basis is Basis.CALLBACK and summary.decision is not None:
            faults.append("shows the decision of a callback")
        if summary.callbacks > self.received:
            faults.append(f"shows {summary.callbacks} callbacks of {self.received}")
        if summary.registered and not self.registered:
            faults.append("shows a registration that nobody made")
        if summary.sequence < self.seen_sequence and (summary.outcome or summary.decision):
            # A follow-up run that has not loaded the record yet is behind, and readers are shown the record.
            faults.append(f"shows an end with the sequence {summary.sequence} after {self.seen_sequence}")
        self.seen_sequence = max(summary.sequence, self.seen_sequence)
        return faults

    def find_faults(self, record: Record) -> list[str]:
        """Return what of a complete record the promises do not allow."""
        verdict, faults = record.verdict, []
        if verdict.outcome is None or (verdict.outcome, verdict.decision) not in self.may_end_as():
            faults.append(f"ended as {verdict.outcome}, {verdict.decision}: allowed are {self.may_end_as()}")
        if verdict.stage is not Stage.COMPLETE:
            faults.append("is not complete")
        if verdict.basis is Basis.CALLBACK and verdict.decision is not None:
            faults.append("a callback decided")
        if verdict.basis is Basis.PERSON and not (self.decided_by_people or self.withdrawn):
            faults.append("a person decided whom nobody saw")
        if [each.number for each in verdict.revisions] != list(range(1, verdict.revision + 1)):
            faults.append("a revision is missing")
        if record.is_registered != self.registered:
            faults.append(f"is registered: {record.is_registered}")
        if record.callbacks.received != self.received:
            faults.append(f"received {record.callbacks.received} callbacks of {self.received}")
        if record.callbacks.duplicates != self.repeated:
            faults.append(f"counts {record.callbacks.duplicates} repetitions of {self.repeated}")
        return faults
