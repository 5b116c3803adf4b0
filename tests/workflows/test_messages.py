"""Messages that a provider asks for: from its callback to a gateway, once, in time, and into the timeline."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import generate_latest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Worker

from tests.conformance.places import leaks, texts_of
from tests.messages import LINK, NUMBER, TEXT, Messages, Sms, asked, simulated_sms
from tests.world import APPROVED, World, final, own_account, quick
from vigil.domain.message import MessageResult
from vigil.domain.terms import Attention
from vigil.temporal.messages import MESSAGES_QUEUE
from workflows.message_delivery import MessageDeliveryWorkflow

SECOND = timedelta(seconds=1)
SENT = {"to": NUMBER, "message": {"text": TEXT}}


@pytest_asyncio.fixture
async def sms() -> AsyncIterator[Sms]:
    async with simulated_sms() as sms:
        yield sms


@pytest_asyncio.fixture
async def messages(client: Client, tmp_path: Path) -> AsyncIterator[Messages]:
    messages = Messages(World(client, tmp_path, account=own_account(), plan=quick(factor=60)))
    yield messages
    await messages.end()


async def attention(messages: Messages) -> set[Attention | str]:
    return {note.reason for note in (await messages.world.record()).attention}


async def test_a_code_is_sent_and_its_verification_notes_it(messages: Messages, sms: Sms) -> None:
    async with messages.through(sms):
        await messages.world.register()
        status = await messages.call_back(asked(messages.world.key.reference))
        noted = await messages.noted()
        seen = await attention(messages)

    assert status == 200
    assert await sms.sent() == [SENT]
    assert noted == [("one_time_password", "sent")]
    assert Attention.MESSAGE_NOT_SENT not in seen
    assert await messages.stored() == []


async def test_a_callback_that_is_delivered_five_times_is_one_message(messages: Messages, sms: Sms) -> None:
    async with messages.through(sms):
        await messages.world.register()
        body = asked(messages.world.key.reference)
        at_once = await asyncio.gather(*(messages.call_back(body) for _ in range(3)))
        noted = await messages.noted()
        later = [await messages.call_back(body) for _ in range(2)]
        await messages.until_forgotten()
        requests = await sms.requests()

    assert at_once + later == [200] * 5
    assert len(requests) == 1
    assert len(await messages.runs()) == 1
    assert noted == [("one_time_password", "sent")]


@pytest.mark.parametrize("change", [{"text": "4022 is your verification code"}, {"to": "+12025550148"}])
async def test_another_text_or_receiver_is_another_message(
    messages: Messages, sms: Sms, change: dict[str, str]
) -> None:
    async with messages.through(sms):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference))
        await messages.call_back(asked(messages.world.key.reference, **change))
        await messages.noted(times=2)

    assert len(await sms.sent()) == 2


@pytest.fixture
def briefly(client: Client, tmp_path: Path) -> Messages:
    """An account whose messages may be sent within five seconds."""
    return Messages(World(client, tmp_path, account=own_account(), plan=quick(factor=60)), send_before=5 * SECOND)


async def test_a_repetition_that_was_stored_in_time_and_signaled_late_is_not_sent(briefly: Messages, sms: Sms) -> None:
    async with briefly.through(sms):
        await briefly.world.register()
        await briefly.call_back(asked(briefly.world.key.reference))
        await briefly.noted()
        await asyncio.sleep(3)
        _cut_off(briefly)
        status = await briefly.call_back(asked(briefly.world.key.reference))
        stored = len(await briefly.stored())
        await asyncio.sleep(3)  # six seconds after the message, and three after its repetition
        briefly.services.dispatcher.breaker.record_success()
        briefly.ahead = 6 * SECOND
        settled = await briefly.relay.run_round()
        await briefly.until_forgotten()

    assert (status, stored, settled) == (200, 1, 1)
    assert len(await sms.requests()) == 1
    assert len(await briefly.runs()) == 1


async def test_a_message_that_is_requested_after_the_window_is_another_message(briefly: Messages, sms: Sms) -> None:
    async with briefly.through(sms):
        await briefly.world.register()
        await briefly.call_back(asked(briefly.world.key.reference))
        await briefly.noted()
        await asyncio.sleep(6)
        [first] = await briefly.runs()
        await briefly.call_back(asked(briefly.world.key.reference))
        await briefly.noted(times=2)
        await briefly.until_forgotten()
    requests = await sms.requests()

    assert first.close_time is None
    assert [each["sent"] for each in requests] == [True, True]
    assert requests[0]["message_id"] != requests[1]["message_id"]
    assert await sms.sent() == [SENT, SENT]


async def test_nothing_is_sent_past_the_time_limit(client: Client, tmp_path: Path, sms: Sms) -> None:
    world = World(client, tmp_path, account=own_account(), plan=quick(factor=60))
    messages = Messages(world, send_before=timedelta(seconds=1))
    async with world.workers():
        await world.register()
        status = await messages.call_back(asked(world.key.reference))
        await asyncio.sleep(1.2)
    async with messages.through(sms):
        noted = await messages.noted()
        seen = await attention(messages)

    assert status == 200
    assert await sms.requests() == []
    assert noted == [("one_time_password", "too_late")]
    assert Attention.MESSAGE_NOT_SENT in seen
    assert await messages.stored() == []


async def test_without_a_worker_that_sends_a_message_is_given_up_at_its_time_limit(
    client: Client, tmp_path: Path, sms: Sms
) -> None:
    messages = Messages(World(client, tmp_path, account=own_account(), plan=quick(factor=60)), send_before=SECOND)
    decides_only = Worker(client, task_queue=MESSAGES_QUEUE, workflows=[MessageDeliveryWorkflow])
    async with decides_only:
        await messages.call_back(asked(messages.world.key.reference))
        async with asyncio.timeout(60):
            while "ACTIVITY_TASK_TIMED_OUT" not in await _events(messages):
                await asyncio.sleep(0.1)
    async with messages.through(sms):
        await messages.until_forgotten()
        [run] = await messages.runs()
        noted = await messages.told(run)

    assert (noted.result, noted.why) == (MessageResult.TOO_LATE, None)
    assert await sms.requests() == []


async def _events(messages: Messages) -> list[str]:
    """Return the types of the events of each run that sends this account's messages."""
    client = messages.world.client
    handles = [client.get_workflow_handle(run.id, run_id=run.run_id) for run in await messages.runs()]
    events = [event for handle in handles async for event in handle.fetch_history_events()]
    return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in events]


async def test_a_gateway_that_times_out_may_have_sent_it_and_is_not_asked_again(messages: Messages, sms: Sms) -> None:
    await sms.trouble(silent=True)
    async with messages.through(sms, within=2):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference))
        noted = await messages.noted()
        seen = await attention(messages)

    assert noted == [("one_time_password", "unknown", "gateway_timeout")]
    assert len(await sms.requests()) == 1
    assert Attention.MESSAGE_NOT_SENT in seen
    assert await messages.stored() == []


async def test_a_gateway_that_is_declared_idempotent_is_asked_again_under_the_same_id(
    messages: Messages, sms: Sms
) -> None:
    await sms.trouble(silent=True)
    async with messages.through(sms, within=2, idempotent=True):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference))
        noted = await messages.noted()
    requests = await sms.requests()

    assert noted == [("one_time_password", "sent", "after_unknown")]
    assert [each["answered"] for each in requests] == [None, 202]
    assert requests[0]["message_id"] == requests[1]["message_id"]
    assert await sms.sent() == [SENT]


async def test_an_idempotent_gateway_that_never_answers_is_not_asked_past_the_time_limit(
    client: Client, tmp_path: Path, sms: Sms
) -> None:
    world = World(client, tmp_path, account=own_account(), plan=quick(factor=60))
    messages = Messages(world, send_before=timedelta(seconds=4))
    await sms.trouble(silent=True, times=100)
    async with messages.through(sms, within=0.3, idempotent=True):
        await world.register()
        await messages.call_back(asked(world.key.reference))
        noted = await messages.noted()
        before = len(await sms.requests())
        await asyncio.sleep(2)

    assert noted == [("one_time_password", "unknown", "gateway_timeout")]
    assert len(await sms.requests()) == before > 1


@pytest.mark.parametrize(("answer", "words"), [(400, ("refused", "http_400")), (500, ("unknown", "http_500"))])
async def test_a_gateway_that_answers_no_is_not_asked_again(
    messages: Messages, sms: Sms, answer: int, words: tuple[str, str]
) -> None:
    await sms.trouble(answer=answer)
    async with messages.through(sms):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference))
        noted = await messages.noted()
        seen = await attention(messages)

    assert noted == [("one_time_password", *words)]
    assert len(await sms.requests()) == 1
    assert Attention.MESSAGE_NOT_SENT in seen
    assert await messages.stored() == []


async def test_what_may_have_been_sent_is_not_sent_again_when_it_is_asked_for_again(
    messages: Messages, sms: Sms
) -> None:
    await sms.trouble(silent=True)
    async with messages.through(sms, within=2):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference))
        noted = await messages.noted()
        await messages.until_forgotten()
        await messages.call_back(asked(messages.world.key.reference))
        await messages.until_forgotten()
        requests = await sms.requests()

    assert noted == [("one_time_password", "unknown", "gateway_timeout")]
    assert len(requests) == 1
    assert len(await messages.runs()) == 1


async def test_what_was_refused_is_tried_anew_when_it_is_asked_for_again(messages: Messages, sms: Sms) -> None:
    await sms.trouble(answer=400)
    async with messages.through(sms):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference))
        await messages.noted()
        await messages.until_forgotten()
        await messages.call_back(asked(messages.world.key.reference))
        noted = await messages.noted(times=2)

    assert noted == [("one_time_password", "refused", "http_400"), ("one_time_password", "sent")]
    assert await sms.sent() == [SENT]


async def test_what_is_asked_for_while_an_earlier_one_fails_is_tried_on_its_own(
    client: Client, tmp_path: Path, sms: Sms
) -> None:
    messages = Messages(World(client, tmp_path, account=own_account()), send_before=timedelta(seconds=4))
    await sms.trouble(answer=429, times=2)
    async with messages.through(sms):
        await messages.world.register()
        for _ in range(2):
            await messages.call_back(asked(messages.world.key.reference))
        await messages.noted()
        messages.ahead = timedelta(seconds=6)
        await messages.relay.run_round()
        noted = await messages.noted(times=2)
        await messages.until_forgotten()

    assert noted == [("one_time_password", "refused", "http_429"), ("one_time_password", "sent")]
    assert await sms.sent() == [SENT]


async def test_a_link_is_appended_to_the_text_that_does_not_hold_it(messages: Messages, sms: Sms) -> None:
    async with messages.through(sms):
        await messages.world.register()
        body = asked(messages.world.key.reference, "session_link_by_sms", text="Dear Ada, go on here.", link=LINK)
        await messages.call_back(body)
        noted = await messages.noted()

    assert await sms.sent() == [{"to": NUMBER, "message": {"text": f"Dear Ada, go on here.\n{LINK}"}}]
    assert noted == [("session_link_by_sms", "sent")]


async def test_a_message_without_an_address_that_we_know_asks_for_attention(messages: Messages, sms: Sms) -> None:
    async with messages.through(sms):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference, to=None))
        noted = await messages.noted()
        seen = await attention(messages)

    assert noted == [("one_time_password", "refused", "address_unknown")]
    assert seen >= {Attention.MESSAGE_FIELDS_UNKNOWN, Attention.MESSAGE_NOT_SENT}
    assert await sms.requests() == []


async def test_without_a_message_sender_for_its_channel_a_message_is_refused(messages: Messages, sms: Sms) -> None:
    async with messages.through(sms):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference, "email_one_time_password", to="ada@example.test"))
        noted = await messages.noted()
        seen = await attention(messages)

    assert noted == [("email_one_time_password", "refused", "channel_not_configured")]
    assert Attention.MESSAGE_NOT_SENT in seen


async def test_a_message_alone_begins_no_verification(messages: Messages, sms: Sms) -> None:
    async with messages.through(sms):
        await messages.call_back(asked(messages.world.key.reference))
        async with asyncio.timeout(60):
            while not await sms.sent() or await messages.stored():
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        known = await messages.world.tracker.describe(messages.world.key)

    assert known is None


async def test_a_finished_verification_that_we_hold_a_record_of_notes_it_too(messages: Messages, sms: Sms) -> None:
    world = messages.world
    world.reader.say(APPROVED)
    async with messages.through(sms):
        await world.register()
        await world.hear(final("OK"))
        finished = await world.result()
        await messages.call_back(asked(world.key.reference, to=None))
        async with asyncio.timeout(60):
            while (record := await world.result()).attention == finished.attention:
                await asyncio.sleep(0.1)

    assert record.judgement() == finished.judgement()
    assert record.verdict.revision == finished.verdict.revision
    assert {note.reason for note in record.attention} >= {Attention.MESSAGE_FIELDS_UNKNOWN}


async def test_what_was_kept_and_not_handed_over_is_sent_by_the_relay_once(messages: Messages, sms: Sms) -> None:
    async with messages.through(sms):
        await messages.world.register()
        _cut_off(messages)
        status = await messages.call_back(asked(messages.world.key.reference))
        kept = await messages.stored()
        messages.services.dispatcher.breaker.record_success()
        messages.ahead = timedelta(seconds=6)
        rounds = [await messages.relay.run_round() for _ in range(2)]
        noted = await messages.noted()

    assert (status, len(kept), rounds[0]) == (200, 1, 1)
    assert await sms.sent() == [SENT]
    assert noted == [("one_time_password", "sent")]


async def test_what_the_relay_finds_past_the_time_limit_is_forgotten_at_once_and_noted(
    messages: Messages, sms: Sms
) -> None:
    async with messages.through(sms):
        await messages.world.register()
        _cut_off(messages)
        await messages.call_back(asked(messages.world.key.reference))
        [name] = await messages.stored()
        held = (await messages.inbox.read(name)).body
        messages.ahead = timedelta(seconds=121)
        handed_over = await messages.relay.run_round()
        emptied = (await messages.inbox.read(name)).body
        messages.services.dispatcher.breaker.record_success()
        await messages.relay.run_round()
        noted = await messages.noted()
        await messages.until_forgotten()

    assert TEXT.encode() in held
    assert (handed_over, emptied) == (0, b"")
    assert await sms.requests() == []
    assert noted == [("one_time_password", "too_late")]


async def test_a_callback_that_could_not_be_kept_sends_nothing(messages: Messages, sms: Sms) -> None:
    messages.world.storage.fail_next("inbox/", times=1)
    async with messages.through(sms):
        await messages.world.register()
        lost = await messages.call_back(asked(messages.world.key.reference))
        runs_of_the_lost = await messages.runs()
        kept = await messages.call_back(asked(messages.world.key.reference))
        await messages.noted()

    assert (lost, kept) == (503, 200)
    assert runs_of_the_lost == []
    assert await sms.sent() == [SENT]


@pytest.mark.parametrize(
    ("proof", "status"), [({"secret": "wrong"}, 401), ({"proof": "none"}, 200), ({"proof": "unbound"}, 200)]
)
async def test_a_callback_that_its_sender_did_not_prove_to_have_written_sends_nothing(
    messages: Messages, sms: Sms, proof: dict[str, str], status: int
) -> None:
    async with messages.through(sms):
        await messages.world.register()
        answered = await messages.call_back(asked(messages.world.key.reference), **proof)
        await messages.call_back(asked(messages.world.key.reference, text="proven"))
        await messages.noted()

    assert answered == status
    assert [each["message"]["text"] for each in await sms.sent()] == ["proven"]


async def test_nothing_that_it_said_is_in_temporal_logs_metrics_or_afterwards_in_storage(
    messages: Messages, sms: Sms, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("tests.control").debug("to be found: 2025550147")
    body = asked(messages.world.key.reference, "session_link_by_sms", link=LINK)
    await messages.world.register()
    await messages.call_back(body)
    before = _everything_in(messages.world.folder)
    async with messages.through(sms):
        await messages.noted()
    temporal = await _everything_in_temporal(messages)
    said = capfd.readouterr()
    logs = (said.out + said.err + caplog.text).encode()

    # The positive controls: each search finds what is there to be found.
    assert leaks(before, SAID) == set(SAID)
    assert leaks(logs, SAID) == {"2025550147"}
    assert leaks(temporal, {"session_link_by_sms"})
    assert b"message.tried" in logs
    assert leaks(base64.b64encode(b"ab" + TEXT.encode()), SAID) == {"4021 is your", "verification code"}
    assert await sms.sent() == [{"to": NUMBER, "message": {"text": f"{TEXT}\n{LINK}"}}]
    assert leaks(temporal, SAID) == set()
    assert leaks(_everything_in(messages.world.folder), SAID) == set()
    assert leaks(generate_latest(messages.metrics.registry), SAID) == set()


SAID = ("4021 is your", "verification code", "2025550147", "q7h2m0zx4t9k")


def _everything_in(folder: Path) -> bytes:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join([str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes() for path in files])


async def _everything_in_temporal(messages: Messages) -> bytes:
    client, said = messages.world.client, list[bytes]()
    for run in [*await messages.runs(), await messages.world.tracker.handle(messages.world.key).describe()]:
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        said += texts_of((await handle.describe()).raw_description)
        said += [text for event in (await handle.fetch_history()).events for text in texts_of(event)]
    return b"\n".join(said)


def _cut_off(messages: Messages) -> None:
    """Have the API believe that Temporal is away."""
    while not messages.services.dispatcher.breaker.is_open:
        messages.services.dispatcher.breaker.record_failure()
