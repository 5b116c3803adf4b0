"""What a read, a person, a callback's window or a deadline decides."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.domain.samples import (
    APPROVED,
    DECLINED,
    IN_REVIEW,
    PLAN,
    PORTRAIT,
    REOPENING_PLAN,
    STARTED,
    T0,
    callback_event,
    ended,
    fresh,
    read,
    registration,
    silent,
    status,
    told,
)
from vigil.domain.callback_event import RoomChanged
from vigil.domain.callbacks import apply_callback, apply_registration, note_replay
from vigil.domain.decisions import (
    apply_manual_decision,
    close_confirmation_window,
    expire_review,
    mark_unknown_to_provider,
    resume,
    time_out,
    withdraw,
)
from vigil.domain.record import Record, Replay
from vigil.domain.record_edits import give_up_files
from vigil.domain.snapshot import Answer, Drift, ReadResult, Reason, ReviewExpiry, Snapshot
from vigil.domain.terms import (
    Advice,
    ArtifactState,
    Attention,
    Basis,
    Decision,
    Ended,
    EvidenceKind,
    LossReason,
    Outcome,
    Proof,
    ReasonCode,
    Stage,
)
from vigil.domain.timers import TimerName, timers
from vigil.domain.times import confirmation_until, replay_wanted, review_until
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, TrackingPlan
from vigil.domain.verdict import Cause

Ending = tuple[Stage, Decision | None, Outcome | None, Basis | None, int]
LATER = T0 + HOUR


def ending(record: Record) -> Ending:
    return (
        record.verdict.stage,
        record.verdict.decision,
        record.verdict.outcome,
        record.verdict.basis,
        record.verdict.revision,
    )


def reasons_to_look(record: Record) -> set[Attention | str]:
    return {note.reason for note in record.attention}


def announced(end: Ended | None, *, proof: Proof = Proof.SECRET, record: Record | None = None) -> Record:
    word = end.upper() if end else "OK"
    return apply_callback(record or fresh(), callback_event(status(word, end=end), proof=proof))


APPROVED_WITH_FILE = APPROVED.model_copy(update={"artifacts": (PORTRAIT,)})


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (STARTED, ("awaiting_applicant", None, None, None, 0)),
        (IN_REVIEW, ("in_review", None, None, None, 0)),
        (APPROVED, ("concluded", "approved", "decided", "read", 1)),
        (DECLINED, ("concluded", "declined", "decided", "read", 1)),
        (ended(Outcome.FAILED), ("concluded", None, "failed", "read", 1)),
        (ended(Outcome.CANCELED), ("concluded", None, "canceled", "read", 1)),
        (ended(Outcome.EXPIRED), ("concluded", None, "expired", "read", 1)),
    ],
)
def test_what_the_provider_reports_is_where_a_new_verification_stands(snapshot: Snapshot, expected: Ending) -> None:
    assert ending(read(fresh(), snapshot)) == expected


def test_an_unknown_word_is_never_a_verdict_and_asks_a_person() -> None:
    record = read(fresh(), Snapshot(stage=Stage.UNRECOGNISED, unrecognised=(Drift(field="status", value="BLUE"),)))
    assert ending(record) == ("unrecognised", None, None, None, 0)
    assert reasons_to_look(record) == {Attention.UNRECOGNISED_WORD}
    assert reasons_to_look(read(record, STARTED, at=LATER)) == set()


def test_an_unknown_word_that_was_received_asks_a_person_until_there_is_a_verdict() -> None:
    record = read(apply_callback(fresh(), callback_event(status("BLUE", looks="unrecognised"))), STARTED, at=LATER)
    assert reasons_to_look(record) == {Attention.UNRECOGNISED_WORD}
    assert reasons_to_look(read(record, APPROVED, at=LATER + HOUR)) == set()


def test_an_unknown_word_beside_a_verdict_goes_on_asking_a_person() -> None:
    drifted = APPROVED.model_copy(update={"unrecognised": (Drift(field="colour", value="BLUE"),)})
    assert reasons_to_look(read(fresh(), drifted)) == {Attention.UNRECOGNISED_WORD}


def test_an_unknown_word_that_comes_after_the_verdict_is_settled_by_a_person() -> None:
    record = read(
        apply_callback(read(fresh(), APPROVED), callback_event(status("BLUE", looks="unrecognised"), at=LATER)),
        APPROVED,
    )
    assert reasons_to_look(record) == {Attention.UNRECOGNISED_WORD}
    settled = apply_manual_decision(record, Decision.APPROVED, ReasonCode.OTHER, author="anna", at=LATER)
    assert reasons_to_look(settled) == set()


@pytest.mark.parametrize(
    "answer", [Answer.NOT_READY, Answer.NOT_FOUND, Answer.REFUSED, Answer.UNPROVEN, Answer.UNREACHABLE]
)
def test_an_answer_that_shows_nothing_leaves_a_new_verification_where_it_stands(answer: Answer) -> None:
    assert ending(read(fresh(), silent(answer))) == ("awaiting_applicant", None, None, None, 0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer.REFUSED, Attention.PROVIDER_REFUSES_US),
        (Answer.UNPROVEN, Attention.REPLY_UNPROVEN),
        (Answer.UNREACHABLE, Attention.PROVIDER_UNREACHABLE),
    ],
)
def test_trouble_in_asking_is_an_attention_until_an_answer_comes(answer: Answer, reason: Attention) -> None:
    record = read(fresh(), silent(answer))
    assert reasons_to_look(record) == {reason}
    assert reasons_to_look(read(record, STARTED, at=LATER)) == set()


def test_an_answer_over_our_limit_asks_an_operator_and_does_not_blame_the_provider() -> None:
    over = ReadResult(asked_at=LATER, answer=Answer.UNREACHABLE, word="answer_too_large")
    record = read(read(fresh(), silent(Answer.UNREACHABLE)), over, at=LATER)

    assert reasons_to_look(record) == {Attention.OVER_OUR_LIMIT}
    assert reasons_to_look(read(record, STARTED, at=LATER)) == set()


def test_the_reasons_and_the_advice_of_an_open_answer_last_as_long_as_it_does() -> None:
    wanting = STARTED.model_copy(
        update={"reasons": (Reason(code=ReasonCode.MORE_INFORMATION),), "advice": Advice.ASK_AGAIN}
    )
    record = read(fresh(), wanting)
    assert [reason.code for reason in record.verdict.reasons] == ["more_information"]
    assert record.verdict.advice == "ask_again"
    record = read(record, IN_REVIEW, at=LATER)
    assert (record.verdict.reasons, record.verdict.advice) == ((), "none")


def test_the_same_verdict_read_again_is_no_new_revision() -> None:
    record = read(fresh(), APPROVED)
    again = read(record, APPROVED, at=LATER)
    assert ending(again) == ending(record)
    assert again.verdict.revisions == record.verdict.revisions


def test_two_different_finals_are_two_revisions_and_an_attention_where_finals_may_not_change() -> None:
    record = read(read(fresh(), APPROVED), DECLINED, at=LATER)
    assert ending(record) == ("concluded", "declined", "decided", "read", 2)
    assert [(revision.number, revision.decision) for revision in record.verdict.revisions] == [
        (1, "approved"),
        (2, "declined"),
    ]
    assert reasons_to_look(record) == {Attention.SECOND_FINAL}


def test_two_different_finals_are_no_incident_where_finals_may_change() -> None:
    first = read(fresh(), APPROVED, plan=REOPENING_PLAN)
    record = read(first, DECLINED, at=LATER, plan=REOPENING_PLAN)
    assert ending(record) == ("concluded", "declined", "decided", "read", 2)
    assert reasons_to_look(record) == set()


def test_a_final_that_opens_again_takes_the_verdict_back_where_finals_may_change() -> None:
    first = read(fresh(), APPROVED, plan=REOPENING_PLAN)
    record = read(first, IN_REVIEW, at=LATER, plan=REOPENING_PLAN)
    assert ending(record) == ("in_review", None, None, "read", 2)
    assert record.verdict.deadline_at == LATER + 14 * DAY
    assert record.verdict.decided_at is None
    assert [revision.decision for revision in record.verdict.revisions] == ["approved", None]


def test_a_final_that_opens_again_keeps_its_verdict_and_asks_a_person_where_finals_may_not_change() -> None:
    record = read(read(fresh(), APPROVED), STARTED, at=LATER)
    assert ending(record) == ("concluded", "approved", "decided", "read", 1)
    assert reasons_to_look(record) == {Attention.SECOND_FINAL}


def test_a_persons_decision_stays_and_a_differing_read_asks_a_person() -> None:
    person = apply_manual_decision(fresh(), Decision.APPROVED, ReasonCode.OTHER, author="ada", at=T0)
    assert ending(person) == ("concluded", "approved", "decided", "person", 1)
    assert person.verdict.revisions[0].author == "ada"
    record = read(person, DECLINED, at=LATER)
    assert ending(record) == ending(person)
    assert reasons_to_look(record) == {Attention.DISAGREES_WITH_PERSON}


def test_a_read_that_agrees_with_a_person_asks_nobody() -> None:
    person = apply_manual_decision(fresh(), Decision.APPROVED, ReasonCode.OTHER, author="ada", at=T0)
    assert reasons_to_look(read(person, APPROVED, at=LATER)) == set()


def test_a_person_may_accept_what_the_provider_says_otherwise() -> None:
    person = apply_manual_decision(fresh(), Decision.APPROVED, ReasonCode.OTHER, author="ada", at=T0)
    disagreeing = read(person, DECLINED, at=LATER)
    record = apply_manual_decision(disagreeing, Decision.DECLINED, ReasonCode.SPOOF, author="bob", at=LATER)
    assert ending(record) == ("concluded", "declined", "decided", "person", 2)
    assert reasons_to_look(record) == set()


@pytest.mark.parametrize(
    ("snapshot", "waited_for"),
    [
        (STARTED, Attention.OVERDUE_APPLICANT),
        (IN_REVIEW, Attention.OVERDUE_REVIEW),
        (Snapshot(stage=Stage.PROCESSING), Attention.SILENCE),
    ],
)
def test_our_deadline_says_who_was_waited_for(snapshot: Snapshot, waited_for: Attention) -> None:
    record = time_out(read(fresh(), snapshot), at=LATER)
    assert ending(record) == ("concluded", None, "timed_out", "deadline", 1)
    assert reasons_to_look(record) == {waited_for}
    assert record.verdict.advice == "new_attempt"


def test_a_decision_after_our_deadline_is_revision_two_and_nobody_is_overdue_any_more() -> None:
    record = read(time_out(read(fresh(), STARTED), at=LATER), APPROVED, at=LATER + HOUR)
    assert ending(record) == ("concluded", "approved", "decided", "read", 2)
    assert reasons_to_look(record) == set()


def test_an_open_answer_after_our_deadline_does_not_open_it_again() -> None:
    record = read(time_out(fresh(), at=LATER), STARTED, at=LATER + HOUR)
    assert ending(record) == ("concluded", None, "timed_out", "deadline", 1)


def test_one_that_was_unknown_to_the_provider_takes_its_verdict_without_an_incident() -> None:
    unknown = mark_unknown_to_provider(fresh(), at=T0, cause=Cause.POLL)
    assert ending(unknown) == ("concluded", None, "unknown_to_provider", "read", 1)
    record = read(unknown, APPROVED, at=LATER)
    assert ending(record) == ("concluded", "approved", "decided", "read", 2)
    assert reasons_to_look(record) == set()


def test_one_that_was_unknown_to_the_provider_goes_on_when_the_provider_shows_it_as_open() -> None:
    record = read(mark_unknown_to_provider(fresh(), at=T0, cause=Cause.POLL), STARTED, at=LATER)
    assert ending(record) == ("awaiting_applicant", None, None, "read", 2)
    assert record.verdict.deadline_at == LATER + 14 * DAY
    assert reasons_to_look(record) == set()


def test_one_that_is_gone_before_any_verdict_is_unknown_to_the_provider() -> None:
    record = read(fresh(), silent(Answer.GONE))
    assert ending(record) == ("concluded", None, "unknown_to_provider", "read", 1)
    assert reasons_to_look(record) == {Attention.DISAPPEARED}


def test_one_that_is_not_found_for_a_moment_after_its_verdict_loses_no_file_by_it() -> None:
    record = read(read(fresh(), APPROVED_WITH_FILE), silent(Answer.NOT_FOUND, at=LATER))
    assert ending(record) == ("concluded", "approved", "decided", "read", 1)
    assert [(row.state, row.loss) for row in record.evidence] == [("available", None)]
    assert reasons_to_look(record) == {Attention.DISAPPEARED}
    assert reasons_to_look(read(record, APPROVED_WITH_FILE, at=LATER + HOUR)) == set()


def test_one_that_is_gone_after_its_verdict_keeps_it_and_loses_the_files_not_yet_stored() -> None:
    record = read(read(fresh(), APPROVED_WITH_FILE), silent(Answer.GONE, at=LATER))
    assert ending(record) == ("concluded", "approved", "decided", "read", 1)
    assert [(row.state, row.loss) for row in record.evidence] == [("lost", "gone")]
    assert reasons_to_look(record) == {Attention.DISAPPEARED, Attention.EVIDENCE_LOST}


def test_one_that_was_announced_and_is_not_found_any_more_stays_open_and_asks_a_person() -> None:
    record = read(read(fresh(), STARTED), silent(Answer.NOT_FOUND, at=LATER))
    assert ending(record) == ("awaiting_applicant", None, None, None, 0)
    assert reasons_to_look(record) == {Attention.DISAPPEARED}
    assert reasons_to_look(read(record, STARTED, at=LATER + HOUR)) == set()


@pytest.mark.parametrize("end", [Outcome.CANCELED, Outcome.FAILED, Outcome.EXPIRED])
@pytest.mark.parametrize("proof", [Proof.SECRET, Proof.SIGNED_BODY])
@pytest.mark.parametrize("answer", [Answer.NOT_READY, Answer.NOT_FOUND, Answer.GONE])
def test_one_proven_end_that_no_read_contradicts_is_accepted(end: Ended, proof: Proof, answer: Answer) -> None:
    record = read(announced(end, proof=proof), silent(answer, at=T0 + MINUTE))
    record = close_confirmation_window(record, at=LATER)
    assert ending(record) == ("concluded", None, end, "callback", 1)
    assert reasons_to_look(record) - {Attention.DISAPPEARED} == {Attention.UNCONFIRMED_END}
    assert record.verdict.revisions[0].word == end.upper()


def test_one_that_is_gone_while_callbacks_announce_its_end_stays_open_until_that_is_judged() -> None:
    record = read(announced(Outcome.CANCELED), silent(Answer.GONE, at=T0 + MINUTE))
    assert (record.verdict.outcome, reasons_to_look(record)) == (None, {Attention.DISAPPEARED})
    assert (
        timers(record, PLAN)[TimerName.DELETION]
        == timers(record, PLAN)[TimerName.CONFIRMATION_WINDOW]
        == T0 + 30 * MINUTE
    )
    disputed = close_confirmation_window(announced(Outcome.FAILED, record=record), at=T0 + 30 * MINUTE)
    assert TimerName.CONFIRMATION_WINDOW not in timers(disputed, PLAN)
    assert timers(disputed, PLAN)[TimerName.DELETION] == T0 + 30 * MINUTE
    assert read(disputed, silent(Answer.GONE, at=LATER)).verdict.outcome == "unknown_to_provider"


def _contradictions() -> dict[str, Record]:
    canceled = announced(Outcome.CANCELED)
    not_ready = silent(Answer.NOT_READY, at=T0 + MINUTE)
    return {
        "the proof does not bind the body": read(announced(Outcome.CANCELED, proof=Proof.UNBOUND), not_ready),
        "two different ends": read(announced(Outcome.FAILED, record=canceled), not_ready),
        "an end and a decision": read(announced(None, record=canceled), not_ready),
        "a decision": read(announced(None), not_ready),
        "the read shows it as open": read(canceled, STARTED, at=T0 + MINUTE),
        "never asked": canceled,
        "asked only before": read(canceled, silent(Answer.NOT_READY, at=T0 - MINUTE)),
        "the provider refuses us": read(canceled, silent(Answer.REFUSED, at=T0 + MINUTE)),
        "the provider is unreachable": read(canceled, silent(Answer.UNREACHABLE, at=T0 + MINUTE)),
    }


@pytest.mark.parametrize("case", sorted(_contradictions()))
def test_everything_else_that_callbacks_announce_is_a_contradiction_for_a_person(case: str) -> None:
    before = _contradictions()[case]
    record = close_confirmation_window(before, at=LATER)
    assert ending(record) == ending(before)
    assert record.verdict.outcome is None
    assert Attention.CONTRADICTION in reasons_to_look(record)


@pytest.mark.parametrize("unproven", [Proof.NONE, Proof.STALE, Proof.UNBOUND])
def test_what_anybody_may_have_announced_beside_a_proven_end_does_not_undo_it(unproven: Proof) -> None:
    record = announced(Outcome.CANCELED, record=announced(Outcome.FAILED, proof=unproven))
    record = close_confirmation_window(read(record, silent(Answer.NOT_READY, at=T0 + MINUTE)), at=LATER)
    assert ending(record) == ("concluded", None, "canceled", "callback", 1)
    assert record.verdict.revisions[0].word == "CANCELED"


def test_announcements_without_a_secret_leave_room_for_a_proven_one() -> None:
    record = fresh()
    for number in range(20):
        record = apply_callback(record, callback_event(status(f"WORD{number}"), proof=Proof.UNBOUND))
    record = announced(Outcome.CANCELED, record=record)
    assert [one.word for one in record.callbacks.announcements if one.proof.may_end] == ["CANCELED"]


@pytest.mark.parametrize("by_a_person", ["resolved", "withdrawn"])
def test_what_a_read_confirms_against_a_person_is_a_disagreement_and_no_contradiction(by_a_person: str) -> None:
    record = read(fresh(), APPROVED)
    if by_a_person == "resolved":
        record = apply_manual_decision(record, Decision.APPROVED, ReasonCode.OTHER, author="anna", at=LATER)
    else:
        record = withdraw(read(fresh(), STARTED), author="checkout", at=LATER)
    record = apply_callback(record, callback_event(status("KO"), at=LATER + MINUTE), finals_may_change=True)
    record = read(record, DECLINED, at=LATER + 2 * MINUTE, plan=REOPENING_PLAN)

    assert record.verdict.basis is Basis.PERSON
    assert reasons_to_look(record) == {Attention.DISAGREES_WITH_PERSON}
    assert confirmation_until(record, REOPENING_PLAN) is None


def test_what_no_read_confirms_against_a_person_stays_announced() -> None:
    record = apply_manual_decision(
        read(fresh(), APPROVED), Decision.APPROVED, ReasonCode.OTHER, author="anna", at=LATER
    )
    record = apply_callback(record, callback_event(status("KO"), at=LATER + MINUTE), finals_may_change=True)
    record = read(record, APPROVED, at=LATER + 2 * MINUTE, plan=REOPENING_PLAN)

    assert confirmation_until(record, REOPENING_PLAN) == LATER + MINUTE + REOPENING_PLAN.confirmation_window


def test_a_contradiction_ends_with_the_verdict_that_a_read_brings() -> None:
    record = close_confirmation_window(read(announced(Outcome.CANCELED), STARTED, at=T0 + MINUTE), at=LATER)
    record = read(record, ended(Outcome.CANCELED), at=LATER)
    assert ending(record) == ("concluded", None, "canceled", "read", 1)
    assert reasons_to_look(record) == set()


def _unconfirmed() -> Record:
    return close_confirmation_window(
        read(announced(Outcome.CANCELED), silent(Answer.NOT_READY, at=T0 + MINUTE)), at=LATER
    )


def test_after_a_reopening_that_contradicts_an_end_a_newly_announced_end_is_judged_again() -> None:
    record = read(_unconfirmed(), STARTED, at=LATER + HOUR)
    assert reasons_to_look(record) == {Attention.CONTRADICTION}
    seen = status("CANCELED", end=Outcome.CANCELED)
    record = apply_callback(record, callback_event(seen, at=LATER + 2 * HOUR))
    assert timers(record, PLAN)[TimerName.CONFIRMATION_WINDOW] == LATER + 2 * HOUR + 30 * MINUTE

    record = read(record, silent(Answer.NOT_READY, at=LATER + 2 * HOUR + MINUTE))
    confirmed = close_confirmation_window(record, at=LATER + 3 * HOUR)
    assert ending(confirmed)[:4] == ("concluded", None, "canceled", "callback")


def test_a_second_contradiction_ends_the_second_window() -> None:
    record = close_confirmation_window(announced(None), at=LATER)
    record = apply_callback(record, callback_event(status("KO"), at=LATER + HOUR))
    assert timers(record, PLAN)[TimerName.CONFIRMATION_WINDOW] == LATER + HOUR + 30 * MINUTE

    record = close_confirmation_window(record, at=LATER + 2 * HOUR)
    assert TimerName.CONFIRMATION_WINDOW not in timers(record, PLAN)
    assert reasons_to_look(record) == {Attention.CONTRADICTION}


def test_a_read_confirms_an_end_that_was_taken_from_a_callback_without_a_new_revision() -> None:
    record = read(_unconfirmed(), ended(Outcome.CANCELED), at=LATER + HOUR)
    assert ending(record) == ("concluded", None, "canceled", "read", 1)
    assert reasons_to_look(record) == set()


def test_a_read_that_denies_an_end_taken_from_a_callback_decides() -> None:
    record = read(_unconfirmed(), APPROVED, at=LATER + HOUR)
    assert ending(record) == ("concluded", "approved", "decided", "read", 2)
    assert reasons_to_look(record) == set()


def test_a_read_that_shows_as_open_what_a_callback_ended_opens_it_again_and_asks_a_person() -> None:
    record = read(_unconfirmed(), STARTED, at=LATER + HOUR)
    assert ending(record) == ("awaiting_applicant", None, None, "read", 2)
    assert reasons_to_look(record) == {Attention.CONTRADICTION}


def test_a_withdrawal_ends_it_and_names_its_author() -> None:
    record = withdraw(fresh(), author="checkout", at=LATER)
    assert ending(record) == ("concluded", None, "withdrawn", "person", 1)
    assert (record.verdict.revisions[0].cause, record.verdict.revisions[0].author) == ("command", "checkout")


@pytest.mark.parametrize(
    ("snapshot", "stage"), [(None, "awaiting_applicant"), (IN_REVIEW, "in_review"), (APPROVED, "awaiting_applicant")]
)
def test_one_that_is_resumed_is_open_with_a_fresh_deadline(snapshot: Snapshot | None, stage: Stage) -> None:
    before = read(fresh(), snapshot) if snapshot else fresh()
    record = resume(time_out(before, at=LATER), plan=PLAN, at=LATER + HOUR, cause=Cause.COMMAND)
    assert (record.verdict.stage, record.verdict.outcome, record.verdict.decision) == (stage, None, None)
    assert record.verdict.deadline_at == LATER + HOUR + 14 * DAY


def test_one_that_is_resumed_keeps_the_deadline_that_its_backend_named_while_that_lies_ahead() -> None:
    ended = time_out(apply_registration(fresh(), registration(deadline_at=LATER + DAY), plan=PLAN), at=LATER)
    soon = resume(ended, plan=PLAN, at=LATER + HOUR, cause=Cause.COMMAND)
    late = resume(ended, plan=PLAN, at=LATER + 2 * DAY, cause=Cause.COMMAND)
    assert (soon.verdict.deadline_at, late.verdict.deadline_at) == (LATER + DAY, LATER + 16 * DAY)


@pytest.mark.parametrize(
    ("record", "cause", "missed"),
    [
        (fresh(), Cause.POLL, 1),
        (fresh(), Cause.DEADLINE, 1),
        (fresh(), Cause.DISCOVERY, 1),
        (fresh(), Cause.CALLBACK, 0),
        (fresh(), Cause.COMMAND, 0),
        (fresh(), Cause.REGISTRATION, 0),
        (announced(None), Cause.POLL, 0),
        (announced(None), Cause.DEADLINE, 0),
        (read(fresh(), APPROVED), Cause.POLL, 0),
        (read(fresh(), DECLINED), Cause.RECHECK, 1),
        (read(fresh(), DECLINED), Cause.POLL, 0),
        (read(fresh(), DECLINED), Cause.DEADLINE, 0),
    ],
    ids=[
        "a poll was first",
        "the last read before a deadline was first",
        "the provider's list was first",
        "a callback asked for the read",
        "a person asked for the read",
        "a registration asked for the read",
        "a callback had announced it to a poll",
        "a callback had announced it to the last read",
        "it was known",
        "a recheck found another verdict",
        "a poll for files found another verdict",
        "a last read after the verdict found another",
    ],
)
def test_a_callback_is_missed_when_we_found_the_verdict_by_ourselves(record: Record, cause: Cause, missed: int) -> None:
    after = read(record, APPROVED, at=LATER, cause=cause)
    assert after.callbacks.missed == missed


def test_a_verdict_settles_what_callbacks_had_announced() -> None:
    assert read(announced(None), APPROVED, at=LATER).callbacks.announcements == ()


def test_giving_up_only_expected_files_leaves_the_available_ones() -> None:
    video = PORTRAIT.model_copy(update={"name": "video-1", "ready": False})
    record = read(fresh(), APPROVED.model_copy(update={"artifacts": (PORTRAIT, video)}))
    record = give_up_files(record, LossReason.NOT_DELIVERED, at=LATER, only=ArtifactState.EXPECTED)
    assert [(row.name, row.state, row.loss) for row in record.evidence] == [
        ("portrait-1", "available", None),
        ("video-1", "lost", "not_delivered"),
    ]
    assert reasons_to_look(record) == {Attention.EVIDENCE_LOST}


def test_a_file_that_nobody_wanted_is_no_loss_to_look_at() -> None:
    record = read(apply_registration(fresh(), registration(evidence="none"), plan=PLAN), APPROVED_WITH_FILE)
    assert [row.loss for row in record.evidence] == ["not_wanted"]
    assert reasons_to_look(record) == set()


def test_a_read_asked_at_the_same_instant_as_the_last_one_is_applied() -> None:
    assert read(read(fresh(), told(STARTED)), APPROVED).verdict.decision == "approved"


def test_one_that_opens_again_waits_a_whole_review_even_if_the_named_time_for_it_has_passed() -> None:
    named = apply_registration(fresh(), registration(review_deadline_at=T0 + MINUTE), plan=REOPENING_PLAN)
    waiting = IN_REVIEW.model_copy(update={"review_expires_to": ReviewExpiry(decision=Decision.INCONCLUSIVE)})
    record = read(read(named, APPROVED, plan=REOPENING_PLAN), waiting, at=LATER, plan=REOPENING_PLAN)
    assert review_until(record, REOPENING_PLAN) == LATER + REOPENING_PLAN.review_deadline


def test_another_verdict_without_details_is_asked_to_be_sent_again_too() -> None:
    plan = REOPENING_PLAN.model_copy(update={"details_in_callbacks": True})
    bare = {"lacks_details": True}
    first = read(fresh(), APPROVED.model_copy(update=bare), plan=plan)
    asked = note_replay(first, Replay.DETAILS, at=T0)
    second = read(asked, DECLINED.model_copy(update=bare), at=LATER, plan=plan)
    assert replay_wanted(asked, plan) is None
    assert replay_wanted(second, plan) is Replay.DETAILS


def test_details_that_still_lack_after_they_were_asked_for_ask_a_person_until_they_come() -> None:
    plan = REOPENING_PLAN.model_copy(update={"details_in_callbacks": True})
    bare = APPROVED.model_copy(update={"lacks_details": True})
    asked = note_replay(read(fresh(), bare, plan=plan), Replay.DETAILS, at=T0)
    still = read(asked, bare, at=LATER, plan=plan)
    assert reasons_to_look(asked) == set()
    assert reasons_to_look(still) == {Attention.DETAILS_MISSING}
    assert reasons_to_look(read(still, APPROVED, at=LATER, plan=plan)) == set()


def test_another_verdict_is_no_lack_of_what_was_asked_for_before() -> None:
    plan = REOPENING_PLAN.model_copy(update={"details_in_callbacks": True})
    first, second = (each.model_copy(update={"lacks_details": True}) for each in (APPROVED, DECLINED))
    asked = note_replay(read(fresh(), first, plan=plan), Replay.DETAILS, at=T0)
    assert reasons_to_look(read(asked, second, at=LATER, plan=plan)) == set()


def test_details_that_are_missing_and_a_lost_file_ask_for_two_reasons() -> None:
    bare = APPROVED_WITH_FILE.model_copy(update={"lacks_details": True})
    asked = note_replay(read(fresh(), bare), Replay.DETAILS, at=T0)
    record = give_up_files(read(asked, bare, at=LATER), LossReason.GONE, at=LATER)
    assert reasons_to_look(record) == {Attention.DETAILS_MISSING, Attention.EVIDENCE_LOST}
    assert reasons_to_look(read(record, APPROVED, at=LATER)) == {Attention.EVIDENCE_LOST}


def test_details_that_were_missing_of_another_verdict_ask_nobody_any_more() -> None:
    first, second = (each.model_copy(update={"lacks_details": True}) for each in (APPROVED, DECLINED))
    asked = note_replay(read(fresh(), first, plan=REOPENING_PLAN), Replay.DETAILS, at=T0)
    missing = read(asked, first, at=LATER, plan=REOPENING_PLAN)
    assert reasons_to_look(missing) == {Attention.DETAILS_MISSING}
    assert reasons_to_look(read(missing, second, at=LATER, plan=REOPENING_PLAN)) == set()


EXPLAINED = APPROVED.model_copy(
    update={"reasons": (Reason(code=ReasonCode.PROVISIONAL),), "unrecognised": (Drift(field="colour", value="BLUE"),)}
)
BARE = APPROVED.model_copy(update={"lacks_details": True})


def test_an_answer_that_lacks_details_keeps_those_of_the_same_verdict() -> None:
    record = read(read(fresh(), EXPLAINED), BARE, at=LATER)
    assert record.reads.snapshot == EXPLAINED
    assert (record.verdict.revision, reasons_to_look(record)) == (1, {Attention.UNRECOGNISED_WORD})


def test_an_unknown_word_in_an_answer_that_lacks_details_asks_a_person() -> None:
    drifted = BARE.model_copy(update={"unrecognised": (Drift(field="part", value="new"),)})
    record = read(read(fresh(), APPROVED), drifted, at=LATER)
    assert reasons_to_look(record) == {Attention.UNRECOGNISED_WORD}
    assert record.verdict.revision == 1


def test_two_answers_that_lack_details_keep_at_most_twenty_unknown_words() -> None:
    drifts = [
        tuple(Drift(field="part", value=f"{prefix}-{number}") for number in range(20)) for prefix in ("new", "newer")
    ]
    first, second = (BARE.model_copy(update={"unrecognised": some}) for some in drifts)
    record = read(read(fresh(), first), second, at=LATER)
    assert record.reads.snapshot is not None
    assert record.reads.snapshot.unrecognised == drifts[0]


def test_an_unknown_word_after_a_known_open_one_asks_a_person() -> None:
    processing = Snapshot(stage=Stage.PROCESSING, word="processing")
    strange = Snapshot(
        stage=Stage.UNRECOGNISED, word="complete", unrecognised=(Drift(field="status", value="complete"),)
    )
    record = read(read(fresh(), processing), strange, at=LATER)
    assert record.reads.snapshot == strange
    assert ending(record) == ("unrecognised", None, None, None, 0)
    assert reasons_to_look(record) == {Attention.UNRECOGNISED_WORD}


@pytest.mark.parametrize("plan", [PLAN, REOPENING_PLAN], ids=["finals stay", "finals may change"])
def test_an_unknown_word_after_a_verdict_keeps_it_and_asks_a_person_until_a_known_word_comes(
    plan: TrackingPlan,
) -> None:
    archived = Snapshot(stage=Stage.UNRECOGNISED, word="archived")
    approved = read(fresh(), APPROVED, plan=plan)
    record = read(approved, archived, at=LATER, plan=plan)
    assert ending(record) == ("concluded", "approved", "decided", "read", 1)
    assert record.verdict.deadline_at == approved.verdict.deadline_at
    assert reasons_to_look(record) == {Attention.UNRECOGNISED_WORD}
    again = read(record, APPROVED, at=LATER + HOUR, plan=plan)
    assert (ending(again), reasons_to_look(again)) == (ending(record), set())


def test_an_unknown_word_after_a_verdict_does_not_take_its_reasons_where_details_come_by_callback() -> None:
    record = read(fresh(), EXPLAINED.model_copy(update={"unrecognised": ()}), plan=REOPENING_PLAN)
    record = read(record, Snapshot(stage=Stage.UNRECOGNISED, word="archived"), at=LATER, plan=REOPENING_PLAN)
    record = read(record, BARE, at=LATER + HOUR, plan=REOPENING_PLAN)
    assert record.verdict.revision == 1
    assert [reason.code for reason in record.verdict.reasons] == ["provisional"]


def test_a_word_that_nobody_knows_still_shows_that_the_provider_knows_the_verification() -> None:
    unknown = mark_unknown_to_provider(fresh(), at=T0, cause=Cause.POLL)
    record = read(unknown, Snapshot(stage=Stage.UNRECOGNISED, word="archived"), at=LATER)
    assert ending(record) == ("unrecognised", None, None, "read", 2)


@pytest.mark.parametrize(
    ("stage", "ends"),
    [
        (Stage.CONCLUDED, {}),
        (Stage.CONCLUDED, {"decision": Decision.APPROVED, "ended": Outcome.FAILED}),
        (Stage.PROCESSING, {"decision": Decision.APPROVED}),
        (Stage.UNRECOGNISED, {"ended": Outcome.CANCELED}),
        (Stage.PROCESSING, {"lacks_details": True}),
    ],
)
def test_an_answer_that_is_no_verdict_and_one_with_half_of_it_cannot_be_made(
    stage: Stage, ends: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        Snapshot(stage=stage, **ends)


@pytest.mark.parametrize("ends", [{}, {"decision": Decision.APPROVED, "ended": Outcome.FAILED}])
def test_a_review_deadline_brings_a_decision_or_an_end(ends: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReviewExpiry(**ends)


def test_an_answer_that_lacks_details_says_the_same_as_the_one_whose_details_it_would_keep() -> None:
    assert BARE.says_the_same_as(EXPLAINED)
    assert not EXPLAINED.says_the_same_as(BARE)
    assert not BARE.says_the_same_as(DECLINED)
    assert not BARE.says_the_same_as(STARTED)


@pytest.mark.parametrize(
    ("expiry", "expected"),
    [
        (ReviewExpiry(decision=Decision.INCONCLUSIVE), ("concluded", "inconclusive", "decided", "deadline", 1)),
        (ReviewExpiry(ended=Outcome.FAILED), ("concluded", None, "failed", "deadline", 1)),
    ],
)
def test_a_review_that_nobody_makes_ends_as_the_provider_said_that_it_then_does(
    expiry: ReviewExpiry, expected: Ending
) -> None:
    said = expiry.model_copy(
        update={"advice": Advice.NEW_ATTEMPT, "reasons": (Reason(code=ReasonCode.AUTHORITY_UNAVAILABLE),)}
    )
    waiting = IN_REVIEW.model_copy(update={"review_expires_to": said, "code": "1022", "result": "results/1"})
    record = expire_review(read(fresh(), waiting), at=LATER)
    assert ending(record) == expected
    assert record.verdict.advice == "new_attempt"
    assert [reason.code for reason in record.verdict.reasons] == ["authority_unavailable"]
    assert reasons_to_look(record) == {Attention.OVERDUE_REVIEW}
    revision = record.verdict.revisions[0]
    assert (revision.word, revision.code, revision.result) == ("manual_check", "1022", "results/1")
    assert (revision.cause, revision.at) == (Cause.DEADLINE, LATER)


def test_a_verification_that_waits_for_no_review_has_none_to_expire() -> None:
    with pytest.raises(AssertionError):
        expire_review(read(fresh(), IN_REVIEW), at=LATER)


@pytest.mark.parametrize(
    ("looks", "attention"), [("final", {Attention.CONTRADICTION}), ("open", set()), ("reopened", set())]
)
def test_a_word_after_a_verdict_that_no_read_confirms_asks_a_person_only_if_it_was_final(
    looks: Any, attention: set[Attention]
) -> None:
    event = callback_event(status("KO", looks=looks), at=LATER)
    record = apply_callback(read(fresh(), APPROVED), event, finals_may_change=True)
    closed = close_confirmation_window(record, at=LATER + HOUR)
    assert ending(closed) == ("concluded", "approved", "decided", "read", 1)
    assert (closed.callbacks.announcements, reasons_to_look(closed)) == ((), attention)


def _contradicted() -> Record:
    record = apply_callback(read(fresh(), APPROVED), callback_event(status("KO"), at=LATER), finals_may_change=True)
    return close_confirmation_window(record, at=LATER + HOUR)


@pytest.mark.parametrize(
    ("record", "before"),
    [
        (_contradicted(), Attention.CONTRADICTION),
        (time_out(read(fresh(), STARTED), at=LATER), Attention.OVERDUE_APPLICANT),
        (time_out(read(fresh(), IN_REVIEW), at=LATER), Attention.OVERDUE_REVIEW),
        (time_out(read(fresh(), Snapshot(stage=Stage.PROCESSING)), at=LATER), Attention.SILENCE),
        (_unconfirmed(), Attention.UNCONFIRMED_END),
        (read(read(fresh(), APPROVED), DECLINED, at=LATER), Attention.SECOND_FINAL),
    ],
)
def test_a_persons_decision_answers_what_a_person_was_asked(record: Record, before: Attention) -> None:
    assert reasons_to_look(record) == {before}
    settled = apply_manual_decision(record, Decision.APPROVED, ReasonCode.OTHER, author="ada", at=LATER)
    assert reasons_to_look(settled) == set()


def test_a_recording_that_is_spoken_of_and_cannot_be_asked_for_asks_a_person_until_it_has_a_name() -> None:
    spoken_of = APPROVED.model_copy(update={"has_unaddressed_recording": True})
    expecting = apply_registration(fresh(), registration(expects=(EvidenceKind.CALL_RECORDING,)), plan=PLAN)
    for record in (read(fresh(), spoken_of), read(expecting, spoken_of)):
        assert Attention.RECORDING_UNADDRESSED in reasons_to_look(record)
        named = apply_callback(record, callback_event(RoomChanged(room="r1", room_status="ended", file_id="vf-1")))
        assert Attention.RECORDING_UNADDRESSED not in reasons_to_look(read(named, spoken_of, at=LATER))
        assert Attention.RECORDING_UNADDRESSED not in reasons_to_look(read(record, APPROVED, at=LATER))
