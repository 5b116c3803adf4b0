"""What is due by time alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from tests.domain.samples import (
    APPROVED,
    IN_REVIEW,
    PLAN,
    PORTRAIT,
    STARTED,
    T0,
    callback_event,
    fresh,
    read,
    registration,
    silent,
    status,
    told,
)
from vigil.domain.callbacks import apply_callback, apply_registration, await_repetition, note_replay
from vigil.domain.decisions import (
    apply_manual_decision,
    close_confirmation_window,
    mark_unknown_to_provider,
    time_out,
    withdraw,
)
from vigil.domain.record import Record, Replay
from vigil.domain.record_edits import add_attention, give_up_files
from vigil.domain.snapshot import Answer, ReviewExpiry
from vigil.domain.summary import summarize
from vigil.domain.terms import ArtifactState, Attention, Decision, EvidenceKind, LossReason, Outcome, ReasonCode
from vigil.domain.timers import TimerName, apply_timers, timers, wants_last_read
from vigil.domain.times import is_recheck_overdue, is_settled, rechecks_due, replay_wanted, unknown_from, wants_poll
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE
from vigil.domain.verdict import Cause

POLL_START, DEADLINE = T0 + 15 * MINUTE, T0 + 14 * DAY
REGISTERED = apply_registration(fresh(), registration(registered_at=T0 + MINUTE), plan=PLAN)
ANNOUNCED = apply_callback(REGISTERED, callback_event(status("OK"), at=T0 + HOUR))
NOT_READY = PORTRAIT.model_copy(update={"ready": False})
WAITING = read(REGISTERED, APPROVED.model_copy(update={"artifacts": (NOT_READY,)}), at=T0 + HOUR)
EXPECTING = registration(registered_at=T0 + MINUTE, expects=(EvidenceKind.CALL_RECORDING,))
HOPING = read(apply_registration(fresh(), EXPECTING, plan=PLAN), APPROVED, at=T0 + HOUR)
AVAILABLE = read(REGISTERED, APPROVED.model_copy(update={"artifacts": (PORTRAIT,)}), at=T0 + HOUR)
APPROVED_ONE = read(REGISTERED, APPROVED, at=T0 + HOUR)
LATE = apply_callback(APPROVED_ONE, callback_event(status("KO"), at=T0 + 3 * HOUR))
TIMED_OUT_AND_HEARD = apply_callback(time_out(REGISTERED, at=T0 + HOUR), callback_event(status("OK"), at=T0 + 3 * HOUR))
WITHDRAWN_AND_HEARD = apply_callback(
    withdraw(REGISTERED, author="checkout", at=T0 + HOUR), callback_event(status("OK"), at=T0 + 3 * HOUR)
)
UNANSWERED = read(LATE, silent(Answer.REFUSED, at=T0 + 3 * HOUR))


@pytest.mark.parametrize(
    ("record", "due"),
    [
        (fresh(), {"poll_start": POLL_START, "deadline": DEADLINE, "registration_grace": T0 + 15 * MINUTE}),
        (
            add_attention(fresh(), Attention.NEVER_REGISTERED, at=T0),
            {"poll_start": POLL_START, "deadline": DEADLINE},
        ),
        (
            read(add_attention(fresh(), Attention.NEVER_REGISTERED, at=T0), silent(Answer.NOT_FOUND)),
            {"poll_start": POLL_START, "deadline": DEADLINE, "unknown_to_provider": T0 + 15 * MINUTE},
        ),
        (REGISTERED, {"poll_start": POLL_START + MINUTE, "deadline": DEADLINE + MINUTE}),
        (
            ANNOUNCED,
            {
                "poll_start": POLL_START + MINUTE,
                "deadline": DEADLINE + MINUTE,
                "confirmation_window": T0 + HOUR + 30 * MINUTE,
            },
        ),
        (
            add_attention(ANNOUNCED, Attention.CONTRADICTION, at=T0 + HOUR + 30 * MINUTE),
            {"poll_start": POLL_START + MINUTE, "deadline": DEADLINE + MINUTE},
        ),
        (
            add_attention(ANNOUNCED, Attention.CONTRADICTION, at=T0),
            {
                "poll_start": POLL_START + MINUTE,
                "deadline": DEADLINE + MINUTE,
                "confirmation_window": T0 + HOUR + 30 * MINUTE,
            },
        ),
        (WAITING, {"late_files": T0 + HOUR + 2 * DAY}),
        (HOPING, {"late_files": T0 + HOUR + 2 * DAY}),
        (AVAILABLE, {}),
        (time_out(fresh(), at=T0), {}),
        (UNANSWERED, {"answer": T0 + 3 * HOUR + 2 * DAY}),
    ],
    ids=[
        "never registered",
        "looked at for that already",
        "looked at for that already and denied by the provider",
        "registered",
        "announced",
        "contradicted already",
        "contradicted before it was announced",
        "a listed file not ready",
        "a file that somebody expects",
        "a file to be downloaded",
        "timed out",
        "nobody answers what a late callback was about",
    ],
)
def test_what_is_due_by_time_alone(record: Record, due: Mapping[str, datetime]) -> None:
    assert {name.value: at for name, at in timers(record, PLAN).items()} == due


@pytest.mark.parametrize(
    ("record", "after", "wants"),
    [
        (REGISTERED, timedelta(0), False),
        (REGISTERED, 16 * MINUTE - timedelta(seconds=1), False),
        (REGISTERED, 16 * MINUTE, True),
        (apply_callback(REGISTERED, callback_event(status("OK"), at=T0)), timedelta(0), True),
        (read(REGISTERED, silent(Answer.REFUSED)), timedelta(0), True),
        (read(REGISTERED, silent(Answer.UNPROVEN)), timedelta(0), True),
        (read(REGISTERED, silent(Answer.UNREACHABLE)), timedelta(0), True),
        (read(REGISTERED, STARTED), timedelta(0), False),
        (WAITING, HOUR, True),
        (HOPING, HOUR, False),
        (AVAILABLE, HOUR, False),
        (UNANSWERED, 4 * HOUR, True),
        (UNANSWERED, 3 * HOUR + 2 * DAY, False),
        (read(TIMED_OUT_AND_HEARD, silent(Answer.NOT_READY, at=T0 + 3 * HOUR)), 4 * HOUR, True),
        (read(WITHDRAWN_AND_HEARD, silent(Answer.NOT_READY, at=T0 + 3 * HOUR)), 4 * HOUR, False),
        (read(APPROVED_ONE, silent(Answer.REFUSED, at=T0 + 3 * HOUR)), 4 * HOUR, False),
        (read(LATE, APPROVED, at=T0 + 4 * HOUR), 5 * HOUR, False),
    ],
    ids=[
        "just registered",
        "a second before it is overdue",
        "overdue",
        "an end is announced",
        "refused",
        "unproven",
        "unreachable",
        "told as open",
        "a listed file is not ready",
        "nobody has listed the expected file",
        "nothing to ask for",
        "nobody answers what a late callback was about",
        "nobody has answered it for too long",
        "what a callback after our deadline announced is not ready",
        "it is withdrawn",
        "nobody answers, and nothing was heard",
        "what a late callback was about is answered",
    ],
)
def test_a_poll_is_wanted_when_the_callback_is_overdue_or_an_answer_is_owed(
    record: Record, after: timedelta, *, wants: bool
) -> None:
    assert wants_poll(record, PLAN, T0 + after) is wants


@pytest.mark.parametrize(
    ("record", "settled"),
    [
        (fresh(), False),
        (read(fresh(), APPROVED), True),
        (AVAILABLE, False),
        (WAITING, False),
        (give_up_files(AVAILABLE, LossReason.GONE, at=T0), True),
        (time_out(fresh(), at=T0), True),
        (UNANSWERED, False),
    ],
    ids=["open", "no files", "a file to download", "a file to come", "the file is lost", "timed out", "unanswered"],
)
def test_it_is_settled_with_an_outcome_and_nothing_to_do_about_files(record: Record, *, settled: bool) -> None:
    assert is_settled(record, PLAN, T0 + 4 * HOUR) is settled


DENIED = read(fresh(), silent(Answer.NOT_FOUND, at=T0 + MINUTE))
DENIED_AND_ANNOUNCED = apply_callback(DENIED, callback_event(status("CANCELED", end=Outcome.CANCELED), at=T0 + MINUTE))


@pytest.mark.parametrize(
    ("record", "at"),
    [
        (DENIED, T0 + 15 * MINUTE),
        (add_attention(DENIED, Attention.NEVER_REGISTERED, at=T0), T0 + 15 * MINUTE),
        (DENIED_AND_ANNOUNCED, None),
        (
            close_confirmation_window(
                apply_callback(DENIED, callback_event(status("OK"), at=T0 + MINUTE)), at=T0 + HOUR
            ),
            T0 + 15 * MINUTE,
        ),
        (fresh(), None),
        (read(fresh(), STARTED), None),
        (read(read(fresh(), STARTED), silent(Answer.NOT_FOUND, at=T0 + MINUTE)), None),
        (read(REGISTERED, silent(Answer.NOT_FOUND, at=T0 + MINUTE)), None),
        (time_out(DENIED, at=T0 + MINUTE), None),
    ],
    ids=[
        "denied",
        "adopted and denied",
        "an end is announced",
        "what was announced is judged",
        "never asked",
        "told",
        "told before",
        "registered",
        "ended",
    ],
)
def test_what_nobody_registered_and_the_provider_denies_is_unknown_after_its_grace_unless_an_end_is_announced(
    record: Record, at: datetime | None
) -> None:
    assert unknown_from(record, PLAN) == at


def test_a_grace_that_has_ended_is_not_due_again_while_an_announced_end_is_to_be_judged() -> None:
    record = add_attention(DENIED_AND_ANNOUNCED, Attention.NEVER_REGISTERED, at=T0 + 15 * MINUTE)
    assert {due.value for due in timers(record, PLAN)} == {"poll_start", "deadline", "confirmation_window"}


DELETING = PLAN.model_copy(update={"not_found_is_deleted_after": 20 * MINUTE})
MISSING = read(read(REGISTERED, STARTED), silent(Answer.NOT_FOUND, at=T0 + HOUR))
STILL_MISSING = read(MISSING, silent(Answer.NOT_FOUND, at=T0 + 2 * HOUR))


@pytest.mark.parametrize(
    ("record", "due"),
    [
        (MISSING, T0 + HOUR + 20 * MINUTE),
        (STILL_MISSING, T0 + HOUR + 20 * MINUTE),
        (read(MISSING, STARTED, at=T0 + 2 * HOUR), None),
        (read(MISSING, silent(Answer.UNREACHABLE, at=T0 + 2 * HOUR)), None),
        (read(REGISTERED, silent(Answer.NOT_FOUND, at=T0 + HOUR)), None),
        (apply_callback(MISSING, callback_event(status("CANCELED"), at=T0 + HOUR)), T0 + HOUR + 30 * MINUTE),
        (read(AVAILABLE, silent(Answer.NOT_FOUND, at=T0 + 2 * HOUR)), T0 + 2 * HOUR + 20 * MINUTE),
        (read(APPROVED_ONE, silent(Answer.NOT_FOUND, at=T0 + 2 * HOUR)), None),
    ],
    ids=[
        "not found",
        "not found again",
        "found again",
        "nobody knows",
        "never found",
        "a callback announced something",
        "a file is to come",
        "nothing is to come",
    ],
)
def test_what_is_not_found_for_long_is_deleted(record: Record, due: datetime | None) -> None:
    assert timers(record, DELETING).get(TimerName.DELETION) == due
    assert TimerName.DELETION not in timers(record, PLAN)


def test_a_verification_that_only_a_callback_opened_is_overdue_from_when_it_was_first_received() -> None:
    record = apply_callback(fresh(at=T0 - HOUR), callback_event(status("OK", looks="open"), at=T0))
    assert timers(record, PLAN)[TimerName.POLL_START] == POLL_START


def test_a_summary_has_the_timers_that_are_set() -> None:
    assert summarize(ANNOUNCED, PLAN).timers == {
        "poll_start": POLL_START + MINUTE,
        "deadline": DEADLINE + MINUTE,
        "confirmation_window": T0 + HOUR + 30 * MINUTE,
    }


RECHECKING = PLAN.model_copy(update={"reopens": (HOUR, DAY)})


@pytest.mark.parametrize(
    ("record", "after", "due"),
    [
        (APPROVED_ONE, timedelta(0), (T0 + 2 * HOUR, T0 + HOUR + DAY)),
        (APPROVED_ONE, 2 * HOUR, (T0 + HOUR + DAY,)),
        (APPROVED_ONE, HOUR + DAY, ()),
        (
            apply_manual_decision(REGISTERED, Decision.APPROVED, ReasonCode.OTHER, author="ada", at=T0 + HOUR),
            timedelta(0),
            (T0 + 2 * HOUR, T0 + HOUR + DAY),
        ),
        (REGISTERED, timedelta(0), ()),
        (time_out(REGISTERED, at=T0 + HOUR), timedelta(0), ()),
        (withdraw(REGISTERED, author="checkout", at=T0 + HOUR), timedelta(0), ()),
        (mark_unknown_to_provider(fresh(), at=T0 + HOUR, cause=Cause.DEADLINE), timedelta(0), ()),
    ],
    ids=["told", "once read again", "old", "decided by a person", "open", "timed out", "withdrawn", "unknown"],
)
def test_a_verdict_of_the_provider_or_a_person_is_read_again_at_its_ages(
    record: Record, after: timedelta, due: tuple[datetime, ...]
) -> None:
    assert rechecks_due(record, RECHECKING, T0 + after) == due
    assert rechecks_due(record, PLAN, T0) == ()


@pytest.mark.parametrize(
    ("record", "after", "overdue"),
    [
        (APPROVED_ONE, timedelta(minutes=119), False),
        (APPROVED_ONE, 2 * HOUR, True),
        (APPROVED_ONE, 3 * DAY, True),
        (read(APPROVED_ONE, APPROVED, at=T0 + 2 * HOUR), 24 * HOUR, False),
        (read(APPROVED_ONE, APPROVED, at=T0 + 2 * HOUR), 25 * HOUR, True),
        (withdraw(REGISTERED, author="checkout", at=T0), 3 * DAY, False),
        (REGISTERED, 3 * DAY, False),
    ],
)
def test_an_age_that_passed_without_a_read_since_is_overdue(record: Record, after: timedelta, overdue: object) -> None:
    assert is_recheck_overdue(record, RECHECKING, T0 + after) is overdue
    assert is_recheck_overdue(record, PLAN, T0 + after) is False


BARE = read(REGISTERED, APPROVED.model_copy(update={"lacks_details": True}))
EXPIRED = give_up_files(AVAILABLE, LossReason.LINK_EXPIRED, at=T0 + HOUR)


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        (BARE, Replay.DETAILS),
        (note_replay(BARE, Replay.DETAILS, at=T0), None),
        (EXPIRED, Replay.LINKS),
        (note_replay(EXPIRED, Replay.LINKS, at=T0), None),
        (note_replay(EXPIRED, Replay.DETAILS, at=T0), Replay.LINKS),
        (give_up_files(AVAILABLE, LossReason.GONE, at=T0 + HOUR), None),
        (APPROVED_ONE, None),
        (read(REGISTERED, STARTED), None),
    ],
)
def test_a_callback_is_asked_for_once_for_each_thing_that_only_callbacks_have(
    record: Record, wanted: Replay | None
) -> None:
    detailed = PLAN.model_copy(update={"details_in_callbacks": True})
    assert replay_wanted(record, detailed) is wanted
    assert replay_wanted(record, PLAN) is None


def test_a_replay_waits_half_an_hour_for_the_sender_to_repeat_a_callback_that_was_not_stored() -> None:
    detailed = PLAN.model_copy(update={"details_in_callbacks": True})
    unstored = callback_event(status("OK"), at=T0 + 2 * HOUR).model_copy(update={"receipt": None})
    spent = note_replay(BARE, Replay.DETAILS, at=T0 + HOUR)
    given_back = await_repetition(spent, unstored)
    complete = await_repetition(APPROVED_ONE, unstored)

    assert replay_wanted(given_back, detailed) is Replay.DETAILS
    assert timers(given_back, detailed)[TimerName.REPLAY] == T0 + 2 * HOUR + 30 * MINUTE
    assert not is_settled(given_back, detailed, T0 + 3 * HOUR)
    assert TimerName.REPLAY not in timers(note_replay(given_back, Replay.DETAILS, at=T0 + 3 * HOUR), detailed)
    assert TimerName.REPLAY not in timers(spent, detailed)
    assert TimerName.REPLAY not in timers(complete, detailed)


WINDOW_END = T0 + HOUR + 30 * MINUTE
CANCELED = apply_callback(REGISTERED, callback_event(status("CANCELED", end=Outcome.CANCELED), at=T0 + HOUR))
UNCONFIRMED = read(CANCELED, silent(Answer.NOT_READY, at=WINDOW_END))


@pytest.mark.parametrize(
    ("read_at", "ends", "asks"),
    [
        (None, None, True),
        (WINDOW_END - timedelta(seconds=1), None, True),
        (WINDOW_END, Outcome.CANCELED, False),
    ],
    ids=["no read is answered", "the newest answer is older", "the answer is of the end of the window"],
)
def test_a_timer_that_ends_a_verification_waits_for_the_answer_to_a_last_read(
    read_at: datetime | None, ends: Outcome | None, *, asks: bool
) -> None:
    assert wants_last_read(UNCONFIRMED, PLAN, now=WINDOW_END, read_at=read_at) is asks
    assert apply_timers(UNCONFIRMED, PLAN, now=WINDOW_END, read_at=read_at).verdict.outcome == ends


def test_a_timer_does_nothing_and_wants_nothing_before_its_time() -> None:
    early = WINDOW_END - timedelta(seconds=1)
    assert apply_timers(UNCONFIRMED, PLAN, now=early, read_at=early) == UNCONFIRMED
    assert not wants_last_read(UNCONFIRMED, PLAN, now=early, read_at=None)


def test_an_announced_end_is_judged_before_a_deadline_that_passed_at_the_same_time() -> None:
    late = DEADLINE + DAY
    ended = apply_timers(UNCONFIRMED, PLAN, now=late, read_at=late)
    assert (ended.verdict.outcome, ended.verdict.revision) == (Outcome.CANCELED, 1)


def test_a_denied_verification_whose_announced_end_is_disputed_is_unknown_in_the_same_turn() -> None:
    late = T0 + HOUR
    disputed = read(
        apply_callback(DENIED, callback_event(status("OK"), at=T0 + MINUTE)), silent(Answer.NOT_FOUND, at=late)
    )
    ended = apply_timers(disputed, PLAN, now=late, read_at=late)
    assert ended.verdict.outcome is Outcome.UNKNOWN_TO_PROVIDER
    assert {note.reason for note in ended.attention} == {Attention.NEVER_REGISTERED, Attention.CONTRADICTION}


def test_missing_files_are_given_up_without_a_last_read() -> None:
    given_up_at = T0 + HOUR + 2 * DAY
    rows = apply_timers(WAITING, PLAN, now=given_up_at, read_at=None).evidence
    assert [(row.state, row.loss) for row in rows] == [(ArtifactState.LOST, LossReason.NOT_DELIVERED)]
    assert not wants_last_read(WAITING, PLAN, now=given_up_at, read_at=None)


@pytest.mark.parametrize(("answer", "ends"), [(Answer.UNREACHABLE, None), (Answer.ANSWERED, Outcome.EXPIRED)])
def test_a_review_expires_only_where_the_provider_answers_that_it_still_waits(
    answer: Answer, ends: Outcome | None
) -> None:
    waits = IN_REVIEW.model_copy(update={"review_expires_to": ReviewExpiry(ended=Outcome.EXPIRED)})
    over = T0 + HOUR + PLAN.review_deadline
    record = read(REGISTERED, waits, at=T0 + HOUR)
    record = read(record, told(waits, at=over) if answer is Answer.ANSWERED else silent(answer, at=over))
    assert apply_timers(record, PLAN, now=over, read_at=over).verdict.outcome == ends
