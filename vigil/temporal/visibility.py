"""What operators see of a verification in Temporal: search attributes and the line in lists."""

from typing import Any, Final

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)

from vigil.domain.explanation import what_attention_means
from vigil.domain.record import Record
from vigil.domain.summary import Summary
from vigil.domain.terms import Instant, Name
from vigil.domain.timers import confirmation_until, poll_from
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verification_key import VerificationKey
from vigil.temporal.messages import Notification

_KEYWORD: Final = {
    name: SearchAttributeKey.for_keyword(name)
    for name in ("VigilAccount", "VigilProvider", "VigilStage", "VigilDecision", "VigilOutcome", "VigilApplicant")
}
_ATTENTION: Final = SearchAttributeKey.for_keyword_list("VigilAttention")
_DEADLINE: Final = SearchAttributeKey.for_datetime("VigilDeadline")


def search_attributes(published: Summary) -> TypedSearchAttributes:
    """Return the search attributes of a published state."""
    return TypedSearchAttributes(
        [
            *(SearchAttributePair(_KEYWORD[name], word) for name, word in _words(published).items() if word),
            SearchAttributePair(_ATTENTION, [str(reason) for reason in published.attention]),
            SearchAttributePair(_DEADLINE, published.deadline_at),
        ]
    )


def changes(before: Summary | None, after: Summary) -> list[SearchAttributeUpdate[Any]]:
    """Return the updates that make the search attributes of one published state those of the next."""
    old = _words(before) if before else {}
    updates: list[SearchAttributeUpdate[Any]] = []
    for name, word in _words(after).items():
        if word != old.get(name):
            updates.append(_KEYWORD[name].value_set(word) if word else _KEYWORD[name].value_unset())
    if before is None or before.attention != after.attention:
        updates.append(_ATTENTION.value_set([str(reason) for reason in after.attention]))
    if before is None or before.deadline_at != after.deadline_at:
        updates.append(_DEADLINE.value_set(after.deadline_at))
    return updates


def details(record: Record, plan: TrackingPlan) -> str:
    """Return what operators read under Current Details, in Markdown."""
    verdict, counts = record.verdict, record.callbacks
    lines = [
        f"**Stage** {verdict.stage} since {verdict.stage_entered_at:%Y-%m-%d %H:%M:%S} UTC",
        f"**Verdict** {' '.join(filter(None, (verdict.outcome, verdict.decision, verdict.basis))) or 'none yet'}",
        f"**Plan** {_plan_words(record, plan)}",
        f"**Callbacks** {counts.received} received ({counts.duplicates} duplicates, {counts.late} late)",
    ]
    lines += [f"**Attention** {note.reason}: {what_attention_means(note.reason)}" for note in record.attention]
    if record.evidence:
        lines += ["", "| file | kind | state |", "| --- | --- | --- |"]
        lines += [
            f"| {row.name} | {row.kind} | {row.state}{f' ({row.loss})' if row.loss else ''} |"
            for row in record.evidence
        ]
    lines += ["", "The answer to the last poll, and when the next is due, stand under *Pending Activities*."]
    return "\n\n".join(lines[:4]) + "\n" + "\n".join(lines[4:])


def notification(record: Record, endpoint: Name, *, path: str, at: Instant) -> Notification:
    """Return what a backend endpoint is told of the newest verdict."""
    return Notification(
        endpoint=endpoint,
        message_id=f"{path}/{record.verdict.revision}",
        key=record.key,
        path=path,
        revision=record.verdict.revision,
        sequence=record.sequence,
        stage=record.verdict.stage,
        decision=record.verdict.decision,
        outcome=record.verdict.outcome,
        at=at,
    )


def _words(published: Summary) -> dict[str, str | None]:
    words = {
        "VigilAccount": published.account,
        "VigilProvider": published.provider,
        "VigilStage": published.stage,
        "VigilDecision": published.decision,
        "VigilOutcome": published.outcome,
        "VigilApplicant": published.applicant,
    }
    return {name: str(word) if word else None for name, word in words.items()}


def _plan_words(record: Record, plan: TrackingPlan) -> str:
    if record.is_concluded:
        return "bring home the files, then complete"
    hurried = confirmation_until(record, plan)
    if hurried is not None:
        return f"confirm what callbacks announced, until {hurried:%Y-%m-%d %H:%M:%S} UTC"
    start = f"wait for a callback until {poll_from(record, plan):%Y-%m-%d %H:%M:%S} UTC, then poll"
    polls = plan.poll_plan(record.verdict.stage).words()
    return f"{start} {polls}; deadline {record.verdict.deadline_at:%Y-%m-%d %H:%M:%S} UTC"


def title(key: VerificationKey) -> str:
    """Return the line that operators see in lists; never the reference, which may be a capability."""
    return f"Verification at `{key.account}`"
