"""The pure decisions about verdicts: what a read, a person, a callback's window or a deadline may decide."""

from datetime import datetime
from typing import Final

from vigil.domain import evidence
from vigil.domain.errors import OUR_LIMITS
from vigil.domain.evidence import UNLISTED
from vigil.domain.log import EntryKind
from vigil.domain.record import Record, Replay
from vigil.domain.record_edits import (
    add_attention,
    add_log_entry,
    clear_attention,
    dispute_details,
    enter_stage,
    give_up_files,
    list_recordings,
)
from vigil.domain.snapshot import Answer, Artifact, ReadResult, Reason, Snapshot
from vigil.domain.terms import (
    Advice,
    Attention,
    Basis,
    Decision,
    EvidenceKind,
    LossReason,
    Name,
    Outcome,
    ReasonCode,
    SessionKind,
    Stage,
)
from vigil.domain.times import announcements_judged_at
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verdict import Cause, Verdict


def apply_read(record: Record, reading: ReadResult, *, plan: TrackingPlan, cause: Cause) -> Record:
    """Apply what came of a question. One that was asked earlier than the last applied is ignored."""
    if record.reads.last is not None and reading.asked_at < record.reads.last.asked_at:
        return record
    at = reading.asked_at
    record = record.with_reads(record.reads.add(reading))
    if reading.coordinates is not None and reading.answer is Answer.ANSWERED:
        record = record.with_subject(record.subject.keep_coordinates(reading.coordinates))
    record = _access(record, reading)
    if record.reads.not_found_since is None:
        record = clear_attention(record, Attention.REFERENCE_NOT_FOUND)
    match reading.answer:
        case Answer.ANSWERED if reading.snapshot is not None:
            return dispute_details(_told(record, reading.snapshot, plan=plan, cause=cause, at=at), at=at)
        case Answer.GONE if announcements_judged_at(record, plan) is None or record.is_concluded:
            return mark_deleted(record, at=at, cause=cause)
        case Answer.GONE:
            # What callbacks announced is judged first; then the timer `deletion` is due.
            return add_attention(record, Attention.DISAPPEARED, at=at)
        case Answer.NOT_FOUND if record.reads.snapshot is not None:
            # It may be found again. The timer `deletion` is due where the contract says that this means deleted.
            return add_attention(record, Attention.DISAPPEARED, at=at)
        case _:
            return record


def decide(record: Record, verdict: Verdict, *, at: datetime, cause: Cause, author: Name | None = None) -> Record:
    """Make a verdict the record's own, as a new revision."""
    record = record.with_verdict(record.verdict.revise(verdict, at=at, cause=cause, author=author))
    record = record.with_callbacks(record.callbacks.drop_announcements())
    words = (verdict.outcome, verdict.decision, verdict.basis.value)
    return add_log_entry(record, EntryKind.REVISED, at=at, words=words, actor=author)


def apply_manual_decision(
    record: Record, decision: Decision, reason: ReasonCode, *, author: Name, at: datetime
) -> Record:
    """Take a person's decision; it also settles every question that asked for a person."""
    verdict = Verdict(outcome=Outcome.DECIDED, decision=decision, basis=Basis.PERSON, reasons=(Reason(code=reason),))
    record = clear_attention(record, *_ENDED_BY_A_PERSON, *_ENDED_BY_A_VERDICT)
    return decide(record, verdict, at=at, cause=Cause.COMMAND, author=author)


def withdraw(record: Record, *, author: Name, at: datetime) -> Record:
    """End it because the backend no longer wants it."""
    verdict = Verdict(outcome=Outcome.WITHDRAWN, basis=Basis.PERSON)
    return decide(record, verdict, at=at, cause=Cause.COMMAND, author=author)


def time_out(record: Record, *, at: datetime) -> Record:
    """End it at our deadline, and say who was waited for."""
    waited_for = {
        Stage.AWAITING_APPLICANT: Attention.OVERDUE_APPLICANT,
        Stage.IN_REVIEW: Attention.OVERDUE_REVIEW,
    }.get(record.verdict.stage, Attention.SILENCE)
    verdict = Verdict(outcome=Outcome.TIMED_OUT, basis=Basis.DEADLINE, advice=Advice.NEW_ATTEMPT)
    return decide(add_attention(record, waited_for, at=at), verdict, at=at, cause=Cause.DEADLINE)


def expire_review(record: Record, *, at: datetime) -> Record:
    """End it at the review deadline, as the provider's last word says that it then is."""
    snapshot = record.reads.snapshot
    if snapshot is None or snapshot.review_expires_to is None:
        raise AssertionError("judged the review deadline of one that waits for no review")
    lapse = snapshot.review_expires_to
    verdict = Verdict(
        outcome=Outcome(lapse.ended) if lapse.ended else Outcome.DECIDED,
        decision=lapse.decision,
        basis=Basis.DEADLINE,
        advice=lapse.advice,
        reasons=lapse.reasons,
        word=snapshot.word,
        code=snapshot.code,
        result=snapshot.result,
    )
    return decide(add_attention(record, Attention.OVERDUE_REVIEW, at=at), verdict, at=at, cause=Cause.DEADLINE)


def mark_unknown_to_provider(record: Record, *, at: datetime, cause: Cause) -> Record:
    """End it because the provider knows no such verification."""
    verdict = Verdict(outcome=Outcome.UNKNOWN_TO_PROVIDER, basis=Basis.READ, advice=Advice.FIX_INPUT)
    return decide(record, verdict, at=at, cause=cause)


def close_confirmation_window(record: Record, *, at: datetime) -> Record:
    """End the window in which a read could have confirmed what callbacks announced.

    One end without a decision, announced with a secret, that no read contradicted is accepted, whatever others
    announced beside it without one; everything else is a contradiction for a person, and a decision is never taken
    from a callback.
    """
    if record.is_concluded:
        # What callbacks said since did not come true; an old word of its course that came late asks for nobody.
        calm = record.with_callbacks(record.callbacks.drop_announcements())
        is_disputed = any(announcement.is_final for announcement in record.callbacks.announcements)
        return add_attention(calm, Attention.CONTRADICTION, at=at) if is_disputed else calm
    proven = [announcement for announcement in record.callbacks.announcements if announcement.proof.may_end]
    ends = {announcement.ended for announcement in proven}
    asked = record.reads.last is not None and any(one.first_at <= record.reads.last.asked_at for one in proven)
    silent = record.reads.last is not None and record.reads.last.answer in {
        Answer.NOT_READY,
        Answer.NOT_FOUND,
        Answer.GONE,
    }
    ended = next(iter(ends)) if len(ends) == 1 else None
    if ended is None or not (asked and silent):
        # Its time says what was judged: what is announced later has a window of its own.
        return add_attention(clear_attention(record, Attention.CONTRADICTION), Attention.CONTRADICTION, at=at)
    word = proven[0].word
    verdict = Verdict(outcome=Outcome(ended), basis=Basis.CALLBACK, advice=Advice.NEW_ATTEMPT, word=word)
    return decide(add_attention(record, Attention.UNCONFIRMED_END, at=at), verdict, at=at, cause=Cause.CALLBACK)


def _access(record: Record, reading: ReadResult) -> Record:
    troubles = {
        Answer.REFUSED: Attention.PROVIDER_REFUSES_US,
        Answer.UNPROVEN: Attention.REPLY_UNPROVEN,
        Answer.UNREACHABLE: Attention.PROVIDER_UNREACHABLE,
    }
    is_over_limit = reading.answer is Answer.UNREACHABLE and reading.word in OUR_LIMITS
    now = Attention.OVER_OUR_LIMIT if is_over_limit else troubles.get(reading.answer)
    of_access = (*troubles.values(), Attention.OVER_OUR_LIMIT)
    record = clear_attention(record, *(reason for reason in of_access if reason is not now))
    return add_attention(record, now, at=reading.asked_at) if now else record


def _told(record: Record, snapshot: Snapshot, *, plan: TrackingPlan, cause: Cause, at: datetime) -> Record:
    before = record.reads.snapshot
    snapshot = snapshot.with_details_of(before)
    if not snapshot.says_the_same_as(before):
        record = add_log_entry(record, EntryKind.READ, at=at, words=(snapshot.word, snapshot.code, cause))
    record = record.with_reads(record.reads.show(snapshot)).with_subject(record.subject.learn_from_read(snapshot))
    is_draft, artifacts = record.verdict.revision == 0, _of_this_round(record, snapshot)
    record = record.with_evidence(
        evidence.list_artifacts(record.evidence, artifacts, wanted=record.wanted, at=at, is_draft=is_draft)
    )
    record = clear_attention(list_recordings(record, at=at), Attention.DISAPPEARED)
    record = _explained(_addressed(record, snapshot, at=at), before, at=at)
    if _is_unrecognised(snapshot):
        record = add_attention(record, Attention.UNRECOGNISED_WORD, at=at)
    elif before is not None and _is_unrecognised(before) and not _is_of_unknown_kind(record):
        # What a callback said and nobody understood no read explains; it stays until there is a verdict.
        record = clear_attention(record, Attention.UNRECOGNISED_WORD)
    if snapshot.stage is Stage.CONCLUDED:
        return _concluded(record, snapshot, plan=plan, cause=cause, at=at)
    if snapshot.stage is Stage.UNRECOGNISED and record.is_concluded and not _ended_as_unknown(record):
        return record  # nobody knows whether such a word takes the verdict back, so a person is asked
    if record.is_concluded:
        return _reopened(record, snapshot, plan=plan, cause=cause, at=at)
    open_verdict = record.verdict.explain(snapshot.reasons, snapshot.advice).enter(snapshot.stage, at=at)
    return record.with_verdict(open_verdict)


def _of_this_round(record: Record, snapshot: Snapshot) -> tuple[Artifact, ...]:
    """Return the listed files under the names of this round: after a reopening the first ones must not hide others."""
    return tuple(artifact.in_round(record.verdict.round_number) for artifact in snapshot.artifacts)


def _addressed(record: Record, snapshot: Snapshot, *, at: datetime) -> Record:
    """Ask a person where the provider shows a recording and nobody told by which name it can be asked for."""
    has_some = any(row.kind is EvidenceKind.CALL_RECORDING and row.locator != UNLISTED for row in record.evidence)
    if snapshot.has_unaddressed_recording and not has_some:
        return add_attention(record, Attention.RECORDING_UNADDRESSED, at=at)
    return clear_attention(record, Attention.RECORDING_UNADDRESSED)


def _explained(record: Record, before: Snapshot | None, *, at: datetime) -> Record:
    """Ask a person where the details of a verdict have not come though they were asked for, until they come."""
    told = record.reads.snapshot
    lacks_still = told is not None and told.lacks_details and before is not None and told.has_the_end_of(before)
    if not lacks_still:
        return clear_attention(record, Attention.DETAILS_MISSING)
    until = record.reads.replay_until
    is_over = Replay.DETAILS in record.reads.replayed and (until is None or at >= until)
    return add_attention(record, Attention.DETAILS_MISSING, at=at) if is_over else record


def _is_of_unknown_kind(record: Record) -> bool:
    """Whether a callback named a kind of session that no verdict explains."""
    return record.subject.session_kind is SessionKind.UNRECOGNISED


def _is_unrecognised(snapshot: Snapshot) -> bool:
    return bool(snapshot.unrecognised) or snapshot.stage is Stage.UNRECOGNISED


_ENDED_BY_A_PERSON: Final = (Attention.DISAGREES_WITH_PERSON, Attention.SECOND_FINAL, Attention.UNRECOGNISED_WORD)
_ENDED_BY_A_VERDICT: Final = (
    Attention.CONTRADICTION,
    Attention.UNCONFIRMED_END,
    Attention.OVERDUE_APPLICANT,
    Attention.OVERDUE_REVIEW,
    Attention.SILENCE,
)


def _concluded(record: Record, snapshot: Snapshot, *, plan: TrackingPlan, cause: Cause, at: datetime) -> Record:
    verdict = _verdict_of(snapshot, Outcome(snapshot.ended) if snapshot.ended else Outcome.DECIDED)
    same_end = record.verdict.ends_as(verdict)
    if record.verdict.basis is Basis.PERSON and record.is_concluded:
        record = _confirmed(record, snapshot)
        return record if same_end else add_attention(record, Attention.DISAGREES_WITH_PERSON, at=at)
    if record.verdict.basis is Basis.CALLBACK and same_end:
        return clear_attention(record.with_verdict(record.verdict.take(verdict)), Attention.UNCONFIRMED_END)
    if record.verdict.holds(verdict) or (same_end and snapshot.lacks_details):
        return record
    record = clear_attention(record, *_ENDED_BY_A_VERDICT)
    if not same_end:
        record = record.with_reads(record.reads.forget_replays())
    if not (_is_unrecognised(snapshot) or _is_of_unknown_kind(record)):
        record = clear_attention(record, Attention.UNRECOGNISED_WORD)
    if _was_told_otherwise(record) and not same_end and not plan.finals_may_change:
        record = add_attention(record, Attention.SECOND_FINAL, at=at)
    return decide(_missed(record, cause), verdict, at=at, cause=cause)


def _confirmed(record: Record, snapshot: Snapshot) -> Record:
    """Take back what callbacks announced and a read now says too, though it decides nothing: it is no contradiction."""
    return record.with_callbacks(record.callbacks.confirm(snapshot.word))


def _missed(record: Record, cause: Cause) -> Record:
    """Count a callback as missed where we found by ourselves what it should have told."""
    # After the verdict, polls and last reads wait for files and for what a late callback was about.
    is_new = cause in {Cause.POLL, Cause.DEADLINE} and not record.is_concluded
    by_ourselves = cause in {Cause.RECHECK, Cause.DISCOVERY} or is_new
    if record.callbacks.announcements or not by_ourselves:
        return record
    return record.with_callbacks(record.callbacks.count_missed())


def _reopened(record: Record, snapshot: Snapshot, *, plan: TrackingPlan, cause: Cause, at: datetime) -> Record:
    """Go on with one that the provider now shows as open; what a person or our deadline ended stays ended."""
    if record.verdict.basis in {Basis.PERSON, Basis.DEADLINE}:
        return _confirmed(record, snapshot)
    if _was_told_otherwise(record) and not plan.finals_may_change:
        return add_attention(record, Attention.SECOND_FINAL, at=at)
    if record.verdict.basis is Basis.CALLBACK:
        record = clear_attention(add_attention(record, Attention.CONTRADICTION, at=at), Attention.UNCONFIRMED_END)
    record = decide(_missed(record, cause), _verdict_of(snapshot, None), at=at, cause=cause)
    return enter_stage(_with_fresh_deadline(record, plan=plan, at=at), snapshot.stage, at=at)


def _verdict_of(snapshot: Snapshot, outcome: Outcome | None) -> Verdict:
    return Verdict(
        outcome=outcome,
        decision=snapshot.decision,
        basis=Basis.READ,
        advice=snapshot.advice,
        reasons=snapshot.reasons,
        word=snapshot.word,
        code=snapshot.code,
        result=snapshot.result,
    )


def was_given_up(record: Record) -> bool:
    """Whether it ended by us alone, without a word of the provider's or a person's that could stand."""
    return record.verdict.outcome in {Outcome.TIMED_OUT, Outcome.UNKNOWN_TO_PROVIDER}


def resume(record: Record, *, plan: TrackingPlan, at: datetime, cause: Cause) -> Record:
    """Go on with one that we gave up, because a backend says that it exists."""
    basis = record.verdict.basis or Basis.DEADLINE
    record = decide(record, Verdict(outcome=None, basis=basis), at=at, cause=cause)
    stage = record.reads.snapshot.stage if record.reads.snapshot else Stage.AWAITING_APPLICANT
    open_stage = Stage.AWAITING_APPLICANT if stage is Stage.CONCLUDED else stage
    return enter_stage(_with_fresh_deadline(record, plan=plan, at=at), open_stage, at=at)


def _with_fresh_deadline(record: Record, *, plan: TrackingPlan, at: datetime) -> Record:
    """Begin the deadlines anew; one that the backend named stays while it lies ahead."""
    named_at = record.subject.registration.deadline_at if record.subject.registration else None
    due_at = named_at if named_at is not None and named_at > at else at + plan.deadline
    review_at = record.verdict.review_deadline_at
    review_at = review_at if review_at is not None and review_at > at else None
    return record.with_verdict(record.verdict.move_deadlines(due_at + plan.deadline_lag, review_at))


def _was_told_otherwise(record: Record) -> bool:
    """Whether the verdict that stands is the provider's own word."""
    return record.is_concluded and record.verdict.basis is Basis.READ and not _ended_as_unknown(record)


def _ended_as_unknown(record: Record) -> bool:
    return record.verdict.outcome is Outcome.UNKNOWN_TO_PROVIDER


def mark_deleted(record: Record, *, at: datetime, cause: Cause) -> Record:
    """Keep the verdict, or end without one, and give up the files: the provider has deleted it."""
    record = add_attention(record, Attention.DISAPPEARED, at=at)
    ended = record if record.is_concluded else mark_unknown_to_provider(record, at=at, cause=cause)
    return give_up_files(ended, LossReason.GONE, at=at)
