"""One verification, followed from the first word of it until nothing more is to be done."""

from contextlib import suppress
from datetime import datetime
from typing import NoReturn, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from vigil.domain import callbacks, decisions, record_edits
    from vigil.domain.callback_event import CallbackEvent
    from vigil.domain.evidence import replace_row
    from vigil.domain.log import EntryKind, LogEntry
    from vigil.domain.message import MessageOutcome
    from vigil.domain.models import MessageModel
    from vigil.domain.record import Record
    from vigil.domain.registration import Registration
    from vigil.domain.summary import Summary, summarize
    from vigil.domain.timers import SENTENCES, apply_timers, timers, wants_last_read
    from vigil.domain.times import confirmation_until, is_settled, rechecks_due, replay_wanted, wants_poll
    from vigil.domain.tracking_plan import TrackingPlan, plan_for
    from vigil.domain.verdict import Cause
    from vigil.temporal import messages, visibility

    from workflows import options
    from workflows.downloads import Downloads
    from workflows.provider_reads import ProviderReads
    from workflows.wakeup import WakeUp

ResultT = TypeVar("ResultT")


@workflow.defn(name=messages.VERIFICATION_WORKFLOW)
class VerificationWorkflow:
    """Waits for callbacks, asks when they are overdue, brings home what was decided and the files behind it."""

    @workflow.init
    def __init__(self, order: messages.TrackVerification) -> None:
        self._order = order
        self._wake_up = WakeUp()
        self._reads = ProviderReads(order.path, order.key.account, self._wake_up.notify)
        self._downloads = Downloads(order.path, self._wake_up.notify)
        self._arrivals: list[Registration | CallbackEvent | MessageOutcome] = []
        self._loaded: messages.LoadedRecord | None = None
        self._known: Record | None = None
        self._written: Record | None = None
        self._number = 0
        self._read_wanted: Cause | None = None
        self._last: Summary | None = None
        self._memo = workflow.memo_value(messages.MEMO, None, type_hint=Summary)

    @workflow.run
    async def run(self, order: messages.TrackVerification) -> Record:
        """Follow it until it is settled, then leave its record behind; go on if anything arrives meanwhile."""
        await self._load()
        while True:
            await self._follow_until_settled()
            if not await self._leave_record():
                continue
            if self._is_settled():
                return self._record
            workflow.continue_as_new(order.begun(messages.BegunBy.WORD))

    # ------------------------------------------------------------------ what is told to it

    @workflow.signal
    def register(self, registration: Registration) -> None:
        """Take the registration by a backend."""
        self._arrivals.append(registration)
        self._wake_up.notify()

    @workflow.signal
    def callback_received(self, told: RawValue) -> None:
        """Take the `CallbackEvent` of a callback.

        While versions run side by side one may come that we cannot read. Temporal would drop it; here it still rings.
        """
        try:
            notice: CallbackEvent = workflow.payload_converter().from_payload(told.payload, CallbackEvent)
            self._arrivals.append(notice)
        except (ValueError, KeyError):
            self._request_read(Cause.CALLBACK)
        self._wake_up.notify()

    @workflow.signal
    def message_reported(self, told: MessageOutcome) -> None:
        """Take what became of a message that the provider asked us to send."""
        self._arrivals.append(told)
        self._wake_up.notify()

    @workflow.update
    async def poll_now(self, command: messages.PollNow) -> messages.CommandAccepted:
        """Ask the provider at once."""
        await self._until_loaded()
        self._request_read(Cause.COMMAND)
        return self._carried_out(_commanded(self._record, "poll_now", command.author))

    @workflow.update
    async def extend_deadline(self, command: messages.ExtendDeadline) -> messages.CommandAccepted:
        """Move our deadline."""
        await self._until_loaded()
        self._refuse_unless_open()
        if command.deadline_at <= workflow.now():
            _refuse("the new deadline has passed")
        record = self._record
        record = record.with_verdict(
            record.verdict.move_deadlines(command.deadline_at, record.verdict.review_deadline_at)
        )
        return self._carried_out(_commanded(record, "extend_deadline", command.author))

    @workflow.update
    async def withdraw(self, command: messages.Withdraw) -> messages.CommandAccepted:
        """End it because the backend no longer wants it."""
        await self._until_loaded()
        self._refuse_unless_open()
        return self._carried_out(decisions.withdraw(self._record, author=command.author, at=workflow.now()))

    @workflow.update
    async def resolve(self, command: messages.Resolve) -> messages.CommandAccepted:
        """Take a person's decision."""
        await self._until_loaded()
        decided = decisions.apply_manual_decision(
            self._record, command.decision, command.reason, author=command.author, at=workflow.now()
        )
        return self._carried_out(decided)

    @withdraw.validator
    def _may_withdraw(self, command: messages.Withdraw) -> None:
        if self._known is not None:
            self._refuse_unless_open()

    @extend_deadline.validator
    def _may_extend(self, command: messages.ExtendDeadline) -> None:
        if self._known is not None:
            self._refuse_unless_open()

    @workflow.query
    def record(self) -> Record | None:
        """Return all that is known now; None while it is loading."""
        return self._known

    @workflow.query
    def timeline(self) -> list[LogEntry]:
        """Return what was heard, asked and decided, in order."""
        return list(self._known.log.entries) if self._known else []

    # ------------------------------------------------------------------ the story

    async def _load(self) -> None:
        order = messages.LoadRecord(path=self._order.path, account=self._order.key.account)
        loaded = await _storage_step(messages.LOAD_RECORD, order, messages.LoadedRecord, "Load the record")
        self._loaded = loaded
        self._number = loaded.number
        if loaded.record is not None:
            self._known = self._written = loaded.record
            self._last = summarize(loaded.record, self._plan)
            if self._order.begun_by is messages.BegunBy.RECHECK:
                self._request_read(Cause.RECHECK)
            return
        key, at = self._order.key, self._order.opened_at
        self._known = callbacks.open_record(
            key, provider=self._order.provider, environment=self._order.environment, at=at, plan=self._plan
        )
        self._last = self._memo
        if self._order.begun_by is messages.BegunBy.DISCOVERY:
            self._known = callbacks.mark_discovered(self._known, at=at)
            self._request_read(Cause.DISCOVERY)

    async def _follow_until_settled(self) -> None:
        while True:
            self._take_arrivals()
            self._take_answers()
            self._apply_timers()
            self._ask()
            if self._is_settled() and not self._has_news():
                return  # the record that it leaves behind is published with it
            self._publish()
            if await self._announce():
                continue  # while it waited, a command may have brought another verdict
            if self._is_settled() or self._should_begin_anew():
                return
            due, why = self._next_due()
            await self._wake_up.wait(due, why)

    async def _leave_record(self) -> bool:
        """Write the record. False if anything arrived meanwhile, so that there is more to do first."""
        self._wake_up.stop()
        self._reads.stop_polling()
        if self._is_settled():
            await self._have_reread()
            if self._has_news():
                return False  # a person has decided while this run waited, and nobody has been notified of it
            self._known = record_edits.complete(self._record, at=workflow.now())
            self._publish()
        if self._record is not self._written or self._number == 0:
            self._known = written = self._record.written_by(workflow.info().run_id)
            order = messages.WriteRecord(path=self._order.path, number=self._number + 1, record=written)
            self._number = await _storage_step(messages.WRITE_RECORD, order, int, "Write the record")
            self._written = written
        await workflow.wait_condition(workflow.all_handlers_finished)
        return not self._arrivals and self._read_wanted is None and self._record is self._written

    def _take_arrivals(self) -> None:
        arrivals, self._arrivals = self._arrivals, []
        for arrival in arrivals:
            if isinstance(arrival, Registration):
                self._take_registration(arrival)
            elif isinstance(arrival, MessageOutcome):
                self._known = callbacks.apply_message_outcome(self._record, arrival)
            else:
                changes = self._plan.finals_may_change
                self._known = callbacks.apply_callback(self._record, arrival, finals_may_change=changes)
                if not arrival.intermediate:
                    self._request_read(Cause.CALLBACK)

    def _take_registration(self, registration: Registration) -> None:
        is_first = not self._record.is_registered
        self._known = callbacks.apply_registration(self._record, registration, plan=self._plan)
        if is_first and decisions.was_given_up(self._record):
            cause = Cause.REGISTRATION
            self._known = decisions.resume(self._record, plan=self._plan, at=workflow.now(), cause=cause)
            self._request_read(cause)

    def _take_answers(self) -> None:
        for reading, cause in self._reads.answers():
            self._known = decisions.apply_read(self._record, reading, plan=self._plan, cause=cause)
        for row in self._downloads.settled():
            ledger = replace_row(self._record.evidence, row)
            self._known = record_edits.apply_ledger(self._record, ledger, at=row.at)

    def _apply_timers(self) -> None:
        now, read_at = workflow.now(), None if self._reads.is_reading else self._reads.read_started_at
        self._known = apply_timers(self._record, self._plan, now=now, read_at=read_at)
        if not self._reads.is_reading and wants_last_read(self._record, self._plan, now=now, read_at=read_at):
            self._request_read(Cause.DEADLINE)

    def _request_read(self, cause: Cause) -> None:
        """Have the provider read as soon as its minimal interval allows."""
        self._read_wanted = cause.or_stronger(self._read_wanted)

    def _ask(self) -> None:
        now = workflow.now()
        if self._read_wanted and not self._reads.is_reading and now >= self._read_allowed_at():
            self._reads.read(self._record, self._plan, cause=self._read_wanted)
            self._read_wanted = None
        if not wants_poll(self._record, self._plan, now):
            self._reads.stop_polling()
        elif not (self._read_wanted or self._reads.is_reading):
            # While a read is on its way the poll is left as it is: the answer says what is to be polled for.
            self._reads.poll(self._poll_order(), self._plan, until=self._record.verdict.deadline_at)
        missing = replay_wanted(self._record, self._plan)
        if missing is not None and not self._reads.is_replaying:
            self._reads.replay(self._record, self._plan)
            self._known = callbacks.note_replay(self._record, missing, at=now)
        if self._record.is_concluded:
            self._downloads.start(self._record, self._plan)

    def _publish(self) -> None:
        fresh = summarize(self._record, self._plan)
        if self._last is None or not fresh.publishes_the_same_as(self._last):
            sequence = max(self._record.sequence, self._last.sequence if self._last else 0) + 1
            self._known = self._record.with_sequence(sequence)
            fresh = summarize(self._record, self._plan)
        if self._memo is None or not fresh.publishes_the_same_as(self._memo):
            workflow.upsert_memo({messages.MEMO: fresh})
            changes = visibility.changes(self._memo, fresh)
            if changes:
                workflow.upsert_search_attributes(changes)
        self._last = self._memo = fresh
        workflow.set_current_details(visibility.details(self._record, self._plan))

    async def _announce(self) -> bool:
        """Have every backend endpoint told of a new verdict, by workflows of their own; False if there is none."""
        record = self._record
        if not self._has_news() or record.subject.registration is None:
            return False
        self._known = record.with_verdict(record.verdict.mark_notified())
        for endpoint in record.subject.registration.notify:
            notify = visibility.notification(record, endpoint, path=self._order.path, at=workflow.now())
            # A run that an operator ended may have one of this revision under way, whose reader asks us for the rest.
            with suppress(WorkflowAlreadyStartedError):
                await workflow.start_child_workflow(
                    messages.NOTIFICATION_WORKFLOW,
                    notify,
                    id=f"notification/{self._order.path}/{record.verdict.revision}/{endpoint}",
                    task_queue=messages.NOTIFICATIONS_QUEUE,
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                    static_summary=f"Tell `{endpoint}` of revision {record.verdict.revision}",
                )
        return True

    async def _have_reread(self) -> None:
        """Have a verdict that may be reopened read again later, by a workflow of its own; each verdict once."""
        record = self._record
        due_at = rechecks_due(record, self._plan, workflow.now())
        if not due_at or record.verdict.rechecked_revision == record.verdict.revision:
            return
        self._known = record.with_verdict(record.verdict.mark_rechecked())
        with suppress(WorkflowAlreadyStartedError):
            await workflow.start_child_workflow(
                messages.RECHECK_WORKFLOW,
                messages.RecheckSchedule(key=record.key, revision=record.verdict.revision, due_at=due_at),
                id=f"recheck/{self._order.path}/{record.verdict.revision}",
                task_queue=messages.VERIFICATIONS_QUEUE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary="Read the verdict again, since it may be reopened",
            )

    # ------------------------------------------------------------------ what is known and due

    @property
    def _record(self) -> Record:
        if self._known is None:
            raise AssertionError("asked for the record before it was loaded")
        return self._known

    @property
    def _plan(self) -> TrackingPlan:
        if self._loaded is None:
            raise AssertionError("asked for the plan before it was loaded")
        sender = self._known.subject.sender if self._known else None
        return plan_for(sender, self._loaded.plans, self._loaded.default_sender)

    def _is_settled(self) -> bool:
        asks = self._reads.is_reading or self._reads.is_replaying
        under_way = asks or self._downloads.are_under_way or self._read_wanted is not None
        return is_settled(self._record, self._plan, workflow.now()) and not under_way

    def _has_news(self) -> bool:
        """Whether a verdict has not been told to the backend that registered it."""
        return self._record.is_registered and self._record.verdict.revision != self._record.verdict.notified_revision

    def _should_begin_anew(self) -> bool:
        is_quiet = not (self._read_wanted or self._reads.is_reading or self._arrivals)
        return is_quiet and workflow.info().is_continue_as_new_suggested()

    def _read_allowed_at(self) -> datetime:
        asked_at = self._reads.read_started_at
        return workflow.now() if asked_at is None else asked_at + self._plan.min_read_interval

    def _poll_order(self) -> messages.PollInput:
        record = self._record
        return messages.PollInput(
            path=self._order.path,
            question=record.question(self._plan),
            known=record.known,
            stage=record.verdict.stage,
            entered_at=record.verdict.stage_entered_at,
            confirmation_until=confirmation_until(record, self._plan),
        )

    def _next_due(self) -> tuple[datetime | None, str]:
        now = workflow.now()
        coming = [(at, SENTENCES[name]) for name, at in timers(self._record, self._plan).items() if at > now]
        if self._read_wanted and not self._reads.is_reading:
            coming.append((self._read_allowed_at(), "we ask the provider"))
        if not coming:
            return None, ""
        at, why = min(coming)
        return at, f"Until {at:%d %b %H:%M:%S}: {why}"

    # ------------------------------------------------------------------ commands

    async def _until_loaded(self) -> None:
        await workflow.wait_condition(lambda: self._known is not None)

    def _carried_out(self, record: Record) -> messages.CommandAccepted:
        self._known = record
        self._wake_up.notify()
        return messages.CommandAccepted(
            revision=record.verdict.revision,
            sequence=record.sequence,
            stage=record.verdict.stage,
            decision=record.verdict.decision,
            outcome=record.verdict.outcome,
        )

    def _refuse_unless_open(self) -> None:
        if self._record.is_concluded:
            _refuse(f"it is concluded already: {self._record.verdict.outcome}")


def _commanded(record: Record, command: str, author: str) -> Record:
    return record_edits.add_log_entry(record, EntryKind.COMMANDED, at=workflow.now(), words=(command,), actor=author)


def _refuse(why: str) -> NoReturn:
    raise ApplicationError(why, type=messages.REFUSED, non_retryable=True)


async def _storage_step(name: str, order: MessageModel, result_type: type[ResultT], summary: str) -> ResultT:
    """Run a short step on storage: locally, and where that fails as an activity that operators see waiting."""
    try:
        done: ResultT = await workflow.execute_local_activity(
            name,
            order,
            result_type=result_type,
            start_to_close_timeout=options.LOCAL_TIMEOUT,
            retry_policy=options.LOCAL_ATTEMPTS,
            summary=summary,
        )
    except (ActivityError, ApplicationError):  # a local activity's own failure comes out unwrapped
        done = await workflow.execute_activity(
            name,
            order,
            result_type=result_type,
            start_to_close_timeout=options.STORAGE_TIMEOUT,
            retry_policy=options.STORAGE_RETRY,
            priority=options.RINGS,
            summary=f"{summary}, as soon as storage answers",
        )
    return done
