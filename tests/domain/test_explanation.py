"""What a person who is woken at night reads."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.samples import (
    APPROVED,
    IN_REVIEW,
    PLAN,
    PORTRAIT,
    REOPENING_PLAN,
    SECOND,
    STARTED,
    T0,
    callback_event,
    fresh,
    read,
    registration,
    silent,
    status,
)
from vigil.domain.attention import what_attention_means
from vigil.domain.callbacks import apply_callback, apply_registration
from vigil.domain.decisions import close_confirmation_window
from vigil.domain.explanation import explain
from vigil.domain.record import Record
from vigil.domain.record_edits import add_attention
from vigil.domain.situation import PendingStep, PendingTask, Queue, Situation
from vigil.domain.snapshot import Answer, Snapshot
from vigil.domain.summary import Summary, summarize
from vigil.domain.terms import Actor, ArtifactState, Attention, Decision, Outcome, Stage, who_acts
from vigil.domain.timers import TimerName
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, TrackingPlan

NOW = T0 + 2 * HOUR
BUSY = Queue(name="verifications", last_asked_at=NOW - 5 * SECOND)
POLL = PendingStep(
    step="poll",
    queue="provider/acme",
    attempt=7,
    is_running=False,
    next_at=NOW + 3 * MINUTE,
    last_answer="answered:STARTED",
)
SERVED = (BUSY, Queue(name="provider/acme", last_asked_at=NOW - SECOND))


def known(record: Record | None = None) -> Record:
    return apply_registration(record or fresh(), registration(deadline_at=T0 + 14 * DAY), plan=PLAN)


def looked_at(record: Record, plan: TrackingPlan = PLAN, **changes: object) -> Situation:
    shape: dict[str, object] = {"summary": summarize(record, plan), "is_open": True, "queues": SERVED}
    return Situation.model_validate(shape | changes)


def test_a_queue_that_nobody_polls_is_our_fault_and_is_named() -> None:
    situation = looked_at(known(), queues=(Queue(name="verifications", last_asked_at=None),))
    explanation = explain(situation, plan=PLAN, now=NOW)
    assert explanation.sentence == "no worker polls `verifications`: start a worker"
    assert (explanation.cause, explanation.actor) == ("ours", "operator")


def test_a_queue_that_fell_silent_is_named_with_the_length_of_the_silence() -> None:
    silent = Queue(name="provider/acme", last_asked_at=NOW - 7 * MINUTE)
    explanation = explain(looked_at(known(), steps=(POLL,), queues=(BUSY, silent)), plan=PLAN, now=NOW)
    assert explanation.sentence == "no worker has polled `provider/acme` for 7 min: start a worker"


@pytest.mark.parametrize(
    ("queue", "sentence"),
    [
        (
            Queue(name="verifications", last_asked_at=None, idle_builds=("b1",)),
            "no build is current, so the workers of b1 get no work from `verifications`: run `vigil deploy current b1`",
        ),
        (
            Queue(name="verifications", last_asked_at=NOW - 76 * SECOND, current_build="b2", idle_builds=("b1", "b3")),
            (
                "no worker of the current build b2 polls `verifications`, and those of b1 and b3 get no work: "
                "start its workers, or run `vigil deploy current b3`"
            ),
        ),
    ],
)
def test_workers_of_a_build_that_gets_no_work_are_named(queue: Queue, sentence: str) -> None:
    explanation = explain(looked_at(known(), queues=(queue,)), plan=PLAN, now=NOW)
    assert (explanation.sentence, explanation.actor) == (sentence, "operator")


def test_an_earlier_build_that_is_kept_until_it_is_drained_is_no_fault() -> None:
    queue = Queue(name="verifications", last_asked_at=NOW - 70 * SECOND, current_build="b2", idle_builds=("b1",))
    assert explain(looked_at(known(), queues=(queue,)), plan=PLAN, now=NOW).cause == "theirs"


@pytest.mark.parametrize(("silence", "cause"), [(75 * SECOND, "theirs"), (76 * SECOND, "ours")])
def test_a_worker_is_missed_once_it_has_not_asked_for_75_seconds(silence: timedelta, cause: str) -> None:
    queue = Queue(name="verifications", last_asked_at=NOW - silence)
    assert explain(looked_at(known(), queues=(queue,)), plan=PLAN, now=NOW).cause == cause


def test_a_workflow_task_that_fails_again_and_again_is_our_fault_with_count_and_time() -> None:
    task = PendingTask(attempt=213, is_running=False, since=datetime.fromisoformat("2031-03-04T02:10:00+00:00"))
    explanation = explain(looked_at(known(), task=task), plan=PLAN, now=NOW)
    assert explanation.sentence == (
        "its workflow task has failed 212 times since 2031-03-04 02:10:00 UTC: look at the worker's log"
    )
    assert explanation.cause == "ours"


def test_a_task_that_nobody_takes_is_our_fault() -> None:
    task = PendingTask(attempt=1, is_running=False, since=NOW - 11 * SECOND)
    silent = Queue(name="verifications", last_asked_at=NOW - 40 * SECOND)
    explanation = explain(looked_at(known(), task=task, queues=(silent,)), plan=PLAN, now=NOW)
    assert explanation.sentence == "no worker has polled `verifications` for 40 s: start a worker"


def test_before_the_callback_is_overdue_it_waits_for_the_applicant_and_then_asks() -> None:
    explanation = explain(looked_at(known()), plan=PLAN, now=T0 + MINUTE)
    assert explanation.sentence == (
        "the applicant has not finished; a callback is awaited until 2031-03-04 09:15:00 UTC, then we ask"
    )
    assert explanation.next_event == "we start to ask the provider"
    assert explanation.next_at == T0 + 15 * MINUTE
    assert (explanation.actor, explanation.cause) == ("applicant", "theirs")


def test_a_sleeping_poll_is_reported_with_its_last_answer_and_its_next_time() -> None:
    explanation = explain(looked_at(known(), steps=(POLL,)), plan=PLAN, now=NOW)
    assert explanation.sentence == "the applicant has not finished; polls go every 5 min, then 1 h"
    assert (explanation.next_event, explanation.next_at) == ("we ask the provider", NOW + 3 * MINUTE)
    assert explanation.notes == ("poll: attempt 7, next at 2031-03-04 11:03:00 UTC, last answer answered:STARTED",)


def test_a_read_that_runs_is_the_next_event_now() -> None:
    running = POLL.model_copy(update={"is_running": True})
    explanation = explain(looked_at(known(), steps=(running,)), plan=PLAN, now=NOW)
    assert (explanation.next_event, explanation.next_at) == ("we are asking the provider now", NOW)


def test_a_provider_that_refuses_us_is_our_own_fault_and_an_operator_must_act() -> None:
    record = add_attention(known(), Attention.PROVIDER_REFUSES_US, at=T0)
    explanation = explain(looked_at(record, steps=(POLL,)), plan=PLAN, now=NOW)
    assert explanation.sentence == (
        "the provider refuses our credentials: fix the account's settings; polls go every 5 min, then 1 h"
    )
    assert (explanation.actor, explanation.cause) == ("operator", "ours")
    assert explanation.notes[0] == (
        "provider_refuses_us: the provider refuses our credentials: fix the account's settings (operator acts)"
    )


def test_an_announced_end_is_reported_with_the_window_for_confirming_it() -> None:
    record = apply_callback(
        known(read(fresh(), STARTED)), callback_event(status("CANCELED", end=Outcome.CANCELED), at=NOW)
    )
    explanation = explain(looked_at(record), plan=PLAN, now=NOW)
    assert explanation.sentence == (
        "an end was announced; the provider's answers do not show it yet;"
        " polls go every 1 min until 2031-03-04 11:30:00 UTC"
    )
    assert (explanation.actor, explanation.cause) == ("provider", "theirs")
    assert explanation.next_at == NOW + 30 * MINUTE


def test_a_window_that_has_closed_is_no_next_event() -> None:
    record = apply_callback(known(read(fresh(), STARTED)), callback_event(status("CANCELED", end=Outcome.CANCELED)))
    record = close_confirmation_window(record, at=T0 + HOUR)
    explanation = explain(looked_at(record), plan=PLAN, now=NOW)
    assert (explanation.next_event, explanation.next_at) == ("our deadline ends it", T0 + 14 * DAY)


def test_one_that_is_concluded_shows_how_many_files_are_still_to_come() -> None:
    video = PORTRAIT.model_copy(update={"name": "video-1", "ready": False})
    record = read(known(), APPROVED.model_copy(update={"artifacts": (PORTRAIT, video)}), at=NOW)
    explanation = explain(looked_at(record), plan=PLAN, now=NOW)
    assert explanation.sentence == "it is concluded (decided approved); 2 files are still to come"
    assert (explanation.next_event, explanation.next_at) == ("we stop waiting for late files", NOW + 2 * DAY)


def test_a_download_that_is_tried_again_is_the_next_event_of_a_concluded_one() -> None:
    record = read(known(), APPROVED.model_copy(update={"artifacts": (PORTRAIT,)}), at=NOW)
    download = PendingStep(step="download", queue="artifacts", attempt=3, is_running=False, next_at=NOW + MINUTE)
    explanation = explain(looked_at(record, steps=(download,)), plan=PLAN, now=NOW)
    assert explanation.sentence == "it is concluded (decided approved); 1 file is still to come"
    assert (explanation.next_event, explanation.next_at) == ("download, attempt 4", NOW + MINUTE)


APPROVED_ONE = read(known(), APPROVED, at=T0 + HOUR)
RETRACTED = apply_callback(APPROVED_ONE, callback_event(status("KO"), at=NOW), finals_may_change=True)


def test_a_concluded_one_whose_late_callback_opened_a_window_is_explained_with_the_end_of_the_window() -> None:
    explanation = explain(looked_at(RETRACTED, REOPENING_PLAN), plan=REOPENING_PLAN, now=NOW)
    assert explanation.sentence == (
        "it is concluded (decided approved); no file is still to come;"
        " an end is announced, so polls go every 1 min until 2031-03-04 11:30:00 UTC"
    )
    assert explanation.next_event == "the window for confirming the announced end closes"
    assert explanation.next_at == NOW + 30 * MINUTE


def test_a_poll_before_the_end_of_the_window_is_the_next_event() -> None:
    situation = looked_at(RETRACTED, REOPENING_PLAN, steps=(POLL,))
    explanation = explain(situation, plan=REOPENING_PLAN, now=NOW)
    assert (explanation.next_event, explanation.next_at) == ("we ask the provider", NOW + 3 * MINUTE)


def test_a_concluded_one_whose_late_callback_nobody_explains_is_asked_about_until_the_end_of_that() -> None:
    record = read(apply_callback(APPROVED_ONE, callback_event(status("KO"), at=NOW)), silent(Answer.NOT_READY, at=NOW))
    explanation = explain(looked_at(record), plan=PLAN, now=NOW)
    assert explanation.sentence == (
        "it is concluded (decided approved); no file is still to come; the provider does not explain a late callback,"
        " so polls go every 5 min, then 1 h until 2031-03-06 11:00:00 UTC"
    )
    assert explanation.next_event == "we stop asking the provider about the late callback"
    assert explanation.next_at == NOW + 2 * DAY


@pytest.mark.parametrize("snapshot", [STARTED, APPROVED.model_copy(update={"artifacts": (PORTRAIT,)})])
def test_one_that_the_provider_no_longer_finds_is_explained_with_the_time_at_which_it_counts_as_deleted(
    snapshot: Snapshot,
) -> None:
    plan = PLAN.model_copy(update={"not_found_is_deleted_after": 20 * MINUTE})
    record = read(read(known(), snapshot, at=T0 + HOUR), silent(Answer.NOT_FOUND, at=NOW))
    explanation = explain(looked_at(record, plan), plan=plan, now=NOW)
    assert explanation.next_event == "it counts as deleted, since the provider no longer knows it"
    assert explanation.next_at == NOW + 20 * MINUTE


def test_a_discovered_one_that_the_provider_shows_is_not_explained_with_the_end_of_its_grace() -> None:
    record = add_attention(read(fresh(), STARTED), Attention.NEVER_REGISTERED, at=T0)
    explanation = explain(looked_at(record), plan=PLAN, now=T0 + 15 * MINUTE)
    assert (explanation.next_event, explanation.next_at) == ("our deadline ends it", T0 + 14 * DAY)


def test_storage_that_does_not_answer_is_our_fault_and_nobody_elses() -> None:
    write = PendingStep(
        step="write_record", queue="verifications", attempt=7, is_running=False, last_answer="StorageUnavailable"
    )
    explanation = explain(looked_at(known(), steps=(write,), queues=(BUSY,)), plan=PLAN, now=NOW)
    assert explanation.sentence == "storage gives no usable answer: fix it, or look at [storage] url"
    assert (explanation.cause, explanation.actor) == ("ours", "operator")
    assert explanation.next_event == "storage answers again"


def test_one_that_is_complete_waits_for_nothing_even_when_no_worker_is_alive() -> None:
    queues = (Queue(name="verifications", last_asked_at=None),)
    explanation = explain(looked_at(read(known(), APPROVED), is_open=False, queues=queues), plan=PLAN, now=NOW)
    assert explanation.sentence == "it is complete: decided approved"
    assert (explanation.next_event, explanation.next_at, explanation.actor) == (None, None, None)


def test_one_that_no_worker_has_looked_at_says_so() -> None:
    explanation = explain(Situation(summary=None, is_open=True, queues=(BUSY,)), plan=PLAN, now=NOW)
    assert explanation.sentence == "it has been accepted and no worker has looked at it yet"
    assert (explanation.next_event, explanation.next_at) == ("a worker takes it up", NOW)


@pytest.mark.parametrize("reason", list(Attention))
def test_while_anything_else_is_wrong_nobody_blames_the_applicant(reason: Attention) -> None:
    explanation = explain(looked_at(add_attention(known(), reason, at=T0)), plan=PLAN, now=NOW)
    assert explanation.sentence == f"{what_attention_means(reason)}; polls go every 5 min, then 1 h"
    assert explanation.actor == who_acts(reason)


def test_a_reason_of_a_later_release_is_no_fault_of_the_applicant() -> None:
    summary = summarize(known(), PLAN).model_copy(update={"attention": ("moon_phase",)})
    explanation = explain(looked_at(known(), summary=summary), plan=PLAN, now=NOW)
    assert explanation.sentence.startswith("a person should look, for a reason that this release does not know; ")
    assert explanation.actor == "operator"


def test_an_error_of_ours_at_a_read_is_not_taken_for_silence_of_the_provider() -> None:
    read_step = POLL.model_copy(update={"step": "read", "last_answer": "KeyError", "is_troubled": True})
    explanation = explain(looked_at(known(), steps=(read_step,)), plan=PLAN, now=NOW)
    assert explanation.sentence.startswith(
        "our request to the provider fails (KeyError): look at the worker's log; polls"
    )
    assert (explanation.actor, explanation.cause) == ("operator", "ours")


@pytest.mark.parametrize("stage", [IN_REVIEW, STARTED])
def test_a_read_in_trouble_counts_more_than_a_poll_that_sleeps(stage: Snapshot) -> None:
    read_step = POLL.model_copy(update={"step": "read", "last_answer": "read_timeout", "is_troubled": True})
    explanation = explain(looked_at(read(known(), stage), steps=(POLL, read_step)), plan=PLAN, now=NOW)
    assert explanation.sentence.startswith("the provider does not answer (read_timeout); polls")
    assert (explanation.actor, explanation.cause) == ("provider", "theirs")


def test_a_concluded_one_does_not_complete_while_an_unread_signal_waits() -> None:
    record = add_attention(APPROVED_ONE, Attention.UNREADABLE_SIGNAL, at=NOW)
    explanation = explain(looked_at(record), plan=PLAN, now=NOW)
    assert explanation.sentence == (
        "it is concluded (decided approved); a registration or report came that this release of the worker cannot read"
    )
    assert (explanation.next_event, explanation.next_at) == ("a worker of a later release reads it", None)
    assert (explanation.actor, explanation.cause) == ("operator", "ours")


@pytest.mark.parametrize("reason", list(Attention))
def test_every_attention_has_a_meaning(reason: Attention) -> None:
    assert what_attention_means(reason)


around_now = st.timedeltas(-30 * DAY, 30 * DAY).map(lambda offset: NOW + offset)
steps = st.builds(
    PendingStep,
    step=st.sampled_from(["read", "poll", "download"]),
    queue=st.sampled_from(["verifications", "provider/acme", "artifacts"]),
    attempt=st.integers(1, 500),
    is_running=st.booleans(),
    scheduled_at=st.none() | around_now,
    next_at=st.none() | around_now,
    last_answer=st.none() | st.sampled_from(["answered:STARTED", "not_found:http_404", "http_503", "KeyError"]),
    is_troubled=st.booleans(),
)
summaries = st.builds(
    Summary,
    account=st.just("acme"),
    provider=st.just("invented"),
    environment=st.just("sandbox"),
    applicant=st.none(),
    sender=st.none(),
    stage=st.sampled_from(Stage),
    decision=st.none() | st.sampled_from(Decision),
    outcome=st.none() | st.sampled_from(Outcome),
    basis=st.none(),
    revision=st.integers(0, 9),
    sequence=st.integers(1, 9),
    registered=st.booleans(),
    fingerprint=st.just({}),
    attention=st.lists(st.sampled_from(Attention), unique=True).map(tuple),
    steps=st.just((1, 7)),
    evidence=st.dictionaries(st.sampled_from(ArtifactState), st.integers(1, 9)),
    opened_at=around_now,
    stage_entered_at=around_now,
    deadline_at=around_now,
    timers=st.dictionaries(st.sampled_from([*TimerName, "a_timer_of_tomorrow"]), around_now),
    heard=st.integers(0, 9),
    last_callback_at=st.none() | around_now,
)
situations = st.builds(
    Situation,
    summary=st.none() | summaries,
    is_open=st.just(value=True),
    steps=st.lists(steps, max_size=4).map(tuple),
    task=st.none() | st.builds(PendingTask, attempt=st.integers(1, 300), is_running=st.booleans(), since=around_now),
    queues=st.lists(
        st.builds(Queue, name=st.sampled_from(["verifications", "artifacts"]), last_asked_at=st.none() | around_now),
        max_size=3,
    ).map(tuple),
)


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(situations)
def test_every_open_verification_has_a_next_event_with_a_time_or_waits_for_us(situation: Situation) -> None:
    explanation = explain(situation, plan=PLAN, now=NOW)
    assert explanation.sentence
    assert explanation.next_event
    if explanation.next_at is None:
        assert (explanation.cause, explanation.actor) == ("ours", Actor.OPERATOR)
    else:
        assert explanation.next_at >= NOW
    if situation.summary is not None and situation.summary.outcome is None:
        assert explanation.actor is not None
        assert explanation.cause in {"ours", "theirs"}


def denied(record: Record, *, at: datetime = T0 + MINUTE) -> Record:
    """The record after a read that did not find it."""
    record = read(record, silent(Answer.NOT_FOUND, at=at))
    return record.with_reads(record.reads.note_denial(at=at))


def test_a_reference_that_the_provider_does_not_know_is_not_blamed_on_the_applicant() -> None:
    explanation = explain(looked_at(denied(known()), steps=(POLL,)), plan=PLAN, now=NOW)
    assert explanation.sentence == (
        "invented (sandbox) has not known this reference since 2031-03-04 09:01:00 UTC: "
        "compare the reference and the environment; polls go every 5 min, then 1 h"
    )
    assert (explanation.actor, explanation.cause) == ("backend", "theirs")


def test_a_reader_who_may_see_the_reference_is_told_which_one_is_not_known() -> None:
    situation = looked_at(denied(known()), steps=(POLL,)).model_copy(update={"reference": "9988{x}"})
    assert explain(situation, plan=PLAN, now=NOW).sentence.startswith(
        "invented (sandbox) has not known reference 9988{x} since 2031-03-04 09:01:00 UTC: "
    )
