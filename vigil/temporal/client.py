"""Talking to verifications through a Temporal client: what the API, the command line and backends share."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from vigil.domain.account import Account
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.callbacks import apply_registration, mark_discovered, open_record
from vigil.domain.digest import Digester
from vigil.domain.message import MessageOutcome, MessageReceived
from vigil.domain.models import MessageModel
from vigil.domain.notification import NotificationRow, NotificationState
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.situation import Queue, Situation
from vigil.domain.summary import Summary, summarize
from vigil.domain.terms import Attention, Name, Stage
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verification_key import VerificationKey, open_key, path_of, seal_key, workflow_id
from vigil.errors import CommandRefused, ConflictingRegistration, IdempotencyKeyReused, NoWorkerInTime, UnknownAccount
from vigil.temporal import messages
from vigil.temporal.inspection import read_description, read_queue
from vigil.temporal.interruption import read_interrupted
from vigil.temporal.urgency import Urgency
from vigil.temporal.visibility import about, search_attributes, title

SIGNAL_TIMEOUT: Final = timedelta(milliseconds=600)
DESCRIBE_TIMEOUT: Final = timedelta(seconds=5)
DESCRIBE_FINISHED_EVERY: Final = timedelta(seconds=2)


class _Addressed(MessageModel):
    """The part of a run's input that a later release may not change."""

    key: VerificationKey


class RegistrationResult(StrEnum):
    """What a registration met."""

    STARTED = "started"
    KNOWN = "known"


class VerificationClient:
    """Addresses verifications by their key. Safe to share; one per process."""

    def __init__(self, client: Client, accounts: Mapping[str, Account], digester: Digester) -> None:
        self.client = client
        self._accounts = accounts
        self._digester = digester
        self._urgency = Urgency(client)

    def account(self, name: str) -> Account:
        """Return a configured account. Raises `UnknownAccount`."""
        try:
            return self._accounts[name]
        except KeyError:
            raise UnknownAccount(self._accounts) from None

    def path(self, key: VerificationKey) -> str:
        """Return the part that the workflow id and the storage names of a verification share."""
        account = self.account(key.account)
        return path_of(
            account.key_of(self.open_key(key).reference), self._digester, is_capability=account.reference_is_capability
        )

    def open_key(self, key: VerificationKey) -> VerificationKey:
        """Return the key with the provider's own reference, which Temporal and records may hold sealed."""
        return open_key(key, self._digester)

    def seal_capability(self, key: VerificationKey) -> VerificationKey:
        """Return the key as Temporal may hold it."""
        return seal_key(key, self._digester) if self.account(key.account).reference_is_capability else key

    async def register(self, registration: Registration) -> RegistrationResult:
        """Register a verification. Repeating it is harmless; no worker need be alive.

        A verification that Temporal does not know costs one RPC: the registration is in the input of its first run.

        Raises:
            ConflictingRegistration: it is registered with other values.
            RPCError: Temporal did not accept it; repeat it.

        """
        registration = registration.signed(self._digester)
        plan = self.account(registration.key.account).plan_for(registration.sender)
        record = self._opened(registration.key, at=registration.registered_at, plan=plan)
        registration = registration.with_key(record.key)
        record = apply_registration(record, registration, plan=plan)
        payload = self.client.data_converter.payload_converter.to_payload(registration)
        order = self._order(record).beginning_with(messages.UnreadSignal.of("register", payload, record.opened_at))
        # A finished verification is known too.
        reuse = WorkflowIDReusePolicy.REJECT_DUPLICATE
        if await self._start_unless_open(order, summarize(record, plan), reuse=reuse):
            return RegistrationResult.STARTED
        return await self._register_known(registration, record, plan)

    async def _register_known(
        self, registration: Registration, record: Record, plan: TrackingPlan
    ) -> RegistrationResult:
        known = await self.describe(registration.key)
        if known is not None and known.summary is not None and known.summary.registered:
            differing = registration.differs_from(known.summary.fingerprint)
            if differing:
                raise ConflictingRegistration(differing)
            # A signal would only keep an open run from completing.
            if known.is_open or known.summary.stage is Stage.COMPLETE:
                return RegistrationResult.KNOWN
        beginning = self._beginning(record, plan, known)
        await self._start(beginning, signal="register", argument=registration, within=DESCRIBE_TIMEOUT)
        return RegistrationResult.STARTED if known is None else RegistrationResult.KNOWN

    def prepare(self, registration: Registration) -> messages.PreparedRegistration:
        """Return the input and the signal of a verification that a backend itself has started in Temporal."""
        plan = self.account(registration.key.account).plan_for(registration.sender)
        record = self._opened(registration.key, at=registration.registered_at, plan=plan)
        signed = registration.signed(self._digester).with_key(record.key)
        return messages.PreparedRegistration(order=self._order(record), registration=signed)

    async def signal_callback(self, key: VerificationKey, event: CallbackEvent, *, may_start: bool) -> bool:
        """Signal a callback to its verification, in one RPC. Returns False if there is none and it may not start one.

        Raises:
            RPCError, RuntimeError: anything but success is "not accepted".

        """
        at, sender = event.received_at, event.sender
        is_signalled = await self._signal(key, "callback_received", event, at=at, sender=sender, may_start=may_start)
        if is_signalled and not event.intermediate:
            self._urgency.raise_if_behind(workflow_id(self.path(key)))
        return is_signalled

    async def _signal(
        self,
        key: VerificationKey,
        signal: str,
        argument: messages.Signal,
        *,
        at: datetime,
        sender: Name | None,
        may_start: bool,
    ) -> bool:
        if may_start:
            plan = self.account(key.account).plan_for(sender)
            beginning = self._beginning(self._opened(key, at=at, plan=plan), plan, await self.describe(key))
            await self._start(beginning, signal=signal, argument=argument, within=SIGNAL_TIMEOUT)
            return True
        try:
            await self.handle(key).signal(signal, argument, rpc_timeout=SIGNAL_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def start_message(self, event: MessageReceived) -> None:
        """Have a message sent, in one RPC; the deliveries of one message reach one workflow. Raises `RPCError`."""
        event = event.with_key(self.seal_capability(event.order.key))
        await self.client.start_workflow(
            messages.MESSAGE_DELIVERY_WORKFLOW,
            event,
            id=event.order.workflow_id,
            task_queue=messages.MESSAGES_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="message_received",
            start_signal_args=[event],
            search_attributes=about(event.order.path),
            static_summary=f"Send: {event.order.kind}",
            rpc_timeout=SIGNAL_TIMEOUT,
        )

    async def report_message(self, key: VerificationKey, noted: MessageOutcome, *, may_start: bool) -> bool:
        """Report the result of a message to its verification; returns and raises as `signal_callback`."""
        return await self._signal(key, "message_reported", noted, at=noted.at, sender=None, may_start=may_start)

    async def report_notification(self, key: VerificationKey, row: NotificationRow) -> None:
        """Tell a verification that a notification is owed, or is not any more. What it knows is not repeated.

        Raises `RPCError`.
        """
        seen = await self.describe(key)
        raised = seen.summary.attention if seen is not None and seen.summary is not None else ()
        is_raised = Attention.NOT_NOTIFIED in raised
        is_known = is_raised if row.state == NotificationState.PENDING else not (is_raised or row.is_owed)
        if not is_known:
            await self._signal(key, "notification_reported", row, at=row.at, sender=None, may_start=True)

    async def start_discovered(self, key: VerificationKey) -> bool:
        """Track a verification that the provider lists; False: it is known, open or finished. Raises `RPCError`."""
        plan = self.account(key.account).plan_for(None)
        record = mark_discovered(self._opened(key, at=datetime.now(UTC), plan=plan), at=datetime.now(UTC))
        order = self._order(record).started_because(messages.StartedBy.DISCOVERY)
        published = summarize(record, plan)
        # A finished verification is known too.
        return await self._start_unless_open(order, published, reuse=WorkflowIDReusePolicy.REJECT_DUPLICATE)

    async def start_recheck(self, key: VerificationKey, revision: int) -> bool:
        """Have a finished verification read again; False: it has another verdict by now. Raises `RPCError`."""
        seen = await self.describe(key)
        if seen is not None and seen.summary is not None and seen.summary.revision != revision:
            return False
        plan = self.account(key.account).plan_for(None)
        beginning = self._beginning(self._opened(key, at=datetime.now(UTC), plan=plan), plan, seen)
        published = seen.summary if seen and seen.summary else beginning.published
        await self._start_unless_open(beginning.order.started_because(messages.StartedBy.RECHECK), published)
        return True

    async def _start_unless_open(
        self,
        order: messages.TrackVerification,
        published: Summary,
        *,
        reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    ) -> bool:
        try:
            await self.client.start_workflow(
                messages.VERIFICATION_WORKFLOW,
                order,
                id=workflow_id(order.path),
                task_queue=messages.VERIFICATIONS_QUEUE,
                id_reuse_policy=reuse,
                memo={messages.MEMO: published},
                search_attributes=search_attributes(published),
                static_summary=title(order.key),
                rpc_timeout=DESCRIBE_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def command(
        self, key: VerificationKey, name: str, argument: messages.AnyCommand, *, command_id: str, within: timedelta
    ) -> messages.CommandAccepted:
        """Carry out a command exactly once for its id; on a finished verification a follow-up run takes it.

        Raises:
            CommandRefused: it does not fit.
            IdempotencyKeyReused: another command had the id, and this one was not carried out.
            NoWorkerInTime: no worker answered `within` this time.
            RPCError: Temporal gave no usable answer.

        """
        plan, argument = self.account(key.account).plan_for(None), argument.marked(name, self._digester)
        record = self._opened(key, at=datetime.now(UTC), plan=plan)
        beginning = self._beginning(record, plan, await self.describe(key))
        start: WithStartWorkflowOperation[object, Record] = WithStartWorkflowOperation(
            messages.VERIFICATION_WORKFLOW,
            beginning.order,
            id=workflow_id(self.path(key)),
            task_queue=messages.VERIFICATIONS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            memo={messages.MEMO: beginning.published},
            search_attributes=search_attributes(beginning.published),
            static_summary=title(key),
        )
        try:
            async with asyncio.timeout(within.total_seconds()):
                accepted: messages.CommandAccepted = await self.client.execute_update_with_start_workflow(
                    name,
                    argument,
                    id=command_id,
                    start_workflow_operation=start,
                    result_type=messages.CommandAccepted,
                )
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == messages.REFUSED:
                raise CommandRefused(cause.message) from None
            raise
        except (TimeoutError, RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            await _retrieved(start)
            raise NoWorkerInTime from error
        if accepted.mark not in {None, argument.mark}:
            raise IdempotencyKeyReused
        return accepted

    def handle(self, key: VerificationKey) -> WorkflowHandle[object, Record]:
        """Return a handle to the newest run."""
        return self.client.get_workflow_handle(workflow_id(self.path(key)), result_type=Record)

    async def key_at(self, path: str) -> VerificationKey | None:
        """Return the key of the verification at a place, as it was started; None: the server knows none there.

        Needs no worker. Raises `RPCError`.
        """
        events = self.client.get_workflow_handle(workflow_id(path)).fetch_history_events(
            page_size=1, rpc_timeout=DESCRIBE_TIMEOUT
        )
        try:
            started = (await anext(events)).workflow_execution_started_event_attributes
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        [order] = await self.client.data_converter.decode(started.input.payloads, [_Addressed])
        return self.open_key(order.key)

    async def describe(self, key: VerificationKey) -> Situation | None:
        """Return what one look at the server shows; None where it knows no such verification. Needs no worker."""
        description = await self._description(key)
        return await read_description(description) if description else None

    async def _description(self, key: VerificationKey) -> WorkflowExecutionDescription | None:
        try:
            return await self.handle(key).describe(rpc_timeout=DESCRIBE_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def wait_until(
        self, key: VerificationKey, told: Callable[[Situation], bool], *, within: timedelta
    ) -> Situation | None:
        """Look again whenever something was published, until `told` holds or `within` is over; returns the last look.

        None: the server knows no such verification. Needs no worker. Raises `RPCError`.
        """
        seen: Situation | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                while True:
                    description = await self._description(key)
                    seen = await read_description(description) if description else None
                    if seen is None or description is None or told(seen):
                        break
                    await self._next_publication(description)
        return seen

    async def _next_publication(self, description: WorkflowExecutionDescription) -> None:
        if description.status is not WorkflowExecutionStatus.RUNNING:
            # A run that follows up on a finished one has no history yet that could be waited for.
            await asyncio.sleep(DESCRIBE_FINISHED_EVERY.total_seconds())
            return
        run = self.client.get_workflow_handle(description.id, run_id=description.run_id)
        async for event in run.fetch_history_events(wait_new_event=True):
            is_new = event.event_id > description.history_length
            if is_new and event.event_type == EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
                return

    async def describe_with_queues(self, key: VerificationKey) -> Situation | None:
        """As `look`, and when a worker last asked the queues that this verification needs."""
        seen = await self.describe(key)
        if seen is None or not seen.is_open:
            return seen
        names = dict.fromkeys([messages.VERIFICATIONS_QUEUE, *(step.queue for step in seen.steps)])
        queues = [await self.queue(name, is_workflow=name == messages.VERIFICATIONS_QUEUE) for name in names]
        return seen.model_copy(update={"queues": tuple(queues)})

    async def queue(self, name: str, *, is_workflow: bool) -> Queue:
        """Return when a worker last asked a task queue for work."""
        kind = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW if is_workflow else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        answer = await self.client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self.client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind
            ),
            timeout=DESCRIBE_TIMEOUT,
        )
        return read_queue(name, answer)

    def _opened(self, key: VerificationKey, *, at: datetime, plan: TrackingPlan) -> Record:
        account = self.account(key.account)
        key = self.seal_capability(account.key_of(key.reference))
        return open_record(key, provider=account.provider_name, environment=account.environment, at=at, plan=plan)

    def _order(self, record: Record) -> messages.TrackVerification:
        return messages.TrackVerification(
            key=record.key,
            path=self.path(record.key),
            provider=record.provider,
            environment=record.environment,
            opened_at=record.opened_at,
        )

    def _beginning(self, record: Record, plan: TrackingPlan, seen: Situation | None) -> "_Beginning":
        """Return how a run begins, if the newest one is as seen. After an interrupted run it publishes the same."""
        order, published = self._order(record), summarize(record, plan)
        if seen is None or seen.interruption is None or not seen.is_interrupted:
            return _Beginning(order, published)
        if seen.summary is not None and (seen.summary.registered or not published.registered):
            published = seen.summary
        elif seen.summary is not None:
            published = published.model_copy(update={"sequence": seen.summary.sequence + 1})
        return _Beginning(order.following(seen.interruption.run), published)

    async def read_interrupted(self, path: str, run: str) -> messages.InterruptedRun:
        """Return what Temporal's history holds of a run that stored nothing. Raises `RPCError`."""
        return await read_interrupted(self.client, workflow_id(path), run)

    async def _start(
        self, beginning: "_Beginning", *, signal: str, argument: messages.Signal, within: timedelta
    ) -> None:
        await self.client.start_workflow(
            messages.VERIFICATION_WORKFLOW,
            beginning.order,
            id=workflow_id(beginning.order.path),
            task_queue=messages.VERIFICATIONS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=signal,
            start_signal_args=[argument],
            memo={messages.MEMO: beginning.published},
            search_attributes=search_attributes(beginning.published),
            static_summary=title(beginning.order.key),
            rpc_timeout=within,
        )


@dataclass(frozen=True)
class _Beginning:
    """The input of a run, and what it has published before a worker looks at it."""

    order: messages.TrackVerification
    published: Summary


async def _retrieved(start: WithStartWorkflowOperation[object, Record]) -> None:
    """Take the failure of the start half as well, or asyncio reports that nobody did."""
    with suppress(Exception, asyncio.CancelledError):
        async with asyncio.timeout(0.1):
            await start.workflow_handle()


async def wait_for_decision(tracker: VerificationClient, key: VerificationKey, *, within: timedelta) -> Summary | None:
    """Wait for an outcome, decided or not, and return what is published then; None: not `within` this time."""
    seen = await tracker.wait_until(
        key, lambda situation: situation.summary is not None and situation.summary.outcome is not None, within=within
    )
    summary = seen.summary if seen is not None else None
    return summary if summary is not None and summary.outcome is not None else None
