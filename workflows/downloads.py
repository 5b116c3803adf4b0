"""The files that a verification brings home: a few at a time, each row of the ledger settled once."""

from collections.abc import Callable

from domain.evidence import EvidenceRow
from domain.plan import WatchPlan
from domain.record import Record
from domain.terms import ArtifactState, LossReason
from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import options, steps


class Downloads:
    """Starts and gathers downloads. `ring` is called when one is done."""

    def __init__(self, place: str, ring: Callable[[], None]) -> None:
        self._place = place
        self._ring = ring
        self._under_way: dict[str, tuple[EvidenceRow, workflow.ActivityHandle[steps.Downloaded]]] = {}

    @property
    def are_under_way(self) -> bool:
        """Whether any download is."""
        return bool(self._under_way)

    def start(self, record: Record, plan: WatchPlan) -> None:
        """Start downloads for available files, as many as may run at a time."""
        waiting = [row for row in record.evidence if row.state is ArtifactState.AVAILABLE]
        for row in waiting:
            if len(self._under_way) >= options.MOST_DOWNLOADS:
                return
            if row.name not in self._under_way:
                self._start(row, record, plan)

    def settled(self) -> list[EvidenceRow]:
        """Return the rows whose downloads are done, each once."""
        done = {name: pair for name, pair in self._under_way.items() if pair[1].done()}
        for name in done:
            del self._under_way[name]
        return [_row_of(row, handle) for row, handle in done.values()]

    def _start(self, row: EvidenceRow, record: Record, plan: WatchPlan) -> None:
        handle = workflow.start_activity(
            steps.DOWNLOAD,
            steps.Download(
                place=self._place,
                question=record.question(plan),
                artifact=row.artifact(),
                result=record.snapshot.result if record.snapshot else None,
            ),
            task_queue=steps.ARTIFACTS_QUEUE,
            result_type=steps.Downloaded,
            start_to_close_timeout=options.DOWNLOAD_TIMEOUT,
            schedule_to_close_timeout=plan.download_within,
            heartbeat_timeout=options.DOWNLOAD_HEARTBEAT,
            retry_policy=options.download_retry(plan),
            summary=f"Download `{row.name}`",
        )
        handle.add_done_callback(lambda _: self._ring())
        self._under_way[row.name] = (row, handle)


def _row_of(row: EvidenceRow, handle: workflow.ActivityHandle[steps.Downloaded]) -> EvidenceRow:
    failure = handle.exception()
    if failure is None:
        return handle.result().row
    if not isinstance(failure, ActivityError):
        raise failure
    return row.lost(LossReason.UNREACHABLE, workflow.now())
