"""The circuit breaker, with a clock that the test moves."""

from datetime import timedelta

from api.callbacks.circuit_breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_breaker_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = CircuitBreaker(failures=3, clock=Clock())
    for _ in range(2):
        breaker.record_failure()
    breaker.record_success()
    for _ in range(2):
        breaker.record_failure()

    assert breaker.allow()
    breaker.record_failure()
    assert not breaker.allow()


def test_after_its_pause_one_caller_may_call_and_the_others_wait_for_its_result() -> None:
    clock = Clock()
    breaker = CircuitBreaker(failures=1, open_for=timedelta(seconds=5), clock=clock)
    breaker.record_failure()
    clock.now = 4.9
    assert breaker.is_open

    clock.now = 5.0
    assert [breaker.allow() for _ in range(3)] == [True, False, False]

    breaker.record_success()
    assert [breaker.allow() for _ in range(3)] == [True, True, True]


def test_a_failed_attempt_after_the_pause_starts_another_pause() -> None:
    clock = Clock()
    breaker = CircuitBreaker(failures=1, open_for=timedelta(seconds=5), clock=clock)
    breaker.record_failure()
    clock.now = 6.0
    assert breaker.allow()
    breaker.record_failure()
    clock.now = 10.9

    assert not breaker.allow()
    clock.now = 11.0
    assert breaker.allow()
