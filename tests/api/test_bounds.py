"""Breakers and buckets, with a clock that the test moves."""

from datetime import timedelta

from api.bounds import CircuitBreaker, TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_breaker_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = CircuitBreaker(failures=3, clock=Clock())
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()

    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()


def test_after_its_rest_one_caller_may_try_and_the_others_wait_for_it() -> None:
    clock = Clock()
    breaker = CircuitBreaker(failures=1, rest=timedelta(seconds=5), clock=clock)
    breaker.failed()
    clock.now = 4.9
    assert breaker.is_open

    clock.now = 5.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]

    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_failed_attempt_after_the_rest_begins_another_rest() -> None:
    clock = Clock()
    breaker = CircuitBreaker(failures=1, rest=timedelta(seconds=5), clock=clock)
    breaker.failed()
    clock.now = 6.0
    assert breaker.allows()
    breaker.failed()
    clock.now = 10.9

    assert not breaker.allows()
    clock.now = 11.0
    assert breaker.allows()


def test_a_bucket_gives_its_capacity_at_once_and_fills_up_evenly() -> None:
    clock = Clock()
    bucket = TokenBucket(60, per=timedelta(minutes=1), clock=clock)

    assert [bucket.take() for _ in range(61)] == [True] * 60 + [False]
    clock.now = 0.9
    assert not bucket.take()
    clock.now = 1.9
    assert [bucket.take(), bucket.take()] == [True, False]
    clock.now = 3600
    assert [bucket.take() for _ in range(61)] == [True] * 60 + [False]
