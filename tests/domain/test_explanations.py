"""What callbacks alone say about a verdict: used if the proof covers it, or after a replay, and never if disputed."""

from datetime import datetime
from itertools import permutations

import pytest

from tests.domain.samples import APPROVED, DIGESTER, PLAN, T0, callback_event, fresh, read, registration, status
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.callbacks import apply_callback, apply_registration, note_replay
from vigil.domain.decisions import apply_manual_decision
from vigil.domain.record import Record, Replay
from vigil.domain.terms import Attention, Decision, Proof, ReasonCode
from vigil.domain.timers import TimerName, apply_timers, timers
from vigil.domain.times import is_settled, replay_wanted
from vigil.domain.tracking_plan import HOUR, MINUTE

DETAILED = PLAN.model_copy(update={"details_in_callbacks": True, "finals_may_change": True})
REGISTERED = apply_registration(fresh(), registration(), plan=PLAN)
BARE = APPROVED.model_copy(update={"lacks_details": True})


def told(
    details: str,
    *,
    at: datetime = T0,
    word: str = "OK",
    topic: str | None = None,
    proof: Proof = Proof.UNBOUND,
    looks: str = "final",
) -> CallbackEvent:
    """A callback with these details, whose receipt is named by its time."""
    return callback_event(status(word, looks=looks), at=at, proof=proof).model_copy(  # type: ignore[arg-type]
        update={
            "delivery": DIGESTER.digest("delivery", f"{details} {at}"),
            "details": DIGESTER.digest("details", details),
            "topic": topic,
            "receipt": f"receipts/{at:%H%M}",
        }
    )


def after(*events: CallbackEvent, record: Record = REGISTERED) -> Record:
    for event in events:
        record = apply_callback(record, event, finals_may_change=True)
    return record


def replayed(record: Record, *, at: datetime = T0 + 10 * MINUTE) -> Record:
    """Return the record after a read without details and the replay that it causes, awaited for half an hour."""
    return note_replay(read(record, BARE, at=at), Replay.DETAILS, at=at, until=at + 30 * MINUTE)


def explained_by(record: Record) -> tuple[str, ...]:
    return record.question(DETAILED).receipts


def is_disputed(record: Record) -> bool:
    return Attention.CONTRADICTION in {note.reason for note in record.attention}


GENUINE = told("a mismatch")
ANSWER = told("a mismatch", at=T0 + 12 * MINUTE)


@pytest.mark.parametrize(
    ("proof", "receipts"),
    [
        (Proof.SECRET, ("receipts/0900",)),
        (Proof.SIGNED_BODY, ("receipts/0900",)),
        (Proof.UNBOUND, ()),
        (Proof.STALE, ()),
        (Proof.NONE, ()),
    ],
)
def test_only_a_proof_that_covers_the_body_explains_a_verdict_by_itself(
    proof: Proof, receipts: tuple[str, ...]
) -> None:
    assert explained_by(after(told("a mismatch", proof=proof))) == receipts


def test_the_answer_to_a_replay_explains_a_verdict_whether_or_not_there_was_a_callback_before() -> None:
    for before in (REGISTERED, after(GENUINE)):
        asked = replayed(before)
        answered = after(ANSWER, record=asked)

        assert (explained_by(asked), explained_by(answered)) == ((), ("receipts/0912",))
        assert not is_disputed(answered)
        assert answered.callbacks.late == 0


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (GENUINE, "a repetition of the first callback"),
        (told("a mismatch", at=T0 + 9 * MINUTE), "it came before the replay"),
        (told("a mismatch", at=T0 + 41 * MINUTE), "it came long after the replay"),
        (told("a mismatch", at=T0 + 12 * MINUTE, word="KO"), "it has another status"),
        (told("a mismatch", at=T0 + 12 * MINUTE, proof=Proof.STALE), "it is stale"),
        (told("a mismatch", at=T0 + 12 * MINUTE, looks="open"), "it is no end"),
    ],
)
def test_no_other_callback_is_the_answer_to_a_replay(event: CallbackEvent, why: str) -> None:
    assert explained_by(after(event, record=replayed(after(GENUINE)))) == (), why


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_two_callbacks_that_differ_explain_nothing_in_any_order_and_ask_a_person(order: tuple[int, ...]) -> None:
    events = [told("a mismatch"), told("forged", at=T0 + MINUTE), told("a mismatch", at=T0 + 2 * MINUTE)]
    record = after(ANSWER, record=replayed(after(*(events[number] for number in order))))

    assert explained_by(record) == ()
    assert is_disputed(record)
    assert replay_wanted(read(REGISTERED, BARE, at=T0), DETAILED) is Replay.DETAILS
    assert replay_wanted(read(after(*events), BARE, at=T0 + 3 * MINUTE), DETAILED) is None


def test_any_number_of_forged_callbacks_does_not_push_out_the_first() -> None:
    forged = [told("forged", at=T0 + minute * MINUTE) for minute in range(1, 9)]
    record = after(*forged, record=replayed(after(GENUINE), at=T0))

    assert explained_by(record) == ()
    assert is_disputed(record)


def test_a_dispute_that_comes_after_the_answer_takes_the_explanation_away() -> None:
    confirmed = read(after(ANSWER, record=replayed(after(GENUINE))), APPROVED, at=T0 + 13 * MINUTE)
    disputed = after(told("forged", at=T0 + 5 * HOUR), record=confirmed)

    assert (is_disputed(confirmed), is_disputed(disputed)) == (False, True)
    assert explained_by(disputed) == ()
    assert is_disputed(read(disputed, BARE, at=T0 + 6 * HOUR))


def test_a_dispute_about_another_status_and_one_that_a_person_has_settled_ask_nobody() -> None:
    about_another = after(told("one", word="KO"), told("other", word="KO", at=T0 + MINUTE), record=replayed(REGISTERED))
    disputed = after(GENUINE, told("forged", at=T0 + MINUTE), record=read(REGISTERED, BARE, at=T0))
    settled = apply_manual_decision(disputed, Decision.APPROVED, ReasonCode.OTHER, author="ada", at=T0 + HOUR)

    assert [is_disputed(each) for each in (about_another, disputed, settled)] == [False, True, False]
    assert not is_disputed(read(settled, BARE, at=T0 + 2 * HOUR))


def test_later_news_neither_disputes_nor_explains_what_the_verification_itself_explains() -> None:
    news = told("on a list", at=T0 + 13 * MINUTE, topic="monitoring")
    with_both = after(ANSWER, news, record=replayed(after(GENUINE)))

    assert explained_by(with_both) == ("receipts/0912",)
    assert not is_disputed(with_both)
    assert explained_by(after(news, record=replayed(REGISTERED))) == ("receipts/0913",)
    assert explained_by(after(news, record=replayed(after(GENUINE)))) == ()


def test_a_verification_waits_half_an_hour_for_the_answer_to_a_replay_and_then_asks_a_person() -> None:
    asked, due_at = replayed(after(GENUINE)), T0 + 40 * MINUTE
    given_up = apply_timers(asked, DETAILED, now=due_at, read_at=T0 + 10 * MINUTE)

    assert timers(asked, DETAILED)[TimerName.REPLAY_ANSWER] == due_at
    assert not is_settled(asked, DETAILED, due_at - MINUTE)
    assert is_settled(given_up, DETAILED, due_at)
    assert [note.reason for note in given_up.attention] == [Attention.DETAILS_MISSING]
    assert [note.reason for note in read(asked, BARE, at=due_at - MINUTE).attention] == []


def test_a_verification_that_has_its_answer_waits_no_longer() -> None:
    answered = read(after(ANSWER, record=replayed(after(GENUINE))), APPROVED, at=T0 + 13 * MINUTE)

    assert TimerName.REPLAY_ANSWER not in timers(answered, DETAILED)
    assert is_settled(answered, DETAILED, T0 + 13 * MINUTE)
