"""Callbacks: their order, loss and repetition do not matter, and they never decide."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain import samples
from tests.domain.courses import COURSES, DECLINED, FAILED, LAGGING, REPEATED, Course
from tests.domain.order import Event, Fold, after, answers, counterexample, judged
from tests.domain.samples import (
    APPROVED,
    DIGESTER,
    KEY,
    PLAN,
    PORTRAIT,
    STARTED,
    T0,
    callback_event,
    fresh,
    read,
    registration,
    status,
    step,
)
from vigil.domain.callback_event import CallbackEvent, Observation, RoomChanged, StepFinished, Unreadable
from vigil.domain.callbacks import (
    apply_callback,
    apply_registration,
    causes_read,
    is_one_too_many,
    mark_discovered,
    open_record,
)
from vigil.domain.decisions import apply_manual_decision, decide
from vigil.domain.progress import Progress
from vigil.domain.record import Record
from vigil.domain.record_edits import complete
from vigil.domain.registration import Registration
from vigil.domain.snapshot import Answer, Check, ReadResult
from vigil.domain.terms import (
    Actor,
    Attention,
    Basis,
    Decision,
    EvidenceKind,
    Outcome,
    Proof,
    ReasonCode,
    SessionKind,
    Stage,
)
from vigil.domain.tracking_plan import HOUR, MINUTE
from vigil.domain.verdict import Cause, Verdict

by_course = pytest.mark.parametrize("course", COURSES, ids=lambda course: course.name)
thorough = settings(max_examples=120, derandomize=True, deadline=None, database=None)


def disturbed(course: Course) -> st.SearchStrategy[tuple[Event, ...]]:
    """Callbacks lost, repeated and out of order, some reads among them, and the last answer somewhere."""
    some = st.lists(st.sampled_from(course.callback_events()), max_size=12)
    reads = st.lists(st.sampled_from(answers(course)), max_size=4)
    return st.builds(lambda apply_callback, told: [*apply_callback, *told, answers(course)[-1]], some, reads).flatmap(
        lambda events: st.permutations(events).map(tuple)
    )


@by_course
def test_before_any_read_no_order_and_no_repetition_of_callbacks_changes_the_judgement(course: Course) -> None:
    sent = course.callback_events()
    expected = judged(apply_callback, sent)

    @thorough
    @given(st.lists(st.sampled_from(sent), max_size=6).flatmap(lambda again: st.permutations([*sent, *again])))
    def holds(events: list[Event]) -> None:
        assert judged(apply_callback, events) == expected

    holds()


@by_course
def test_once_the_last_answer_is_read_no_order_loss_or_repetition_changes_the_judgement(course: Course) -> None:
    expected = judged(apply_callback, (*course.callback_events(), *answers(course)))

    @thorough
    @given(disturbed(course))
    def holds(events: tuple[Event, ...]) -> None:
        assert judged(apply_callback, events) == expected

    holds()


@by_course
def test_every_callback_of_a_course_changes_what_is_known_when_it_is_first_received(course: Course) -> None:
    for position, one in enumerate(course.callback_events()):
        before = after(apply_callback, course.callback_events()[:position])
        assert _known_by(apply_callback(before, one)) != _known_by(before)


def _known_by(record: Record) -> object:
    words = [entry.words for entry in record.log.entries]
    return record.callbacks.progress, record.callbacks.announcements, words


@pytest.mark.parametrize("course", [DECLINED, FAILED, REPEATED, LAGGING], ids=lambda course: course.name)
def test_an_exhaustive_search_finds_no_order_loss_or_repetition_that_matters(course: Course) -> None:
    assert counterexample(apply_callback, course) is None


def _last_writer_wins(record: Record, one: CallbackEvent) -> Record:
    seen = one.observation
    after_it = apply_callback(record, one)
    if not isinstance(seen, StepFinished) or seen.name is None:
        return after_it
    others = tuple(check for check in record.callbacks.progress.checks if check.name != seen.check_name)
    latest = Check(kind=seen.check, name=seen.check_name or "", status=seen.status)
    checks = tuple(sorted((*others, latest), key=lambda check: check.name))
    last = Progress(done=seen.done or 0, total=seen.total or 0, checks=checks)
    return after_it.with_callbacks(after_it.callbacks.model_copy(update={"progress": last}))


def _ignores_what_follows_a_final(record: Record, one: CallbackEvent) -> Record:
    return record if record.callbacks.announcements else apply_callback(record, one)


def _ignores_a_lower_count(record: Record, one: CallbackEvent) -> Record:
    seen = one.observation
    is_older = isinstance(seen, StepFinished) and (seen.done or 0) < record.callbacks.progress.done
    return record if is_older else apply_callback(record, one)


def _counts_steps(record: Record, one: CallbackEvent) -> Record:
    after_it = apply_callback(record, one)
    if not isinstance(one.observation, StepFinished):
        return after_it
    progress = after_it.callbacks.progress.model_copy(update={"done": record.callbacks.progress.done + 1})
    return after_it.with_callbacks(after_it.callbacks.model_copy(update={"progress": progress}))


def _decides_by_callback(record: Record, one: CallbackEvent) -> Record:
    seen = one.observation
    decision = {"OK": Decision.APPROVED, "KO": Decision.DECLINED}.get(getattr(seen, "word", None) or "")
    if decision is None:
        return apply_callback(record, one)
    verdict = Verdict(outcome=Outcome.DECIDED, decision=decision, basis=Basis.CALLBACK)
    return decide(apply_callback(record, one), verdict, at=one.received_at, cause=Cause.CALLBACK)


@pytest.mark.parametrize(
    ("mutant", "course"),
    [
        (_last_writer_wins, DECLINED),
        (_last_writer_wins, REPEATED),
        (_ignores_what_follows_a_final, DECLINED),
        (_ignores_a_lower_count, DECLINED),
        (_counts_steps, DECLINED),
        (_decides_by_callback, LAGGING),
    ],
)
def test_a_reducer_that_goes_by_order_or_count_is_caught_by_the_search(mutant: Fold, course: Course) -> None:
    assert counterexample(mutant, course) is not None


@by_course
def test_callbacks_alone_never_conclude_anything(course: Course) -> None:
    judgement = judged(apply_callback, course.callback_events())
    assert (judgement.stage, judgement.decision, judgement.outcome) == (Stage.AWAITING_APPLICANT, None, None)


def test_a_read_that_was_asked_earlier_than_the_last_one_changes_nothing() -> None:
    newer = read(fresh(), APPROVED, at=T0 + MINUTE)
    assert read(newer, STARTED, at=T0) == newer


@pytest.mark.parametrize(
    ("proof", "done"),
    [(Proof.SECRET, 1), (Proof.SIGNED_BODY, 1), (Proof.UNBOUND, 1), (Proof.STALE, 0), (Proof.NONE, 0)],
)
def test_only_a_proven_callback_in_time_adds_progress(proof: Proof, done: int) -> None:
    record = apply_callback(fresh(), callback_event(step(1, 2, "id_document"), proof=proof))
    assert record.steps[0] == done


@pytest.mark.parametrize(
    ("proof", "told"),
    [
        (Proof.SECRET, {"user_id": "u-1"}),
        (Proof.UNBOUND, {"user_id": "u-1"}),
        (Proof.STALE, {}),
        (Proof.NONE, {}),
    ],
)
def test_one_that_nobody_registered_is_asked_for_by_what_a_proven_callback_brought(
    proof: Proof, told: dict[str, str]
) -> None:
    callback = callback_event(status("OK"), proof=proof).model_copy(update={"coordinates": {"user_id": "u-1"}})

    assert apply_callback(fresh(), callback).question(PLAN).coordinates == told


def test_what_a_backend_registered_goes_before_what_callbacks_brought() -> None:
    callback = callback_event(status("OK")).model_copy(update={"coordinates": {"user_id": "u-1", "job_type": "6"}})
    registration = Registration(key=KEY, registered_at=T0, registered_by="shop", coordinates={"user_id": "u-2"})

    record = apply_registration(apply_callback(fresh(), callback), registration, plan=PLAN)

    assert record.question(PLAN).coordinates == {"user_id": "u-2", "job_type": "6"}


def named(word: str = "OK", **coordinates: str) -> CallbackEvent:
    return callback_event(status(word), proof=Proof.UNBOUND).model_copy(update={"coordinates": coordinates})


def coordinates_of(record: Record) -> list[dict[str, str]]:
    """The coordinates that the provider is asked with, in turn."""
    question = record.question(PLAN)
    return [dict(each) for each in (question.coordinates, *question.alternatives)]


def is_mismatch(record: Record) -> bool:
    return Attention.COORDINATE_MISMATCH in {note.reason for note in record.attention}


def test_callbacks_that_complete_each_other_are_asked_with_together() -> None:
    for events in permutations([named(user_id="u-1"), named(job_type="6"), named(user_id="u-1", job_type="6")]):
        record = after(apply_callback, events)
        assert coordinates_of(record) == [{"user_id": "u-1", "job_type": "6"}]
        assert not is_mismatch(record)


def test_coordinates_that_contradict_each_other_are_asked_with_in_turn_and_ask_for_the_registration() -> None:
    record = after(apply_callback, [named(user_id="!"), named(user_id="u-1", job_type="6")])

    assert coordinates_of(record) == [{"user_id": "!"}, {"job_type": "6", "user_id": "u-1"}]
    assert is_mismatch(record)


def test_the_coordinates_for_which_the_provider_answers_stay() -> None:
    record = after(apply_callback, [named(user_id="!"), named(user_id="u-1", job_type="6")])
    asked = ReadResult(asked_at=T0, answer=Answer.NOT_FOUND).with_coordinates({"user_id": "u-1", "job_type": "6"})
    found = ReadResult(asked_at=T0, answer=Answer.ANSWERED, snapshot=STARTED).with_coordinates(
        {"user_id": "u-1", "job_type": "6"}
    )

    assert coordinates_of(read(record, asked)) == coordinates_of(record)
    assert coordinates_of(read(record, found)) == [{"user_id": "u-1", "job_type": "6"}]


def test_no_more_than_three_contradictions_are_asked_with() -> None:
    record = after(apply_callback, [named(user_id=f"u-{number}") for number in range(9)])

    assert coordinates_of(record) == [{"user_id": f"u-{number}"} for number in range(4)]


@pytest.mark.parametrize("is_first", [True, False])
def test_registered_coordinates_win_over_those_of_callbacks_in_any_order(is_first: object) -> None:
    given = registration(coordinates={"user_id": "u-1", "job_type": "6"})
    record = apply_registration(fresh(), given, plan=PLAN) if is_first else fresh()
    for event in (named(user_id="!"), named(user_id="u-1", job_type="7")):
        record = apply_callback(record, event)
    record = record if is_first else apply_registration(record, given, plan=PLAN)

    assert coordinates_of(record) == [{"user_id": "u-1", "job_type": "6"}]
    assert is_mismatch(record)


def test_a_callback_without_proof_asks_an_operator_to_look() -> None:
    record = apply_callback(fresh(), callback_event(step(1, 2, "id_document"), proof=Proof.NONE))
    assert [(note.reason, note.actor) for note in record.attention] == [(Attention.UNPROVEN_CALLBACKS, Actor.OPERATOR)]


def test_an_unknown_word_in_a_callback_asks_a_person_and_concludes_nothing() -> None:
    record = apply_callback(fresh(), callback_event(status("BLUE", looks="unrecognised")))
    assert [note.reason for note in record.attention] == [Attention.UNRECOGNISED_WORD]
    assert record.verdict.outcome is None
    assert record.callbacks.announcements == ()


def test_a_callback_that_cannot_be_read_is_quarantined() -> None:
    record = apply_callback(fresh(), callback_event(Unreadable(why="not_json")))
    assert [note.reason for note in record.attention] == [Attention.QUARANTINED]


def test_a_room_that_has_ended_does_not_become_empty_again() -> None:
    ended = RoomChanged(room="r1", room_status="ended", file_ready=True, file_id="f1")
    empty = RoomChanged(room="r1", room_status="empty")
    record = apply_callback(apply_callback(fresh(), callback_event(ended)), callback_event(empty))
    assert [(room.status, room.file_ready, room.file_id) for room in record.rooms] == [("ended", True, "f1")]


ONE_FILE = RoomChanged(room="r1", room_status="ended", file_ready=True, file_id="vf-1")
ANOTHER_FILE = RoomChanged(room="r1", room_status="ended", file_ready=True, file_id="vf-2")
NO_FILE = RoomChanged(room="r1", room_status="empty")


@pytest.mark.parametrize("read_after", range(4))
@pytest.mark.parametrize("heard_of", list(permutations([ONE_FILE, ANOTHER_FILE, NO_FILE])))
def test_every_file_of_a_room_is_in_the_ledger_whatever_the_order(
    heard_of: tuple[RoomChanged, ...], read_after: int
) -> None:
    record = fresh()
    for told in heard_of[:read_after]:
        record = apply_callback(record, callback_event(told))
    record = read(record, APPROVED)
    for told in heard_of[read_after:]:
        record = apply_callback(record, callback_event(told))

    assert [(row.locator, row.state) for row in record.evidence] == [("vf-1", "available"), ("vf-2", "available")]
    assert [(room.room, room.file_id) for room in record.callbacks.progress.rooms] == [("r1", "vf-1"), ("r1", "vf-2")]


def test_two_files_whose_names_begin_alike_are_two_recordings() -> None:
    names = ["f" * 63 + end for end in "12"]
    record = read(fresh(), APPROVED)
    for room, name in zip(["r1", "r2"], names, strict=True):
        record = apply_callback(
            record, callback_event(RoomChanged(room=room, room_status="ended", file_ready=True, file_id=name))
        )

    assert [row.locator for row in record.evidence] == names


def test_the_same_event_received_twice_is_one_duplicate_and_one_identity() -> None:
    one = callback_event(step(1, 2, "id_document")).model_copy(update={"identity": DIGESTER.digest("identity", "one")})
    record = apply_callback(apply_callback(fresh(), one), one.model_copy(update={"received_at": T0 + HOUR}))
    assert (record.callbacks.received, record.callbacks.duplicates) == (2, 1)
    assert [(seen.first_at, seen.last_at, seen.count) for seen in record.callbacks.identities] == [(T0, T0 + HOUR, 2)]


def test_the_same_word_received_again_is_no_duplicate_where_its_sender_names_no_events() -> None:
    one = callback_event(status("MANUAL_CHECK", looks="open"))
    again = one.model_copy(update={"received_at": T0 + HOUR})
    record = apply_callback(apply_callback(fresh(), one), again)

    assert (record.callbacks.received, record.callbacks.duplicates) == (2, 0)
    assert apply_callback(record, again).callbacks.duplicates == 1


def test_a_callback_after_the_conclusion_is_late_and_announces_nothing() -> None:
    record = apply_callback(read(fresh(), APPROVED), callback_event(status("KO"), at=T0 + HOUR))
    assert (record.callbacks.late, record.callbacks.announcements) == (1, ())


def test_an_announcement_keeps_the_time_at_which_it_was_first_received_whatever_the_order() -> None:
    later, earlier = callback_event(status("OK"), at=T0 + HOUR), callback_event(status("OK"), at=T0)
    record = apply_callback(apply_callback(fresh(), later), earlier)
    assert [announcement.first_at for announcement in record.callbacks.announcements] == [T0]


def test_first_and_last_callback_go_by_time_of_receipt_and_not_by_order() -> None:
    later, earlier = (callback_event(step(1, 2, "phone"), at=T0 + HOUR), callback_event(step(2, 2, "otp"), at=T0))
    record = apply_callback(apply_callback(fresh(), later), earlier)
    assert (record.callbacks.first_at, record.callbacks.last_at) == (T0, T0 + HOUR)


def test_a_repeated_registration_changes_nothing() -> None:
    once = apply_registration(fresh(), registration(), plan=PLAN)
    assert apply_registration(once, registration(registered_at=T0 + HOUR), plan=PLAN) == once


def test_a_second_registration_that_differs_leaves_the_first_and_raises_attention() -> None:
    first = registration(applicant="a-1")
    record = apply_registration(apply_registration(fresh(), first, plan=PLAN), registration(applicant="a-2"), plan=PLAN)
    assert record.subject.registration == first
    assert [(note.reason, note.actor) for note in record.attention] == [
        (Attention.CONFLICTING_REGISTRATION, Actor.BACKEND)
    ]


def test_a_registration_takes_back_that_it_was_never_registered_and_sets_the_deadline() -> None:
    from_callback = apply_callback(fresh(), callback_event(step(1, 2, "phone")))
    waiting = from_callback.with_verdict(from_callback.verdict.move_deadlines(T0, None))
    lagging = PLAN.model_copy(update={"deadline_lag": 15 * MINUTE})
    record = apply_registration(waiting, registration(deadline_at=T0 + HOUR), plan=lagging)
    assert record.is_registered
    assert record.verdict.deadline_at == T0 + HOUR + 15 * MINUTE


@pytest.mark.parametrize("is_registered_first", [True, False])
def test_a_foreign_correlation_is_noticed_whichever_comes_first(*, is_registered_first: bool) -> None:
    foreign = callback_event(status("OK"), correlation="order-2")
    ours = registration(correlation="order-1")
    if is_registered_first:
        record = apply_callback(apply_registration(fresh(), ours, plan=PLAN), foreign)
    else:
        record = apply_registration(apply_callback(fresh(), foreign), ours, plan=PLAN)
    assert [note.reason for note in record.attention] == [Attention.CORRELATION_MISMATCH]


def test_files_that_a_late_registration_does_not_want_are_not_brought_home() -> None:
    record = read(fresh(), STARTED.model_copy(update={"artifacts": (PORTRAIT,)}))
    record = apply_registration(record, registration(evidence="none"), plan=PLAN)
    assert [(row.state, row.loss) for row in record.evidence] == [("lost", "not_wanted")]


def test_an_expected_file_is_in_the_ledger_before_anybody_lists_it() -> None:
    record = apply_registration(fresh(), registration(expects=(EvidenceKind.CALL_RECORDING,)), plan=PLAN)
    assert [(row.kind, row.state) for row in record.evidence] == [("call_recording", "expected")]


def test_completing_twice_keeps_the_first_time() -> None:
    once = complete(read(fresh(), APPROVED), at=T0)
    assert complete(once, at=T0 + HOUR) == once
    assert (once.verdict.stage, once.verdict.completed_at) == (Stage.COMPLETE, T0)


def test_an_opened_record_waits_until_the_deadline_and_the_lag_of_the_provider() -> None:
    lagging = PLAN.model_copy(update={"deadline": HOUR, "deadline_lag": 15 * MINUTE})
    record = open_record(KEY, provider="invented", environment="sandbox", at=T0, plan=lagging)
    assert record.verdict.deadline_at == T0 + HOUR + 15 * MINUTE


@pytest.mark.parametrize(
    "told", [(None, "business"), ("person", "business"), ("business", "person"), ("unrecognised", "business")]
)
def test_whom_it_is_about_does_not_depend_on_which_callback_came_first(told: tuple[str | None, ...]) -> None:
    record = fresh()
    for kind in told:
        said = callback_event(status("APPROVED")).model_copy(
            update={"session_kind": SessionKind(kind) if kind else None}
        )
        record = apply_callback(record, said)

    assert record.subject.session_kind is SessionKind.BUSINESS


def test_a_kind_of_session_that_nobody_knows_asks_a_person() -> None:
    said = callback_event(status("APPROVED")).model_copy(update={"session_kind": SessionKind.UNRECOGNISED})

    assert [note.reason for note in apply_callback(fresh(), said).attention] == [Attention.UNRECOGNISED_WORD]


@pytest.mark.parametrize("proof", [Proof.STALE, Proof.NONE])
def test_what_anybody_may_have_sent_announces_nothing_and_costs_no_read_of_a_concluded_verification(
    proof: Proof,
) -> None:
    event = callback_event(status("KO"), proof=proof, at=T0 + HOUR)
    concluded = read(fresh(), APPROVED)
    told = [apply_callback(record, event, finals_may_change=True) for record in (fresh(), concluded)]

    assert [record.callbacks.announcements for record in told] == [(), ()]
    assert (causes_read(fresh(), event), causes_read(concluded, event)) == (True, False)


def test_six_weakly_proven_callbacks_an_hour_cause_reads_and_a_proven_one_always_does() -> None:
    record, read_at = fresh(), []
    for minute in range(0, 130, 5):
        event = callback_event(status("OK"), proof=Proof.STALE, at=T0 + minute * MINUTE)
        read_at += [minute] if causes_read(record, event) else []
        record = apply_callback(record, event)

    assert read_at == [0, 5, 10, 15, 20, 25, 60, 65, 70, 75, 80, 85, 120, 125]
    assert causes_read(record, callback_event(status("OK"), at=T0 + 129 * MINUTE))


@pytest.mark.parametrize("looks", ["final", "open", "reopened"])
def test_another_word_after_a_verdict_is_to_be_confirmed_where_finals_may_change(looks: Any) -> None:
    event = callback_event(status("KO", looks=looks), at=T0 + HOUR)
    record = apply_callback(read(fresh(), APPROVED), event, finals_may_change=True)
    assert [(each.word, each.is_final) for each in record.callbacks.announcements] == [("KO", looks == "final")]


@pytest.mark.parametrize(("word", "looks"), [("archived", "unrecognised"), ("OK", "final"), ("ok", "final")])
def test_an_unknown_or_the_same_word_after_a_verdict_is_not_to_be_confirmed(word: str, looks: Any) -> None:
    event = callback_event(status(word, looks=looks), at=T0 + HOUR)
    record = apply_callback(read(fresh(), APPROVED), event, finals_may_change=True)
    assert record.callbacks.announcements == ()


def test_an_unknown_kind_of_session_asks_a_person_through_the_verdict_until_the_kind_is_known() -> None:
    said = callback_event(status("APPROVED")).model_copy(update={"session_kind": SessionKind.UNRECOGNISED})
    decided = read(apply_callback(fresh(), said), APPROVED)
    assert [note.reason for note in decided.attention] == [Attention.UNRECOGNISED_WORD]

    business = said.model_copy(update={"session_kind": SessionKind.BUSINESS})
    known = read(apply_callback(decided, business), samples.DECLINED, plan=samples.REOPENING_PLAN, at=T0 + HOUR)
    assert known.attention == ()


def test_a_person_s_decision_settles_an_unknown_kind_of_session() -> None:
    said = callback_event(status("APPROVED")).model_copy(update={"session_kind": SessionKind.UNRECOGNISED})
    record = apply_callback(fresh(), said)
    resolved = apply_manual_decision(record, Decision.APPROVED, ReasonCode.OTHER, author="ada", at=T0)
    assert resolved.attention == ()


def test_a_step_that_cannot_be_named_asks_a_person() -> None:
    unnamed = StepFinished(done=3, total=7, is_unnamed=True)
    record = apply_callback(fresh(), callback_event(unnamed))
    assert [note.reason for note in record.attention] == [Attention.UNRECOGNISED_WORD]
    assert record.steps == (3, 7)


@pytest.mark.parametrize(("proof", "steps"), [(Proof.SECRET, (7, 7)), (Proof.NONE, (0, 0))])
def test_only_a_proven_status_counts_steps(proof: Proof, steps: tuple[int, int]) -> None:
    seen = status("OK").model_copy(update={"done": 7, "total": 7})
    assert apply_callback(fresh(), callback_event(seen, proof=proof)).steps == steps


def test_a_room_in_a_state_that_nobody_knows_asks_a_person_and_lists_no_recording() -> None:
    record = apply_callback(fresh(), callback_event(RoomChanged(room="r1", room_status="unrecognised")))
    assert [note.reason for note in record.attention] == [Attention.UNRECOGNISED_WORD]
    assert record.evidence == ()


@pytest.mark.parametrize("observation", [step(1, 2, "phone"), RoomChanged(room="r1", room_status="ended")])
def test_a_callback_without_proof_adds_neither_progress_nor_a_recording(observation: Observation) -> None:
    record = apply_callback(fresh(), callback_event(observation, proof=Proof.NONE))
    assert (record.steps, record.rooms, record.evidence) == ((0, 0), (), ())


def test_24_proven_callbacks_a_day_cause_a_read_of_a_concluded_verification() -> None:
    record, read_at = read(fresh(), APPROVED), []
    for minute in range(60):
        event = callback_event(status("OK"), at=T0 + HOUR + minute * MINUTE)
        assert causes_read(record, event)
        read_at += [] if is_one_too_many(record, event) else [minute]
        record = apply_callback(record, event)

    assert read_at == list(range(24))
    assert record.callbacks.received == 60
    next_day = callback_event(status("OK"), at=T0 + 25 * HOUR)
    assert not is_one_too_many(record, next_day)


def test_an_open_verification_is_read_for_every_proven_callback() -> None:
    record = fresh()
    for minute in range(60):
        event = callback_event(status("OK"), at=T0 + minute * MINUTE)
        assert not is_one_too_many(record, event)
        record = apply_callback(record, event)
    assert record.callbacks.late_reads == ()


def test_a_discovered_verification_asks_its_backend_to_register_it() -> None:
    record = mark_discovered(fresh(), at=T0 + HOUR)
    assert [(note.reason, note.since, note.actor) for note in record.attention] == [
        (Attention.NEVER_REGISTERED, T0 + HOUR, Actor.BACKEND)
    ]
    assert apply_registration(record, registration(), plan=PLAN).attention == ()


@by_course
def test_what_a_course_makes_of_a_record_survives_its_json(course: Course) -> None:
    record = after(apply_callback, (*course.callback_events(), *answers(course)))
    assert Record.model_validate_json(record.model_dump_json()) == record
