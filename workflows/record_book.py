"""The record of a verification during one run: loaded at its start, edited in memory, written at its end."""

from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as AttemptTimedOut
from vigil.domain.callbacks import open_record
from vigil.domain.models import MessageModel
from vigil.domain.record import Record
from vigil.domain.tracking_plan import TrackingPlan, plan_for
from vigil.temporal import messages

from workflows import options

ResultT = TypeVar("ResultT")


class RecordBook:
    """Holds the newest record, and knows whether that is the stored one."""

    def __init__(self, order: messages.TrackVerification) -> None:
        self._order = order
        self._loaded: messages.LoadedRecord | None = None
        self._record: Record | None = None
        self._stored: Record | None = None
        self._number = 0

    async def load(self) -> bool:
        """Load the newest record, and return whether there was one. Otherwise open a new record."""
        load = messages.LoadRecord(path=self._order.path, account=self._order.key.account, follows=self._order.follows)
        loaded = await _use_storage(messages.LOAD_RECORD, load, messages.LoadedRecord, "Load the record")
        self._loaded, self._number = loaded, loaded.number
        self._record = self._stored = loaded.record
        if loaded.record is None:
            self._record = open_record(
                self._order.key,
                provider=self._order.provider,
                environment=self._order.environment,
                at=self._order.opened_at,
                plan=self.plan,
            )
        return loaded.record is not None

    @property
    def interrupted(self) -> messages.InterruptedRun | None:
        """What the run before left in Temporal's history, if it ended without storing its record."""
        return self._loaded.interrupted if self._loaded else None

    @property
    def is_erased(self) -> bool:
        """Whether the data of the verification was erased. Then nothing is loaded, and nothing may be written."""
        return self._loaded is not None and self._loaded.is_erased

    async def write(self) -> None:
        """Store the record under the next number, unless the stored record is the newest."""
        if self.is_stored:
            return
        self._record = written = self.record.written_by(workflow.info().run_id)
        write = messages.WriteRecord(path=self._order.path, number=self._number + 1, record=written)
        self._number = await _use_storage(messages.WRITE_RECORD, write, int, "Write the record")
        self._stored = written

    @property
    def is_stored(self) -> bool:
        """Whether the newest record is the stored one."""
        return self._record is self._stored

    @property
    def record(self) -> Record:
        """The newest record."""
        if self._record is None:
            raise AssertionError("asked for the record before it was loaded")
        return self._record

    @record.setter
    def record(self, record: Record) -> None:
        self._record = record

    @property
    def plan(self) -> TrackingPlan:
        """The tracking plan of the record's sender."""
        if self._loaded is None:
            raise AssertionError("asked for the plan before it was loaded")
        sender = self._record.subject.sender if self._record else None
        return plan_for(sender, self._loaded.plans, self._loaded.default_sender)


async def _use_storage(name: str, step: MessageModel, result_type: type[ResultT], summary: str) -> ResultT:
    """Run a short step on storage: locally, and where that fails as an activity that operators see waiting."""
    try:
        done: ResultT = await workflow.execute_local_activity(
            name,
            step,
            result_type=result_type,
            start_to_close_timeout=options.LOCAL_TIMEOUT,
            retry_policy=options.LOCAL_ATTEMPTS,
            summary=summary,
        )
    except (ActivityError, ApplicationError, AttemptTimedOut):
        # The SDK wraps the failure of a local activity when it happens, and does not when it is replayed.
        done = await workflow.execute_activity(
            name,
            step,
            result_type=result_type,
            start_to_close_timeout=options.STORAGE_TIMEOUT,
            retry_policy=options.STORAGE_RETRY,
            priority=options.URGENT,
            summary=f"{summary}, as soon as storage answers",
        )
    return done
