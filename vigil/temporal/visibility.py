"""How Temporal shows a verification to operators: search attributes, Current Details and the title in lists."""

from typing import Any, Final

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)

from vigil.domain.attention import what_attention_means
from vigil.domain.record import Record
from vigil.domain.summary import Summary
from vigil.domain.terms import Instant, Name
from vigil.domain.timers import SENTENCES, timers
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verification_key import VerificationKey, shown_key
from vigil.temporal.messages import Notification, NotificationType

_KEYWORD: Final = {
    name: SearchAttributeKey.for_keyword(name)
    for name in ("VigilAccount", "VigilProvider", "VigilStage", "VigilDecision", "VigilOutcome", "VigilApplicant")
}
_ATTENTION: Final = SearchAttributeKey.for_keyword_list("VigilAttention")
_DEADLINE: Final = SearchAttributeKey.for_datetime("VigilDeadline")


def search_attributes(published: Summary) -> TypedSearchAttributes:
    """Return the search attributes of a summary."""
    return TypedSearchAttributes(
        [
            *(SearchAttributePair(_KEYWORD[name], word) for name, word in _words(published).items() if word),
            SearchAttributePair(_ATTENTION, [str(reason) for reason in published.attention]),
            SearchAttributePair(_DEADLINE, published.deadline_at),
        ]
    )


def changes(before: Summary | None, after: Summary) -> list[SearchAttributeUpdate[Any]]:
    """Return the updates that turn the search attributes of one summary into those of the next."""
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
    """Return the Markdown that operators read under Current Details."""
    verdict, counts = record.verdict, record.callbacks
    summary = (
        f"**Stage** {verdict.stage} since {_clock(verdict.stage_entered_at)}",
        f"**Verdict** {' '.join(filter(None, (verdict.outcome, verdict.decision, verdict.basis))) or 'none yet'}",
        f"**Polls** {plan.poll_plan(verdict.stage).words()}",
        f"**Callbacks** {counts.received} received ({counts.duplicates} duplicates, {counts.late} late)",
    )
    due = sorted((at, SENTENCES[name]) for name, at in timers(record, plan).items())
    lines = [f"**Timer** {_clock(at)}: {sentence}" for at, sentence in due]
    lines += [f"**Attention** {note.reason}: {what_attention_means(note.reason)}" for note in record.attention]
    lines += _files(record)
    last = "*Pending Activities* shows the answer to the last poll, and when the next poll is due."
    return "\n\n".join((*summary, "\n".join(lines), last))


def _files(record: Record) -> list[str]:
    if not record.evidence:
        return []
    rows = (
        f"| {row.name} | {row.kind} | {row.state}{f' ({row.loss})' if row.loss else ''} |" for row in record.evidence
    )
    return ["", "| file | kind | state |", "| --- | --- | --- |", *rows]


def _clock(instant: Instant) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def notification(
    record: Record, endpoint: Name, *, path: str, at: Instant, kind: NotificationType = "verification.revised"
) -> Notification:
    """Return the notification of the newest verdict, or that the verification is complete with it."""
    verdict, registration = record.verdict, record.subject.registration
    of_completion = "/complete" if kind == "verification.completed" else ""
    return Notification(
        type=kind,
        endpoint=endpoint,
        message_id=f"{path}/{verdict.revision}{of_completion}",
        key=shown_key(record.key, path),
        verification=record.key,
        path=path,
        applicant=registration.applicant if registration else None,
        revision=verdict.revision,
        sequence=record.sequence,
        stage=verdict.stage,
        decision=verdict.decision,
        outcome=verdict.outcome,
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


def title(key: VerificationKey) -> str:
    """Return the line that lists show. It never has the reference, which may give access to the session."""
    return f"Verification at `{key.account}`"
