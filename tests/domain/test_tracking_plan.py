"""When we ask."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.samples import PLAN, T0
from vigil.domain.terms import Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, PollStep, TrackingPlan, spoken, wait_before_poll

WIDENING = PollPlan(
    steps=(
        PollStep(until=15 * MINUTE, every=MINUTE),
        PollStep(until=6 * HOUR, every=5 * MINUTE),
        PollStep(until=None, every=HOUR),
    )
)
thorough = settings(max_examples=200, derandomize=True, deadline=None, database=None)
ages = st.timedeltas(timedelta(0), 30 * DAY)


@pytest.mark.parametrize(
    ("age", "every"),
    [
        (timedelta(0), MINUTE),
        (timedelta(minutes=14, seconds=59), MINUTE),
        (15 * MINUTE, 5 * MINUTE),
        (6 * HOUR - timedelta(seconds=1), 5 * MINUTE),
        (6 * HOUR, HOUR),
        (400 * DAY, HOUR),
    ],
)
def test_polls_widen_with_the_age_of_the_stage(age: timedelta, every: timedelta) -> None:
    assert WIDENING.every(age) == every


def test_a_plan_whose_last_step_ends_goes_on_with_it() -> None:
    assert PollPlan(steps=(PollStep(until=HOUR, every=MINUTE),)).every(2 * HOUR) == MINUTE


@thorough
@given(ages, st.text(max_size=20))
def test_a_wait_is_the_interval_and_at_most_a_tenth_more(age: timedelta, seed: str) -> None:
    every = WIDENING.every(age)
    wait = wait_before_poll(WIDENING, entered_at=T0, now=T0 + age, seed=seed)
    assert every <= wait <= every * 1.1


@thorough
@given(ages, st.text(max_size=20))
def test_the_same_moment_and_seed_give_the_same_wait(age: timedelta, seed: str) -> None:
    waits = {wait_before_poll(WIDENING, entered_at=T0, now=T0 + age, seed=seed) for _ in range(3)}
    assert len(waits) == 1


def test_a_hundred_verifications_of_one_moment_do_not_ask_in_step() -> None:
    waits = {wait_before_poll(WIDENING, entered_at=T0, now=T0, seed=f"acme/{k}") for k in range(100)}
    assert len(waits) > 50


def test_a_stage_without_a_plan_is_asked_about_like_one_in_processing() -> None:
    assert PLAN.poll_plan(Stage.IN_REVIEW) == PLAN.polls[Stage.PROCESSING]


def test_a_lost_callback_is_found_within_the_wait_and_one_jittered_poll() -> None:
    assert PLAN.found_within() == timedelta(minutes=20, seconds=30)


def test_a_plan_is_said_in_a_few_words() -> None:
    assert WIDENING.words() == "every 1 min, then 5 min, then 1 h"


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(milliseconds=200), "0.2 s"),
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=90), "1.5 min"),
        (HOUR, "1 h"),
        (36 * HOUR, "1.5 d"),
    ],
)
def test_a_duration_is_said_in_its_largest_fitting_unit(duration: timedelta, words: str) -> None:
    assert spoken(duration) == words


def test_a_stage_with_a_plan_of_its_own_is_polled_by_it_and_every_other_like_one_in_processing() -> None:
    often, seldom = (PollPlan(steps=(PollStep(until=None, every=every),)) for every in (MINUTE, HOUR))
    for polls in (
        {Stage.PROCESSING: often, Stage.IN_REVIEW: seldom},
        {Stage.IN_REVIEW: seldom, Stage.PROCESSING: often},
    ):
        plan = TrackingPlan(polls=polls)
        found = {stage: plan.poll_plan(stage) for stage in Stage}
        assert found == dict.fromkeys(Stage, often) | {Stage.IN_REVIEW: seldom}
