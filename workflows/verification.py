"""The workflow of one verification: from the first callback or registration until nothing is left to do."""

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import NoReturn

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from vigil.domain import callbacks, decisions, record_edits
    from vigil.domain.callback_event import CallbackEvent
    from vigil.domain.evidence import replace_row
    from vigil.domain.log import EntryKind, LogEntry
    from vigil.domain.message import MessageOutcome
    from vigil.domain.notification import NotificationRow
    from vigil.domain.record import Record
    from vigil.domain.registration import Registration
    from vigil.domain.snapshot import Answer
    from vigil.domain.terms import Attention
    from vigil.domain.timers import SENTENCES, apply_timers, timers, wants_last_read
    from vigil.domain.times import is_recheck_overdue, is_settled, rechecks_due, replay_from, replay_wanted
    from vigil.domain.tracking_plan import TrackingPlan
    from vigil.domain.verdict import Cause
    from vigil.temporal import messages

    from workflows import options
    from workflows.children import start_notification, start_rechecks
    from workflows.downloads import Downloads
    from workflows.plain_input import placeholder, read_json, read_order
    from workflows.provider_reads import ProviderReads
    from workflows.publication import Publication
    from workflows.record_book import RecordBook
    from workflows.run_length import RunLength
    from workflows.signals import NEXT_TASK, NO_PAYLOAD, Arrival, Signals, as_unread, encode_signal
    from workflows.verify import fail
    from workflows.wakeup import WakeUp


class Phase(StrEnum):
    """How far a run has come."""

    LOADING = "loading"
    """The stored record is not loaded yet. Commands wait."""
    OPEN = "open"
    """There is no outcome."""
    CONCLUDED = "concluded"
    """There is an outcome. Files, an answer or a confirmation are still missing."""
    SETTLED = "settled"
    """There is an outcome, and nothing is left to do."""
    LEAVING = "leaving"
    """The record is stored, and nothing has happened since. The run ends."""


@workflow.defn(name=messages.VERIFICATION_WORKFLOW)
class VerificationWorkflow:
    """Waits for callbacks, reads the provider where they are overdue, decides, and downloads the files."""

    @workflow.init
    def __init__(self, raw: RawValue = NO_PAYLOAD) -> None:
        given = read_order(raw)
        order = self._order = given or placeholder(workflow.now())
        self._is_prepared = given is not None
        self._phase = Phase.LOADING
        self._wake_up = WakeUp()
        self._book = RecordBook(order)
        self._publication = Publication()
        self._reads = ProviderReads(order.path, order.key.account, self._wake_up.notify)
        self._downloads = Downloads(order.path, self._wake_up.notify)
        self._signals = Signals()
        self._arrivals: list[Arrival] = []
        self._length = RunLength()

    @workflow.run
    async def run(self, raw: RawValue = NO_PAYLOAD) -> Record:
        """Follow the verification until it is settled, and return its record.

        A backend may start it itself, with the JSON of `POST /verifications`. Then a worker completes the input.

        A run with a long history stores the record earlier, and a new run goes on with it. A run does not end before
        everything that arrives while it stores the record is applied. An operator who cancels the workflow in Temporal
        withdraws the verification.
        """
        if not self._is_prepared:
            await self._prepare(raw)
        tracking = asyncio.create_task(self._track())
        try:
            return await asyncio.shield(tracking)
        except asyncio.CancelledError:
            if workflow.cancellation_reason() is None or tracking.cancelled():
                raise  # the worker drops the run from its cache
        # Temporal says why, and not who. The reason may be personal: it stays in Temporal's history.
        self._arrivals.append(messages.Withdraw(author=messages.TEMPORAL))
        self._wake_up.notify()
        return await tracking

    async def _prepare(self, raw: RawValue) -> NoReturn:
        """Begin anew with the input that a worker derives from a registration, and with all signals so far."""
        try:
            prepared: messages.PreparedRegistration = await workflow.execute_activity(
                messages.PREPARE_REGISTRATION,
                read_json(raw),
                result_type=messages.PreparedRegistration,
                start_to_close_timeout=options.REGISTER_TIMEOUT,
                retry_policy=options.REGISTER_RETRY,
                summary="Complete the registration",
            )
        except ActivityError as error:
            fail(error)
        register = encode_signal("register", prepared.registration)
        workflow.continue_as_new(prepared.order.continued(unread=(register, *self._signals.unread), wants_read=None))

    async def _track(self) -> Record:
        order = self._order
        await self._load()
        if self._book.is_erased:
            # It receives and forgets: nothing is read, stored or reported of an erased verification.
            self._phase = Phase.LEAVING
            await workflow.wait_condition(workflow.all_handlers_finished)
            return self._record
        while True:
            reached = await self._follow()
            await self._leave(reached)
            if self._phase is Phase.LEAVING:
                break
        if reached is not Phase.SETTLED:
            unread, wants_read = self._signals.unread, self._reads.pending_cause
            workflow.continue_as_new(order.continued(unread=unread, wants_read=wants_read))
        return self._record

    # ------------------------------------------------------------------ signals, commands and queries

    @workflow.signal
    def register(self, raw: RawValue = NO_PAYLOAD) -> None:
        """Receive the `Registration` by a backend."""
        self._receive("register", raw)

    @workflow.signal
    def callback_received(self, raw: RawValue = NO_PAYLOAD) -> None:
        """Receive the `CallbackEvent` of a callback."""
        self._receive("callback_received", raw)

    @workflow.signal
    def message_reported(self, raw: RawValue = NO_PAYLOAD) -> None:
        """Receive the `MessageOutcome` of a message that the provider asked us to send."""
        self._receive("message_reported", raw)

    @workflow.signal
    def notification_reported(self, raw: RawValue = NO_PAYLOAD) -> None:
        """Receive the `NotificationRow` of a notification that is owed for long, or was settled after that."""
        self._receive("notification_reported", raw)

    def _receive(self, name: str, raw: RawValue) -> None:
        if not self._is_prepared:
            self._signals.keep(as_unread(name, raw.payload))
            return
        self._arrivals += self._signals.receive(name, raw)
        self._wake_up.notify()

    @workflow.update
    async def poll_now(self, command: messages.PollNow) -> messages.CommandAccepted:
        """Read the provider as soon as possible."""
        await self._until_loaded()
        self._request_read(Cause.COMMAND)
        return self._accept(command, _logged(self._record, "poll_now", command.author))

    @workflow.update
    async def extend_deadline(self, command: messages.ExtendDeadline) -> messages.CommandAccepted:
        """Move our deadline."""
        await self._until_loaded()
        self._refuse_unless_open()
        if command.deadline_at <= workflow.now():
            _refuse("the new deadline has passed")
        return self._accept(command, _extended(self._record, command))

    @workflow.update
    async def withdraw(self, command: messages.Withdraw) -> messages.CommandAccepted:
        """End the verification because the backend no longer wants it."""
        await self._until_loaded()
        self._refuse_unless_open()
        return self._accept(command, decisions.withdraw(self._record, author=command.author, at=workflow.now()))

    @workflow.update
    async def resolve(self, command: messages.Resolve) -> messages.CommandAccepted:
        """Apply a person's decision."""
        await self._until_loaded()
        return self._accept(command, _resolved(self._record, command))

    @withdraw.validator
    def _may_withdraw(self, command: messages.Withdraw) -> None:
        if self._phase is not Phase.LOADING:
            self._refuse_unless_open()

    @extend_deadline.validator
    def _may_extend(self, command: messages.ExtendDeadline) -> None:
        if self._phase is not Phase.LOADING:
            self._refuse_unless_open()

    @workflow.query
    def record(self) -> Record | None:
        """Return the newest record; None while the run loads it."""
        return None if self._phase is Phase.LOADING else self._record

    @workflow.query
    def timeline(self) -> list[LogEntry]:
        """Return the log of callbacks, reads, commands and decisions, in order."""
        return [] if self._phase is Phase.LOADING else list(self._record.log.entries)

    # ------------------------------------------------------------------ the phases of a run

    async def _load(self) -> None:
        existed = await self._book.load()
        if existed:
            self._publication.continue_from(self._record, self._plan)
            if self._order.started_by is messages.StartedBy.RECHECK:
                self._request_read(Cause.RECHECK)
        elif self._order.started_by is messages.StartedBy.DISCOVERY:
            self._book.record = callbacks.mark_discovered(self._record, at=self._order.opened_at)
            self._request_read(Cause.DISCOVERY)
        if self._order.wants_read is not None:
            self._request_read(self._order.wants_read)
        self._continue_interrupted()
        self._read_unread_again()

    def _continue_interrupted(self) -> None:
        """Take over what Temporal's history holds of a run that stored nothing, and read what callbacks told it."""
        run = self._book.interrupted
        if run is not None:
            self._book.record = record_edits.continue_interrupted(
                self._record,
                revision=run.revision,
                sequence=run.sequence,
                at=self._order.opened_at,
                actor=messages.TEMPORAL,
            )
            self._arrivals[:0] = [self._signals.read_again(signal) for signal in run.signals]
            self._request_read(Cause.CALLBACK)

    def _read_unread_again(self) -> None:
        """Read what the run before could not read: a worker of a later release may have taken over."""
        again = [self._signals.read_again(signal) for signal in self._order.unread]
        if again and not any(isinstance(signal, messages.UnreadSignal) for signal in again):
            self._book.record = record_edits.clear_attention(self._record, Attention.UNREADABLE_SIGNAL)
        self._arrivals[:0] = again

    async def _follow(self) -> Phase:
        """Apply whatever happens until nothing is left to do, or until the history is long. Return the phase."""
        while True:
            self._apply_events()
            if self._signals.are_waiting:
                await workflow.sleep(NEXT_TASK, summary="Read more of the signals that came at once")
                continue
            self._start_work()
            self._phase = self._phase_now()
            if self._phase is Phase.SETTLED and not self._has_unsent_verdict():
                return self._phase  # `_complete` publishes the record
            self._publish()
            if await self._notify_backends():
                continue  # a command may have changed the verdict meanwhile
            self._length.note()
            if self._should_begin_anew():
                return self._phase
            await self._wake_up.wait(*self._next_wake_up())

    async def _leave(self, reached: Phase) -> None:
        """Store the record, completed if nothing is left to do. Enter `LEAVING` unless something happened meanwhile."""
        self._wake_up.stop()
        self._reads.stop_polling()
        if reached is Phase.SETTLED and not await self._complete():
            return
        await self._book.write()
        await workflow.wait_condition(workflow.all_handlers_finished)
        hands_read_on = reached is not Phase.SETTLED and self._must_begin_anew()
        has_arrivals = self._arrivals or self._signals.are_waiting
        if self._book.is_stored and not has_arrivals and (hands_read_on or not self._reads.is_requested):
            self._phase = Phase.LEAVING

    async def _complete(self) -> bool:
        """Complete and publish the record. Return False if anything must be looked at again first."""
        if is_recheck_overdue(self._record, self._plan, workflow.now()) and workflow.patched("recheck-passed-ages"):
            # A recheck that fell due while this run was open started nothing.
            self._request_read(Cause.RECHECK)
            return False
        await self._start_rechecks()
        if self._has_unsent_verdict():
            return False
        self._book.record = record_edits.complete(self._record, at=workflow.now())
        self._publish()
        return not await self._notify_of_completion()  # a command may have changed the verdict meanwhile

    def _phase_now(self) -> Phase:
        if not self._record.is_concluded:
            return Phase.OPEN
        is_busy = self._reads.is_read_pending or self._reads.is_replaying or self._downloads.are_under_way
        is_done = is_settled(self._record, self._plan, workflow.now()) and not (is_busy or self._signals.are_awaited)
        return Phase.SETTLED if is_done else Phase.CONCLUDED

    def _should_begin_anew(self) -> bool:
        """Whether a new run is due. It also reads again what this one could not read.

        Temporal suggests one for a long history. It waits until no read is under way, but no longer than the history
        may grow: while a provider is down a read lasts for hours, and callbacks go on.
        """
        if self._reads.is_read_pending or self._arrivals:
            return self._must_begin_anew()
        return self._length.is_long or self._signals.should_be_read_again

    def _must_begin_anew(self) -> bool:
        """Whether a new run is due whatever is under way. The new run reads what this one was reading."""
        return self._length.is_too_long(self._signals.count) and workflow.patched("begin-anew-while-reading")

    # ------------------------------------------------------------------ what happens

    def _apply_events(self) -> None:
        self._apply_arrivals()
        self._apply_results()
        self._apply_timers()

    def _apply_arrivals(self) -> None:
        arrivals, self._arrivals = [*self._arrivals, *self._signals.take_part()], []
        for arrival in arrivals:
            if isinstance(arrival, Registration):
                self._apply_registration(arrival)
            elif isinstance(arrival, MessageOutcome):
                self._book.record = callbacks.apply_message_outcome(self._record, arrival)
            elif isinstance(arrival, NotificationRow):
                self._book.record = record_edits.apply_notification(self._record, arrival)
            elif isinstance(arrival, messages.UnreadSignal):
                self._apply_unread(arrival)
            elif isinstance(arrival, messages.Command):
                self._apply_command(arrival)
            elif isinstance(arrival, CallbackEvent):
                self._apply_callback(arrival)

    def _apply_unread(self, signal: messages.UnreadSignal) -> None:
        if signal.name == "callback_received":
            self._request_read(Cause.CALLBACK)  # its receipt is stored, and the read finds what it reported
        else:
            self._signals.keep(signal)
            reason = Attention.UNREADABLE_SIGNAL
            self._book.record = record_edits.add_attention(self._record, reason, at=signal.received_at)

    def _apply_command(self, command: messages.Command) -> None:
        """Carry out what an operator did in Temporal, or a person commanded an interrupted run. A verdict stays."""
        if isinstance(command, messages.Resolve):
            self._book.record = _resolved(self._record, command)
        elif isinstance(command, messages.ExtendDeadline):
            if command.deadline_at > workflow.now() and not self._record.is_concluded:
                self._book.record = _extended(self._record, command)
        elif self._record.is_concluded:
            self._book.record = _logged(self._record, "withdraw", command.author)
        else:
            self._book.record = decisions.withdraw(self._record, author=command.author, at=workflow.now())

    def _apply_registration(self, registration: Registration) -> None:
        is_first = not self._record.is_registered
        self._book.record = callbacks.apply_registration(self._record, registration, plan=self._plan)
        if is_first and decisions.was_given_up(self._record):
            cause = Cause.REGISTRATION
            self._book.record = decisions.resume(self._record, plan=self._plan, at=workflow.now(), cause=cause)
            self._request_read(cause)

    def _apply_callback(self, event: CallbackEvent) -> None:
        changes, is_worth_a_read = self._plan.finals_may_change, callbacks.causes_read(self._record, event)
        if callbacks.is_one_too_many(self._record, event) and workflow.patched("late-read-budget"):
            is_worth_a_read = False
        self._book.record = callbacks.apply_callback(self._record, event, finals_may_change=changes)
        is_body_lost = self._plan.details_in_callbacks and event.receipt is None and event.proof.may_add_progress
        if is_body_lost and workflow.patched("repetition-before-replay"):
            self._book.record = callbacks.await_repetition(self._record, event)
        if is_worth_a_read:
            self._reads.request(Cause.CALLBACK, event.traceparent)

    def _apply_results(self) -> None:
        for result, cause in self._reads.take_answers():
            self._book.record = decisions.apply_read(self._record, result, plan=self._plan, cause=cause)
            if result.answer is Answer.NOT_FOUND and workflow.patched("doubt-the-reference"):
                reads = self._record.reads.note_denial(at=result.asked_at)
                self._book.record = self._record.with_reads(reads)
        for row in self._downloads.take_settled():
            ledger = replace_row(self._record.evidence, row)
            self._book.record = record_edits.apply_ledger(self._record, ledger, at=row.at)

    def _apply_timers(self) -> None:
        now, read_at = workflow.now(), self._reads.answered_at
        self._book.record = apply_timers(self._record, self._plan, now=now, read_at=read_at)
        if not self._reads.is_reading and wants_last_read(self._record, self._plan, now=now, read_at=read_at):
            self._request_read(Cause.DEADLINE)

    # ------------------------------------------------------------------ what follows from it

    def _request_read(self, cause: Cause) -> None:
        self._reads.request(cause)

    def _start_work(self) -> None:
        self._reads.start(self._record, self._plan)
        missing, replay_at = replay_wanted(self._record, self._plan), replay_from(self._record, self._plan)
        may_replay = (replay_at is None or replay_at <= workflow.now()) and not self._reads.is_replaying
        if missing is not None and may_replay:
            self._reads.replay(self._record, self._plan)
            now, within = workflow.now(), self._plan.replay_answered_within
            until = now + within if within is not None else None
            self._book.record = callbacks.note_replay(self._record, missing, at=now, until=until)
        has_early = self._downloads.can_start_early(self._record)
        if self._record.is_concluded or (has_early and workflow.patched("recordings-while-open")):
            self._downloads.start(self._record, self._plan)

    def _publish(self) -> None:
        self._book.record = self._publication.publish(self._record, self._plan)

    def _has_unsent_verdict(self) -> bool:
        """Whether no notification of the newest verdict was started, though a backend has registered."""
        verdict = self._record.verdict
        return self._record.is_registered and verdict.revision != verdict.notified_revision

    async def _notify_backends(self) -> bool:
        """Notify every endpoint of a new verdict. Return False if there is no new one."""
        record = self._record
        if record.subject.registration is None or not self._has_unsent_verdict():
            return False
        self._book.record = record.with_verdict(record.verdict.mark_notified())
        for endpoint in record.subject.registration.notify:
            await start_notification(record, endpoint, path=self._order.path)
        return True

    async def _notify_of_completion(self) -> bool:
        """Notify the endpoints that want it that the verification is complete, once for each revision."""
        record, verdict, registration = self._record, self._record.verdict, self._record.subject.registration
        endpoints = registration.notify_complete if registration else ()
        if not endpoints or verdict.completion_notified_revision == verdict.revision:
            return False
        self._book.record = record.with_verdict(verdict.mark_completion_notified())
        for endpoint in endpoints:
            await start_notification(record, endpoint, path=self._order.path, kind="verification.completed")
        return True

    async def _start_rechecks(self) -> None:
        """Have a verdict that the provider may take back read again later, each verdict once."""
        record = self._record
        due_at = rechecks_due(record, self._plan, workflow.now())
        if due_at and record.verdict.rechecked_revision != record.verdict.revision:
            self._book.record = record.with_verdict(record.verdict.mark_rechecked())
            await start_rechecks(record, due_at, path=self._order.path)

    def _next_wake_up(self) -> tuple[datetime | None, str]:
        """Return when the next timer or the requested read is due, with a sentence for operators."""
        now, read_at = workflow.now(), self._reads.next_at(self._plan)
        coming = [(at, SENTENCES[name]) for name, at in timers(self._record, self._plan).items() if at > now]
        if read_at is not None:
            coming.append((read_at, "we ask the provider"))
        if self._signals.read_again_at is not None:
            coming.append((self._signals.read_again_at, "we read again what we could not read"))
        if not coming:
            return None, ""
        at, sentence = min(coming)
        return at, f"Until {at:%d %b %H:%M:%S}: {sentence}"

    # ------------------------------------------------------------------ what all of these use

    @property
    def _record(self) -> Record:
        return self._book.record

    @property
    def _plan(self) -> TrackingPlan:
        return self._book.plan

    async def _until_loaded(self) -> None:
        await workflow.wait_condition(lambda: self._phase is not Phase.LOADING)
        if self._book.is_erased:
            _refuse("its data is erased")

    def _accept(self, command: messages.AnyCommand, record: Record) -> messages.CommandAccepted:
        """Take the record that a command leaves behind, and return the answer to the command."""
        self._book.record = record
        self._wake_up.notify()
        return messages.CommandAccepted(
            revision=record.verdict.revision,
            sequence=record.sequence,
            stage=record.verdict.stage,
            decision=record.verdict.decision,
            outcome=record.verdict.outcome,
            mark=command.mark,
        )

    def _refuse_unless_open(self) -> None:
        if self._record.is_concluded:
            _refuse(f"it is concluded already: {self._record.verdict.outcome}")


def _logged(record: Record, command: str, author: str) -> Record:
    return record_edits.add_log_entry(record, EntryKind.COMMANDED, at=workflow.now(), words=(command,), actor=author)


def _resolved(record: Record, command: messages.Resolve) -> Record:
    decision, reason, author = command.decision, command.reason, command.author
    return decisions.apply_manual_decision(record, decision, reason, author=author, at=workflow.now())


def _extended(record: Record, command: messages.ExtendDeadline) -> Record:
    verdict = record.verdict.move_deadlines(command.deadline_at, record.verdict.review_deadline_at)
    return _logged(record.with_verdict(verdict), "extend_deadline", command.author)


def _refuse(why: str) -> NoReturn:
    raise ApplicationError(why, type=messages.REFUSED, non_retryable=True)
