"""What senders do on the wire."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from pydantic import BaseModel

from tests.domain.samples import PLAN
from vigil.domain.sender_contract import Answering, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import PollStep
from vigil.providers.id360.senders import CONTRACT as ID360

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

HOLDING = Answering(
    budget=10 * SECOND,
    accepted=(CodeRange(first=200, last=299),),
    never_again=(CodeRange(first=400, last=400),),
    hold_everything=(CodeRange(first=404, last=406), CodeRange(first=410, last=410), CodeRange(first=500, last=599)),
    hold_for=60 * MINUTE,
)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (199, "come_again"),
        (200, "accepted"),
        (299, "accepted"),
        (300, "come_again"),
        (400, "never_again"),
        (401, "come_again"),
        (404, "hold_everything"),
        (406, "hold_everything"),
        (407, "come_again"),
        (410, "hold_everything"),
        (503, "hold_everything"),
        (None, "come_again"),
    ],
)
def test_a_sender_makes_of_a_code_what_its_contract_says(code: int | None, meaning: str) -> None:
    assert HOLDING.meaning_of(code) == meaning


@pytest.mark.parametrize("code", [201, 204])
def test_a_sender_that_wants_exactly_200_comes_again_after_other_successes(code: int) -> None:
    exact = Answering(budget=10 * SECOND, accepted=(CodeRange(first=200, last=200),))
    assert exact.meaning_of(200) == "accepted"
    assert exact.meaning_of(code) == "come_again"


def test_delays_counted_from_the_previous_attempt_add_up() -> None:
    redelivery = Redelivery(delays=(10 * SECOND, 80 * SECOND, 270 * SECOND), counted_from="previous")
    assert redelivery.due_after_first() == (10 * SECOND, 90 * SECOND, 360 * SECOND)
    assert redelivery.horizon == 360 * SECOND


def test_delays_counted_from_the_first_attempt_stand_for_themselves() -> None:
    delays = (30 * SECOND, 2 * MINUTE, 15 * MINUTE, 120 * MINUTE, 600 * MINUTE)
    redelivery = Redelivery(delays=delays, counted_from="first")
    assert redelivery.due_after_first() == delays
    assert redelivery.horizon == 600 * MINUTE


def test_a_sender_that_never_repeats_has_no_horizon() -> None:
    assert Redelivery().due_after_first() == ()
    assert Redelivery().horizon == timedelta(0)


def test_id360_repeats_after_ten_seconds_times_the_cube_of_the_attempt() -> None:
    waits = [delay / SECOND for delay in ID360.redelivery.delays]
    assert waits == [10, 80, 270, 640, 1250, 2160, 3430]
    assert ID360.redelivery.counted_from == "previous"


def test_the_last_delivery_of_id360_comes_after_73_5_or_130_7_minutes() -> None:
    due = ID360.redelivery.due_after_first()
    assert due[ID360.redelivery.certain - 1] == timedelta(minutes=73.5)
    assert round(ID360.redelivery.horizon / MINUTE, 1) == 130.7


def _durations(value: object, path: str = "") -> dict[str, timedelta]:
    """Every duration in a value, by its path; an own walk, so that it shares nothing with what it checks."""
    if isinstance(value, timedelta):
        return {path: value}
    if isinstance(value, BaseModel):
        parts = {name: getattr(value, name) for name in type(value).model_fields}
    elif isinstance(value, Mapping):
        parts = {str(key): item for key, item in value.items()}
    elif isinstance(value, tuple):
        parts = {str(k): item for k, item in enumerate(value)}
    else:
        return {}
    found: dict[str, timedelta] = {}
    for name, item in parts.items():
        found |= _durations(item, f"{path}.{name}")
    return found


def _contract() -> SenderContract:
    return SenderContract(
        sender="invented",
        title="Invented",
        proof=Proof.UNBOUND,
        answering=HOLDING,
        redelivery=Redelivery(delays=(10 * SECOND, 80 * SECOND), certain=1),
        max_age=15 * MINUTE,
        lost_callback="silence",
        tracking=PLAN,
    )


def test_scaling_divides_every_duration_of_a_contract_but_the_time_for_an_answer() -> None:
    before, after = _durations(_contract()), _durations(_contract().scaled(60))
    budget = _contract().answering.budget
    unscaled = [path for path, duration in before.items() if duration and after[path] == duration]
    assert len(before) > 15
    assert [before[path] for path in unscaled] == [budget]
    assert {path: after[path] for path in before if path not in unscaled} == {
        path: duration / 60 for path, duration in before.items() if path not in unscaled
    }


def test_scaling_changes_nothing_but_durations() -> None:
    scaled = _contract().scaled(60)
    assert _contract().scaled(4).scaled(1 / 4) == _contract()
    assert scaled.answering.accepted == HOLDING.accepted
    assert (scaled.sender, scaled.redelivery.certain, scaled.tracking.finals_may_change) == ("invented", 1, False)
    assert scaled.tracking.polls[Stage.PROCESSING].steps == (
        PollStep(until=MINUTE, every=5 * SECOND),
        PollStep(until=None, every=MINUTE),
    )


def test_id360_may_repeat_an_event_for_2_hours_and_12_minutes() -> None:
    # Seven redeliveries end 7,840 s after the first attempt, and each of the eight may wait 10 s for its answer.
    assert ID360.repeats_for == timedelta(seconds=7920)
