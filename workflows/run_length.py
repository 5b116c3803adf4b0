"""The length of a run: when a new one should go on with the verification, and when it must."""

from temporalio import workflow

from workflows import options


class RunLength:
    """Compares the history of a run with what Temporal suggests and takes."""

    def __init__(self) -> None:
        self._suggested_at: int | None = None

    def note(self) -> None:
        """Note the length at which Temporal first suggests a new run. Call it whenever events have been applied."""
        if self._suggested_at is None and self.is_long:
            self._suggested_at = workflow.info().get_current_history_length()

    @property
    def is_long(self) -> bool:
        """Whether Temporal suggests a new run."""
        return workflow.info().is_continue_as_new_suggested()

    def is_too_long(self, signals: int) -> bool:
        """Whether a run that has received so many signals must not grow further.

        Temporal takes 10,000 signals, and then no registration either. Long before that, a worker without the run in
        its cache replays it for longer than a workflow task may take.
        """
        length = workflow.info().get_current_history_length()
        has_doubled = self._suggested_at is not None and length >= 2 * self._suggested_at
        return has_doubled or signals >= options.MOST_SIGNALS
