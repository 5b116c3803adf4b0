"""What a run publishes of its record: the memo, the search attributes and Current Details."""

from temporalio import workflow
from vigil.domain.record import Record
from vigil.domain.summary import Summary, summarize
from vigil.domain.tracking_plan import TrackingPlan
from vigil.temporal import messages, visibility

from workflows.metrics import count_changes


class Publication:
    """Publishes a record whenever its summary says something new. Each such summary has the next sequence number."""

    def __init__(self) -> None:
        self._memo: Summary | None = workflow.memo_value(messages.MEMO, None, type_hint=Summary)
        self._last = self._memo
        self._missed = 0

    def continue_from(self, record: Record, plan: TrackingPlan) -> None:
        """Take a stored record as the last publication, since a run before this one published it."""
        self._last = summarize(record, plan)
        self._missed = record.callbacks.missed

    def publish(self, record: Record, plan: TrackingPlan) -> Record:
        """Publish a record, and return it with its sequence number."""
        fresh = summarize(record, plan)
        count_changes(fresh, self._last, missed=record.callbacks.missed - self._missed)
        self._missed = record.callbacks.missed
        if self._last is None or not fresh.publishes_the_same_as(self._last):
            record = record.with_sequence(max(record.sequence, self._last.sequence if self._last else 0) + 1)
            fresh = fresh.with_sequence(record.sequence)
        if self._memo is None or not fresh.publishes_the_same_as(self._memo):
            workflow.upsert_memo({messages.MEMO: fresh})
            changes = visibility.changes(self._memo, fresh)
            if changes:
                workflow.upsert_search_attributes(changes)
        self._last = self._memo = fresh
        workflow.set_current_details(visibility.details(record, plan, fresh, now=workflow.now()))
        return record
