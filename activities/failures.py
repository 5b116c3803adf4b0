"""The only translator of what went wrong into Temporal's terms."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

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
