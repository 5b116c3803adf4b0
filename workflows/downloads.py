"""The downloads that a verification has under way: a few at a time, and each file once."""

from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError
from vigil.domain.evidence import EvidenceRow
from vigil.domain.record import Record
from vigil.domain.terms import ArtifactState, EvidenceKind, LossReason
from vigil.domain.tracking_plan import TrackingPlan
from vigil.temporal import messages

from workflows import options


class Downloads:
    """Starts downloads and gathers their results. Calls `notify` whenever a download has ended."""

    def __init__(self, path: str, notify: Callable[[], None]) -> None:
        self._path = path
        self._notify = notify
        self._under_way: dict[str, tuple[EvidenceRow, workflow.ActivityHandle[messages.DownloadResult]]] = {}

    @property
    def are_under_way(self) -> bool:
        """Whether any download is under way, or its result is not taken yet."""
        return bool(self._under_way)

    def can_start_early(self, record: Record) -> bool:
        """Whether a recording of an open verification can be downloaded that is not under way."""
        return not record.is_concluded and any(row.name not in self._under_way for row in _wanted_now(record))

    def start(self, record: Record, plan: TrackingPlan) -> None:
        """Start the downloads of available files, at most `MOST_DOWNLOADS` at a time."""
        for row in _wanted_now(record):
            if len(self._under_way) >= options.MOST_DOWNLOADS:
                return
            if row.name not in self._under_way:
                self._start(row, record, plan)

    def take_settled(self) -> list[EvidenceRow]:
        """Return the rows of the ledger whose downloads have ended, each once."""
        done = {name: pair for name, pair in self._under_way.items() if pair[1].done()}
        for name in done:
            del self._under_way[name]
        return [_row_of(row, handle) for row, handle in done.values()]

    def _start(self, row: EvidenceRow, record: Record, plan: TrackingPlan) -> None:
        handle = workflow.start_activity(
            messages.DOWNLOAD,
            messages.DownloadInput(
                path=self._path,
                question=record.question(plan),
                artifact=row.artifact(),
                result=record.reads.snapshot.result if record.reads.snapshot else None,
            ),
            task_queue=messages.ARTIFACTS_QUEUE,
            result_type=messages.DownloadResult,
            start_to_close_timeout=options.DOWNLOAD_TIMEOUT,
            schedule_to_close_timeout=plan.download_within,
            heartbeat_timeout=options.DOWNLOAD_HEARTBEAT,
            retry_policy=options.download_retry(plan),
            summary=f"Download `{row.name}`",
        )
        handle.add_done_callback(lambda _: self._notify())
        self._under_way[row.name] = (row, handle)


def _wanted_now(record: Record) -> list[EvidenceRow]:
    """Return the available files; of an open verification the recordings alone, which no verdict replaces."""
    available = [row for row in record.evidence if row.state is ArtifactState.AVAILABLE]
    return available if record.is_concluded else [row for row in available if row.kind is EvidenceKind.CALL_RECORDING]


def _row_of(row: EvidenceRow, handle: workflow.ActivityHandle[messages.DownloadResult]) -> EvidenceRow:
    failure = handle.exception()
    if failure is None:
        return handle.result().row
    if not isinstance(failure, ActivityError):
        raise failure
    return row.lost(LossReason.UNREACHABLE, workflow.now())
