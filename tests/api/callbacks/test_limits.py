"""The token bucket, with a clock that the test moves."""

from datetime import timedelta

from api.callbacks.limits import TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


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
