"""Every time-out, retry and priority of the workflows, with a name."""

from datetime import timedelta
from typing import Final

from temporalio.common import Priority, RetryPolicy
from vigil.domain.tracking_plan import TrackingPlan

LOCAL_TIMEOUT: Final = timedelta(seconds=3)
LOCAL_ATTEMPTS: Final = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3)
"""Storage usually answers at once; when it does not, a step becomes an activity that operators can see waiting."""

STORAGE_TIMEOUT: Final = timedelta(seconds=20)
STORAGE_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))

READ_TIMEOUT: Final = timedelta(seconds=25)
"""Longer than one exchange with a provider may take, and what a worker that is killed while it asks costs."""

DOWNLOAD_TIMEOUT: Final = timedelta(hours=1)
DOWNLOAD_HEARTBEAT: Final = timedelta(seconds=20)
"""Longer than the wait between two pieces of a file may be."""
MOST_DOWNLOADS: Final = 4

SEND_TIMEOUT: Final = timedelta(seconds=30)
SEND_WITHIN: Final = timedelta(days=5)
SEND_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(hours=1))

MESSAGE_TIMEOUT: Final = timedelta(seconds=13)
"""Longer than a carrier is given, and what a worker that is killed while it sends costs."""
MESSAGE_PAUSES: Final = (timedelta(seconds=1), timedelta(seconds=3), timedelta(seconds=10), timedelta(seconds=20))
"""Between attempts to send a message; the last one stays."""
ONCE: Final = RetryPolicy(maximum_attempts=1)
"""For what must not be repeated by anybody who does not know what became of it."""

SWEEP_TIMEOUT: Final = timedelta(hours=1)
SWEEP_HEARTBEAT: Final = timedelta(minutes=1)
"""Longer than a page of a list may take, however often the provider has to be asked for it."""
SWEEP_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=5))

REPLAY_WITHIN: Final = timedelta(minutes=10)
"""Longer than a provider is away for a moment; what is not replayed by then a person may ask for."""

REREAD_TIMEOUT: Final = timedelta(seconds=30)
REREAD_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10))

RINGS: Final = Priority(priority_key=1)
POLLS: Final = Priority(priority_key=3)


def asking_retry(plan: TrackingPlan) -> RetryPolicy:
    """Return how a read that a ring asked for is tried again."""
    every = plan.min_read_interval
    return RetryPolicy(initial_interval=every / 5, maximum_interval=every * 12)


def polling_retry(plan: TrackingPlan) -> RetryPolicy:
    """Return the retry of a poll: only a floor, since each attempt names the time of the next."""
    return RetryPolicy(initial_interval=plan.min_read_interval, backoff_coefficient=1.0)


def download_retry(plan: TrackingPlan) -> RetryPolicy:
    """Return how a download is tried again; what heals by waiting names its own time."""
    every = plan.min_read_interval
    return RetryPolicy(initial_interval=every / 5, maximum_interval=every * 60)
