"""How Temporal shows a verification to operators: search attributes, Current Details and the title in lists."""

from typing import Any, Final

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)

from vigil.domain.attention import what_attention_means
from vigil.domain.explanation import explain
from vigil.domain.record import Record
from vigil.domain.registration import applicant_digest_in
from vigil.domain.situation import Situation
from vigil.domain.summary import Summary
from vigil.domain.terms import Instant, Name, Stage
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verification_key import VerificationKey, shown_key
from vigil.temporal.messages import VERIFICATION_ATTRIBUTE, Notification, NotificationType

_KEYWORD: Final = {
    name: SearchAttributeKey.for_keyword(name)
    for name in ("VigilAccount", "VigilProvider", "VigilStage", "VigilDecision", "VigilOutcome")
}
_APPLICANT: Final = SearchAttributeKey.for_keyword("VigilApplicant")
_ATTENTION: Final = SearchAttributeKey.for_keyword_list("VigilAttention")
ABOUT: Final = SearchAttributeKey.for_keyword(VERIFICATION_ATTRIBUTE)
_DEADLINE: Final = SearchAttributeKey.for_datetime("VigilDeadline")


def about(path: str) -> TypedSearchAttributes:
    """Return the search attribute of a run whose id does not name its verification."""
    return TypedSearchAttributes([SearchAttributePair(ABOUT, path)])


def search_attributes(published: Summary) -> TypedSearchAttributes:
    """Return the search attributes of a summary. The applicant is a keyed digest: Temporal keeps these in clear."""
    applicant = applicant_digest_in(published.fingerprint)
    return TypedSearchAttributes(
        [
            *([SearchAttributePair(_APPLICANT, applicant)] if applicant else []),
            *(SearchAttributePair(_KEYWORD[name], word) for name, word in _words(published).items() if word),
            SearchAttributePair(_ATTENTION, [str(reason) for reason in published.attention]),
            SearchAttributePair(_DEADLINE, published.deadline_at),
        ]
    )


def changes(before: Summary | None, after: Summary) -> list[SearchAttributeUpdate[Any]]:
    """Return the updates that turn the search attributes of one summary into those of the next."""
    old = _words(before) if before else {}
    updates: list[SearchAttributeUpdate[Any]] = []
    if (before.applicant if before else None) != after.applicant:
        updates.append(_of_applicant(after))
    for name, word in _words(after).items():
        if word != old.get(name):
            updates.append(_KEYWORD[name].value_set(word) if word else _KEYWORD[name].value_unset())
    if before is None or before.attention != after.attention:
        updates.append(_ATTENTION.value_set([str(reason) for reason in after.attention]))
    if before is None or before.deadline_at != after.deadline_at:
        updates.append(_DEADLINE.value_set(after.deadline_at))
    return updates


def details(record: Record, plan: TrackingPlan, published: Summary, *, now: Instant) -> str:
    """Return the Markdown that operators read under Current Details: what `explain` says, and what it follows from."""
    verdict, counts = record.verdict, record.callbacks
    lines = (
        *_explanation(record, plan, published, now),
        f"**Stage** {verdict.stage} since {_clock(verdict.stage_entered_at)}",
        f"**Verdict** {' '.join(filter(None, (verdict.outcome, verdict.decision, verdict.basis))) or 'none yet'}",
        f"**Callbacks** {counts.received} received ({counts.duplicates} duplicates, {counts.late} late)",
        f"**Last answer** {_last_answer(record)}",
        *(f"**Attention** {note.reason}: {what_attention_means(note.reason)}" for note in record.attention),
        "\n".join(_files(record)),
        f"This is from {_clock(now)}. *Pending Activities* shows what the poll that sleeps was answered since.",
    )
    return "\n\n".join(line for line in lines if line)


def _explanation(record: Record, plan: TrackingPlan, published: Summary, now: Instant) -> tuple[str, ...]:
    is_open = record.verdict.stage is not Stage.COMPLETE
    situation = Situation(summary=published, is_open=is_open, owed=record.owed)
    explained = explain(situation, plan=plan, now=now)
    due = f", at {_clock(explained.next_at)}" if explained.next_at else ""
    return (
        f"**{explained.sentence[:1].upper()}{explained.sentence[1:]}.**",
        f"**Who acts** {f'the {explained.actor}' if explained.actor else 'nobody'}",
        f"**Next** {explained.next_event}{due}" if explained.next_event else "",
    )


def _last_answer(record: Record) -> str:
    last = record.reads.last
    if last is None:
        return "the provider has not been asked yet"
    return f"{':'.join(filter(None, (str(last.answer), last.word)))} at {_clock(last.asked_at)}"


def _files(record: Record) -> list[str]:
    if not record.evidence:
        return []
    rows = (
        f"| {row.name} | {row.kind} | {row.state}{f' ({row.loss})' if row.loss else ''} |" for row in record.evidence
    )
    return ["| file | kind | state |", "| --- | --- | --- |", *rows]


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
    }
    return {name: str(word) if word else None for name, word in words.items()}


def _of_applicant(published: Summary) -> SearchAttributeUpdate[Any]:
    """Return the update to the applicant's digest. Without a digest it is one too: a replay compares the commands."""
    digest = applicant_digest_in(published.fingerprint)
    return _APPLICANT.value_set(digest) if digest else _APPLICANT.value_unset()


def title(key: VerificationKey) -> str:
    """Return the line that lists show. It never has the reference, which may give access to the session."""
    return f"Verification at `{key.account}`"
