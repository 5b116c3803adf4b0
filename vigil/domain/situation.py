"""What one look at the Temporal server shows of a verification."""

from vigil.domain.models import StrictModel
from vigil.domain.notification import NotificationRow
from vigil.domain.summary import Summary
from vigil.domain.terms import Instant, Stage, Word


class PendingStep(StrictModel):
    """One activity that the server holds for us."""

    step: str
    queue: str
    attempt: int
    is_running: bool
    scheduled_at: Instant | None = None
    next_at: Instant | None = None
    last_answer: str | None = None
    """The coded reason why its last attempt failed."""
    is_troubled: bool = False
    """Whether that reason is a trouble, and not the same answer as before."""


class PendingTask(StrictModel):
    """The workflow task that the server holds for us."""

    attempt: int
    is_running: bool
    since: Instant


class Queue(StrictModel):
    """A task queue, and when a worker last asked it for work (None: not within the server's memory, some minutes).

    Only workers that get work from it count. `idle_builds` are the builds of all others: Temporal gives work to
    `current_build`, or if that is None to workers without a build.
    """

    name: str
    last_asked_at: Instant | None
    current_build: str | None = None
    idle_builds: tuple[str, ...] = ()


class Interruption(StrictModel):
    """The end of a run in Temporal before the verification was complete: `terminated`, `canceled`, `failed` ..."""

    run: Word
    status: Word


class Situation(StrictModel):
    """Everything that the Temporal server shows of a verification."""

    summary: Summary | None
    is_open: bool
    is_unreadable: bool = False
    """Whether there is a summary that this release cannot read, since a later one published it."""
    steps: tuple[PendingStep, ...] = ()
    task: PendingTask | None = None
    queues: tuple[Queue, ...] = ()
    owed: tuple[NotificationRow, ...] = ()
    """Notifications that an endpoint does not have yet, or will never have."""
    interruption: Interruption | None = None
    """How the newest run ended, if it was ended in Temporal."""
    reference: str | None = None
    """The reference as the reader may see it. None where it must not be shown, as in Temporal."""

    @property
    def is_interrupted(self) -> bool:
        """Whether the verification is not complete, and no run follows it."""
        return self.interruption is not None and (self.summary is None or self.summary.stage != Stage.COMPLETE)
