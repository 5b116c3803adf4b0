"""The only translator of what went wrong into Temporal's terms."""

from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from vigil.storage.contract import StorageUnavailable
from vigil.storage.erasable import Erased
from vigil.temporal.messages import UNCHANGED, Unchanged


def try_again(code: str, *, after: timedelta | None = None) -> ApplicationError:
    """Return the error of an attempt that another may heal. `code` is a word and becomes the error's type."""
    return ApplicationError(code, type=code, category=ApplicationErrorCategory.BENIGN, next_retry_delay=after)


def unchanged(details: Unchanged, *, after: timedelta) -> ApplicationError:
    """Return the error by which a poll sleeps on: expected, and shown with its pending activity."""
    return ApplicationError(
        details.answer,
        details,
        type=UNCHANGED,
        category=ApplicationErrorCategory.BENIGN,
        next_retry_delay=max(after, timedelta(milliseconds=1)),
    )


class RetryStorage(Interceptor):
    """For workers: an activity that failed at the storage is tried again. An outage is expected, and no fault of it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- the SDK's name
        """Return the chain with this interceptor in front."""
        return _RetryStorage(next)


class _RetryStorage(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        try:
            return await super().execute_activity(input)
        except StorageUnavailable:
            raise try_again("StorageUnavailable") from None
        except Erased:
            # The run is about to be ended, and one that begins after it loads the tombstone.
            raise try_again("erased") from None
