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
"""Longer than one exchange with a provider may take; also the delay after a worker is killed during a read."""

DOWNLOAD_TIMEOUT: Final = timedelta(hours=1)
DOWNLOAD_HEARTBEAT: Final = timedelta(seconds=20)
"""Longer than the wait between two pieces of a file."""
MOST_DOWNLOADS: Final = 4

SEND_TIMEOUT: Final = timedelta(seconds=30)
SEND_WITHIN: Final = timedelta(days=5)
SEND_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(hours=1))

MESSAGE_TIMEOUT: Final = timedelta(seconds=18)
"""Longer than admission and message sender may take; also the delay after a worker is killed while it sends."""
MESSAGE_PAUSES: Final = (timedelta(seconds=1), timedelta(seconds=3), timedelta(seconds=10), timedelta(seconds=20))
"""Pauses between attempts to send a message; the last one repeats."""
ONCE: Final = RetryPolicy(maximum_attempts=1)
"""For activities whose lost result must not cause a repetition."""

DISCOVERY_TIMEOUT: Final = timedelta(hours=1)
DISCOVERY_HEARTBEAT: Final = timedelta(minutes=1)
"""Longer than one page of a provider's list may take, retries included."""
DISCOVERY_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=5))

REPLAY_WITHIN: Final = timedelta(minutes=10)
"""Longer than a short outage of a provider; after that a person may ask for the replay."""

RECHECK_TIMEOUT: Final = timedelta(seconds=30)
RECHECK_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10))

ERASE_TIMEOUT: Final = timedelta(hours=1)
ERASE_HEARTBEAT: Final = timedelta(seconds=30)
"""Longer than one call to the storage or to Temporal may take."""
ERASE_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
LOOK_AGAIN_AFTER: Final = timedelta(seconds=3)
"""Longer than Temporal takes to delete a run and to list a new one."""
LONGEST_LOOK: Final = timedelta(hours=1)
"""So that a server which goes on listing a deleted run does not make a long history."""

REGISTER_TIMEOUT: Final = timedelta(seconds=30)
REGISTER_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
FIND_WITHIN: Final = timedelta(days=1)
"""Longer than an outage of a provider. One that refuses our credentials would be asked for ever."""

MOST_SIGNALS: Final = 1000
"""A run with more begins anew, whatever is under way. Temporal takes 10,000, and a replay of 5,000 can take 10 s."""

URGENT: Final = Priority(priority_key=1)
ROUTINE: Final = Priority(priority_key=3)


def read_retry(plan: TrackingPlan) -> RetryPolicy:
    """Return the retry of a read that a callback or a command caused."""
    every = plan.min_read_interval
    return RetryPolicy(initial_interval=every / 5, maximum_interval=every * 12)


def poll_retry(plan: TrackingPlan) -> RetryPolicy:
    """Return the retry of a poll: only a floor, since each attempt names the time of the next."""
    return RetryPolicy(initial_interval=plan.min_read_interval, backoff_coefficient=1.0)


def download_retry(plan: TrackingPlan) -> RetryPolicy:
    """Return the retry of a download; an error that passes by waiting names its own time."""
    every = plan.min_read_interval
    return RetryPolicy(initial_interval=every / 5, maximum_interval=every * 60)
