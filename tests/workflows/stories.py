"""Stories whose histories are kept for each release: one for each way in which a workflow issues its commands."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from tests.messages import asked, message_sender, messages_worker, simulated_sms
from tests.workflows.test_discovery import Listing, discover_once
from tests.workflows.test_reviews import CallingBack, Recaller, called_back
from tests.world import APPROVED, APPROVED_WITH_FILE, DECLINED, STARTED, SaidReader, World, final, quick, step
from vigil.domain.callback_event import RoomChanged
from vigil.domain.errors import ProviderUnavailable, ReferenceUnknown
from vigil.domain.message import Channel, MessageKind, MessageReceived, MessageRequest
from vigil.domain.terms import Attention, Decision, EvidenceKind, Outcome, Proof
from vigil.domain.tracking_plan import DAY, HOUR, TrackingPlan
from vigil.providers.contract import CallbackReplayer, ProviderResponse, VerificationFinder
from vigil.providers.id360.senders import CONTRACT
from vigil.providers.transport import open_http
from vigil.storage.inbox import Inbox, Receipt
from vigil.temporal import messages

BACKEND: Final = "backend"
MESSAGE: Final = "zn3zmnpz25xlxdo6w5sj5aamw5"
SOON: Final = timedelta(seconds=10)

Handle: TypeAlias = WorkflowHandle[Any, Any]


async def approved_by_a_callback(world: World) -> Handle:
    await world.register()
    await world.hear(step(1, "id_document"))
    await world.until(lambda record: record.callbacks.received == 1)
    world.reader.say(APPROVED_WITH_FILE)
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


async def found_by_polling(world: World) -> Handle:
    world.reader.say(STARTED)
    await world.register()
    await world.until(lambda record: record.reads.snapshot is not None)
    world.reader.say(APPROVED)
    return world.tracker.handle(world.key)


async def canceled_on_a_callback(world: World) -> Handle:
    world.reader.says = ProviderResponse(snapshot=None, word="http_202")
    await world.register()
    await world.hear(final("CANCELED", ended=Outcome.CANCELED))
    return world.tracker.handle(world.key)


async def timed_out(world: World) -> Handle:
    await world.register(deadline_at=await world.now() + timedelta(seconds=2))
    return world.tracker.handle(world.key)


async def resolved_by_a_person(world: World) -> Handle:
    await world.register()
    resolve = messages.Resolve(author="ann", decision=Decision.DECLINED)
    await world.tracker.command(world.key, "resolve", resolve, command_id="1", within=SOON)
    await world.result()
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


async def withdrawn_by_a_cancel(world: World) -> Handle:
    await world.register()
    await world.until(lambda record: record.is_registered)
    await world.tracker.handle(world.key).cancel()
    return world.tracker.handle(world.key)


async def continued_after_a_terminate(world: World) -> Handle:
    await world.register()
    await world.until(lambda record: record.is_registered)
    await world.tracker.handle(world.key).terminate()
    world.reader.say(APPROVED)
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


async def told_to_a_backend(world: World) -> Handle:
    world.reader.say(APPROVED)
    await world.register(notify=(BACKEND,))
    await world.hear(final("OK"))
    await world.result()
    return world.client.get_workflow_handle(f"notification/{world.tracker.path(world.key)}/1/{BACKEND}")


async def sent_after_an_unknown_attempt(world: World) -> Handle:
    received_at = await world.now()
    request = MessageRequest(
        key=world.key,
        path=world.tracker.path(world.key),
        kind=MessageKind.ONE_TIME_PASSWORD,
        digest=MESSAGE,
        received_at=received_at,
        send_before=received_at + timedelta(seconds=6),
    )
    receipt = Receipt(
        received_at=received_at,
        account=world.account,
        correlation=None,
        proof=Proof.SECRET,
        headers={},
        body=asked(world.key.reference),
        message=request,
    )
    handle = world.client.get_workflow_handle(f"message/{world.account}/{MESSAGE}")
    async with simulated_sms() as sms, open_http() as http:
        await sms.trouble(answer=500)
        async with messages_worker(world, {Channel.SMS: message_sender(sms.url, http, idempotent=True)}):
            await world.tracker.start_message(
                MessageReceived(order=request, receipt=await Inbox(world.storage).keep(receipt))
            )
            await handle.result()
    return handle


async def notified_backends_of_its_verdict(world: World) -> Handle:
    world.reader.say(APPROVED)
    await world.register(notify=(BACKEND,))
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


async def notified_a_backend_of_its_completion(world: World) -> Handle:
    world.reader.say(APPROVED)
    await world.register(notify=(BACKEND,), notify_complete=(BACKEND,))
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


async def registered_with_an_unknown_reference(world: World) -> Handle:
    """The provider does not know it, its backend is asked to look, and at last the provider knows it."""
    world.reader.says = ReferenceUnknown("http_404")
    await world.register()
    reason = Attention.REFERENCE_NOT_FOUND
    await world.until(lambda record: any(note.reason is reason for note in record.attention))
    world.reader.say(APPROVED)
    return world.tracker.handle(world.key)


async def verified_for_a_backend(world: World) -> Handle:
    """The workflow that a backend starts with plain JSON."""
    world.reader.say(APPROVED)
    handle = await world.client.start_workflow(
        messages.VERIFY_WORKFLOW,
        {"account": world.account, "reference": world.key.reference},
        id=f"verify-{world.key.reference}",
        task_queue=messages.VERIFICATIONS_QUEUE,
    )
    await world.hear(final("OK"))
    return handle


async def verified_under_a_name(world: World) -> Handle:
    """As above, by a release whose `Verify` names its verification in a search attribute."""
    return await verified_for_a_backend(world)


async def verified_until_it_was_canceled(world: World) -> Handle:
    handle = await world.client.start_workflow(
        messages.VERIFY_WORKFLOW,
        {"account": world.account, "reference": world.key.reference, "withdraw_if_canceled": True},
        id=f"verify-{world.key.reference}",
        task_queue=messages.VERIFICATIONS_QUEUE,
    )
    while await world.tracker.describe(world.key) is None:
        await asyncio.sleep(0.1)
    await handle.cancel()
    await world.until(lambda record: record.is_concluded)
    return handle


async def _verify_with_a_correlation(world: World) -> Handle:
    return await world.client.start_workflow(
        messages.VERIFY_WORKFLOW,
        {
            "account": world.account,
            "reference": world.key.reference,
            "correlation": "a-correlation",
            "withdraw_if_canceled": True,
        },
        id=f"verify-{world.key.reference}",
        task_queue=messages.VERIFICATIONS_QUEUE,
    )


async def _ended(handle: Handle) -> Handle:
    while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
        await asyncio.sleep(0.1)
    return handle


async def canceled_while_it_registered(world: World) -> Handle:
    """The attempt that is under way ends first, and what it has registered is withdrawn."""
    world.storage.close("/correlations/")
    handle = await _verify_with_a_correlation(world)
    await world.storage.reached["/correlations/"].wait()
    await handle.cancel()
    await asyncio.sleep(1)
    world.storage.open_gate("/correlations/")
    return await _ended(handle)


async def canceled_before_it_had_registered(world: World) -> Handle:
    """No attempt has returned, so it is asked for what one may have registered."""
    world.storage.fail_next("/correlations/", times=100)
    handle = await _verify_with_a_correlation(world)
    while not world.storage.failed:
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.2)
    await handle.cancel()
    return await _ended(handle)


async def started_by_a_backend_itself(world: World) -> Handle:
    """The run that a worker completes, and that begins anew with what the worker derived."""
    handle = await world.client.start_workflow(
        messages.VERIFICATION_WORKFLOW,
        {"account": world.account, "reference": world.key.reference},
        id=world.tracker.handle(world.key).id,
        task_queue=messages.VERIFICATIONS_QUEUE,
    )
    first = handle.first_execution_run_id
    world.reader.say(APPROVED)
    await world.hear(final("OK"))
    await world.result()
    return world.client.get_workflow_handle(handle.id, run_id=first)


async def continued_as_new(world: World) -> Handle:
    """The run that ends because its history is long. `LONG` says when."""
    await world.register()
    first = (await world.tracker.handle(world.key).describe()).run_id
    for number in range(1, 61):
        await world.hear(step(number, f"step-{number}", total=60))
        await asyncio.sleep(0.02)
    await world.until(lambda record: record.callbacks.received == 60)
    world.reader.say(APPROVED)
    await world.hear(final("OK"))
    await world.result()
    return world.client.get_workflow_handle(world.tracker.handle(world.key).id, run_id=first)


async def continued_as_new_while_reading(world: World) -> Handle:
    """The provider does not answer and callbacks go on, so the run hands its read to the next one."""
    world.reader.says = ProviderUnavailable("http_503", retry_after=timedelta(seconds=2))
    await world.register()
    handle = world.tracker.handle(world.key)
    first = last = (await handle.describe()).run_id
    number = 0
    while first == last:
        number += 1
        await world.hear(final("OK"), number=number)
        last = (await handle.describe()).run_id
    world.reader.say(APPROVED)
    await world.result()
    return world.client.get_workflow_handle(handle.id, run_id=first)


async def continued_from_a_long_run(world: World) -> Handle:
    await continued_as_new(world)
    return world.tracker.handle(world.key)


async def rechecked_at_its_ages(world: World) -> Handle:
    """The workflow that waits for the ages of a verdict."""
    world.reader.say(APPROVED)
    await world.register()
    await world.hear(final("OK"))
    await world.result()
    handle = world.client.get_workflow_handle(f"recheck/{world.tracker.path(world.key)}/1")
    await handle.result()
    return handle


async def reopened_by_a_recheck(world: World) -> Handle:
    world.reader.say(APPROVED)
    await world.register()
    await world.hear(final("OK"))
    await world.result()
    world.reader.say(STARTED)
    await world.until(lambda record: record.verdict.revision == 2)
    world.reader.say(DECLINED)
    await world.hear(final("KO"))
    return world.tracker.handle(world.key)


async def reopened_by_a_callback(world: World) -> Handle:
    world.reader.say(APPROVED)
    await world.register()
    await world.hear(final("OK"))
    await world.result()
    world.reader.say(DECLINED)
    await world.hear(final("KO"))
    return world.tracker.handle(world.key)


async def asked_for_a_callback_again(world: World) -> Handle:
    """The verdict has no details, its callback is replayed, and the answer has them."""
    await world.register()
    await world.hear(final("OK"))
    assert isinstance(world.replayer, CallingBack)
    while not world.replayer.asked:
        await asyncio.sleep(0.1)
    await called_back(world, b"details", is_filed=True)
    return world.tracker.handle(world.key)


async def a_callback_whose_body_was_lost(world: World) -> Handle:
    """The sender is given time to repeat it before a replay is requested."""
    await world.register()
    event = (await world.callback_event(final("OK"))).model_copy(update={"receipt": None})
    await world.tracker.signal_callback(world.key, event, may_start=True)
    return world.tracker.handle(world.key)


async def storage_away_at_the_start(world: World) -> Handle:
    """The local step fails, and an activity that operators see takes its place."""
    world.reader.say(APPROVED)
    world.storage.close("list verifications")
    await world.register()
    await world.hear(final("OK"))
    await world.storage.reached["list verifications"].wait()
    while "ACTIVITY_TASK_SCHEDULED" not in await world.history():
        await asyncio.sleep(0.1)
    world.storage.open_gate("list verifications")
    return world.tracker.handle(world.key)


async def received_more_than_one_task_may_read(world: World) -> Handle:
    """The signals wait for the end of the first task."""
    world.storage.close("list verifications")
    await world.hear(step(1, "document"))
    await world.storage.reached["list verifications"].wait()
    for number in range(2, 121):
        await world.hear(step(number, "document"))
    world.reader.say(APPROVED)
    await world.hear(final("OK"))
    world.storage.open_gate("list verifications")
    return world.tracker.handle(world.key)


async def a_file_that_came_late(world: World) -> Handle:
    world.reader.say(APPROVED)
    await world.register(expects=(EvidenceKind.PORTRAIT,))
    await world.hear(final("OK"))
    await world.until(lambda record: record.is_concluded)
    world.reader.say(APPROVED_WITH_FILE)
    await world.tracker.command(world.key, "poll_now", messages.PollNow(author="ann"), command_id="1", within=SOON)
    return world.tracker.handle(world.key)


async def a_recording_that_came_before_the_end(world: World) -> Handle:
    world.reader.files["recording-vf-1"] = b"a call"
    await world.register()
    await world.hear(RoomChanged(room="room-1", room_status="ended", file_ready=True, file_id="vf-1"))
    await world.until(lambda record: any(row.is_settled for row in record.evidence))
    world.reader.say(APPROVED)
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


async def a_file_that_never_came(world: World) -> Handle:
    world.reader.say(APPROVED)
    await world.register(expects=(EvidenceKind.CALL_RECORDING,))
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


async def open_at_the_age_of_a_recheck(world: World) -> Handle:
    """A file is awaited when the verdict reaches its age, so the recheck starts nothing, and the run reads itself."""
    world.reader.say(APPROVED)
    await world.register(expects=(EvidenceKind.CALL_RECORDING,))
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


async def asked_too_often_after_its_end(world: World) -> Handle:
    """More callbacks follow the verdict than may cause a read in a day."""
    world.reader.say(APPROVED)
    await world.register(expects=(EvidenceKind.PORTRAIT,))
    await world.hear(final("OK"))
    await world.until(lambda record: record.is_concluded)
    for number in range(30):
        await world.hear(final("OK" if number % 2 else "KO"))
    await world.until(lambda record: record.callbacks.received == 31)
    world.reader.say(APPROVED_WITH_FILE)
    await world.tracker.command(world.key, "poll_now", messages.PollNow(author="ann"), command_id="1", within=SOON)
    return world.tracker.handle(world.key)


async def withdrawn_after_another_deadline(world: World) -> Handle:
    await world.register()
    extend = messages.ExtendDeadline(author="ann", deadline_at=await world.now() + DAY)
    await world.tracker.command(world.key, "extend_deadline", extend, command_id="1", within=SOON)
    await world.tracker.command(world.key, "withdraw", messages.Withdraw(author="ann"), command_id="2", within=SOON)
    return world.tracker.handle(world.key)


async def discovered_round_after_round(world: World) -> Handle:
    """The workflow that asks for the list as long as the settings want it."""
    assert isinstance(world.finder, Listing)
    handle, _ = await discover_once(world)
    return handle


async def discovered_in_the_list_of_a_provider(world: World) -> Handle:
    """The workflow that asked for the list in a release before: one run for each round."""
    assert isinstance(world.finder, Listing)
    world.finder.lists(world.key.reference)
    return await world.client.start_workflow(
        messages.DISCOVERY_WORKFLOW,
        messages.DiscoveryInput(
            account=world.account, grace=DAY / 96, looks_back=DAY, overlap=DAY / 288, starts_every=timedelta(0)
        ),
        id=f"discovery/{world.account}/{datetime.now(UTC):%H%M%S}",
        task_queue=messages.VERIFICATIONS_QUEUE,
    )


async def tracked_since_its_discovery(world: World) -> Handle:
    world.reader.say(APPROVED)
    await (await discovered_in_the_list_of_a_provider(world)).result()
    return world.tracker.handle(world.key)


async def with_a_signal_that_could_not_be_read(world: World) -> Handle:
    """It stays open for the signal, so its history is that of an open run."""
    world.reader.say(STARTED)
    await world.hear(step(1, "document"))
    await world.tracker.handle(world.key).signal("register", {"colour": "red"})
    reason = Attention.UNREADABLE_SIGNAL
    await world.until(lambda record: any(note.reason is reason for note in record.attention))
    await world.hear(step(2, "portrait"))
    await world.until(lambda record: record.callbacks.received == 2)
    return world.tracker.handle(world.key)


_BRISK: Final = quick(factor=900)


@dataclass(frozen=True)
class Story:
    """What is played, and the world that it needs. `is_open`: its workflow has not ended when it is recorded."""

    play: Callable[[World], Awaitable[Handle]]
    plan: TrackingPlan = _BRISK
    finder: Callable[[], VerificationFinder] | None = None
    replayer: Callable[[], CallbackReplayer] | None = None
    reader: Callable[[], SaidReader] = SaidReader
    is_open: bool = False
    has_long_history: bool = False
    has_short_timeouts: bool = False

    @property
    def name(self) -> str:
        """The name of its history."""
        return self.play.__name__


def _without_details() -> Recaller:
    reader = Recaller()
    reader.say(APPROVED.model_copy(update={"lacks_details": True}))
    return reader


def _changed(**changes: object) -> TrackingPlan:
    return CONTRACT.tracking.model_copy(update=changes)


_SOON_AGAIN: Final = _changed(finals_may_change=True, reopens=(timedelta(seconds=2), timedelta(seconds=3)))
_AGED_WHILE_OPEN: Final = _changed(
    finals_may_change=True, reopens=(timedelta(seconds=1),), late_files_within=timedelta(seconds=4)
)
_BY_CALLBACKS: Final = quick(_changed(finals_may_change=True, reopens=()), factor=600)
_DETAILED: Final = quick(_changed(details_in_callbacks=True, replay_answered_within=2 * HOUR), factor=600)


async def erased(world: World) -> Handle:
    await approved_by_a_callback(world)
    await world.result()
    await world.erasures.erase(world.key, by="checkout", within=6 * SOON)
    return world.client.get_workflow_handle(messages.erasure_id(world.tracker.path(world.key)))


async def swept_at_night(world: World) -> Handle:
    await approved_by_a_callback(world)
    await world.result()
    return await world.client.start_workflow(
        messages.RETENTION_WORKFLOW,
        messages.RetentionPage(),
        id="retention",
        task_queue=messages.VERIFICATIONS_QUEUE,
    )


async def called_back_after_an_erasure(world: World) -> Handle:
    await erased(world)
    await world.hear(final("OK"))
    return world.tracker.handle(world.key)


STORIES: Final[tuple[Story, ...]] = (
    Story(approved_by_a_callback),
    Story(found_by_polling),
    Story(canceled_on_a_callback),
    Story(timed_out),
    Story(resolved_by_a_person),
    Story(withdrawn_by_a_cancel),
    Story(continued_after_a_terminate),
    Story(told_to_a_backend),
    Story(sent_after_an_unknown_attempt),
    Story(notified_backends_of_its_verdict),
    Story(notified_a_backend_of_its_completion),
    Story(registered_with_an_unknown_reference, plan=quick(factor=6000)),
    Story(verified_for_a_backend),
    Story(verified_under_a_name),
    Story(verified_until_it_was_canceled, is_open=True),
    Story(canceled_while_it_registered, is_open=True),
    Story(canceled_before_it_had_registered, is_open=True),
    Story(started_by_a_backend_itself),
    Story(erased),
    Story(called_back_after_an_erasure),
    Story(swept_at_night),
    Story(continued_as_new, plan=quick(factor=60), has_long_history=True),
    Story(continued_as_new_while_reading, plan=quick(factor=60), has_long_history=True),
    Story(continued_from_a_long_run, plan=quick(factor=60), has_long_history=True),
    Story(rechecked_at_its_ages, plan=_SOON_AGAIN),
    Story(reopened_by_a_recheck, plan=_SOON_AGAIN),
    Story(reopened_by_a_callback, plan=_BY_CALLBACKS),
    Story(asked_for_a_callback_again, plan=_DETAILED, replayer=CallingBack, reader=_without_details),
    Story(a_callback_whose_body_was_lost, plan=_DETAILED, replayer=CallingBack, reader=_without_details),
    Story(received_more_than_one_task_may_read, plan=quick(factor=60)),
    Story(storage_away_at_the_start, plan=quick(factor=60), has_short_timeouts=True),
    Story(a_file_that_came_late, plan=quick(factor=60)),
    Story(a_recording_that_came_before_the_end, plan=quick(factor=60)),
    Story(a_file_that_never_came, plan=quick(factor=20000)),
    Story(open_at_the_age_of_a_recheck, plan=_AGED_WHILE_OPEN),
    Story(asked_too_often_after_its_end, plan=_BY_CALLBACKS),
    Story(withdrawn_after_another_deadline, plan=CONTRACT.tracking),
    Story(discovered_round_after_round, finder=Listing, is_open=True),
    Story(discovered_in_the_list_of_a_provider, finder=Listing),
    Story(tracked_since_its_discovery, finder=Listing),
    Story(with_a_signal_that_could_not_be_read, is_open=True),
)
