"""Messages that somebody requests who has read the callback key: it travels in the body of every callback."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from activities.message_admission import AccountRules, MessageAdmission
from activities.messages import MessageActivities
from tests.activities.attempts import Attempts
from tests.messages import LINK, AskingMessenger, Messages, Sms, asked, simulated_sms
from tests.workflows.conftest import client
from tests.world import SaidReader, World, own_account, quick
from vigil.domain.digest import Digester
from vigil.domain.errors import ReferenceUnknown
from vigil.domain.message import Channel, MessageKind, MessageOutcome, MessageReceived, MessageRequest
from vigil.domain.terms import Attention
from vigil.domain.verification_key import VerificationKey
from vigil.messaging.contract import SENT, Outgoing, SendResult
from vigil.messaging.settings import MessageLimits
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import Inbox, Receipt
from vigil.temporal.messages import SendMessage

__all__ = ["client"]
PHISHING = "Your account is locked. Sign in at bank-secure-login.example or lose access."


NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@dataclass
class CountingSender:
    """Takes every message, and counts them."""

    is_idempotent: bool = False
    count: int = 0

    async def send(self, outgoing: Outgoing, *, within: timedelta) -> SendResult:
        self.count += 1
        return SENT


class NotReported:
    async def __call__(self, key: VerificationKey, noted: MessageOutcome, *, may_start: bool) -> bool:
        return False


async def none_known(_key: VerificationKey) -> None:
    return None


async def test_of_120_texts_to_120_numbers_for_three_unknown_sessions_none_is_sent(tmp_path: Path) -> None:
    storage, reader, sender = FolderStorage(tmp_path), SaidReader(), CountingSender()
    reader.says = ReferenceUnknown("SESSION_NOT_FOUND")
    rules = {"acme": AccountRules(reader, {"widget.example.test"})}
    admission = MessageAdmission(rules, none_known, storage, Digester(b"a key"), MessageLimits(), now=lambda: NOW)
    senders = {Channel.SMS: sender}
    sending = MessageActivities(
        {"acme": AskingMessenger()}, senders, admission, storage, NotReported(), now=lambda: NOW
    )
    reasons = Counter[str | None]()
    for number in range(120):
        order = await stored(storage, f"nobody-{number % 3}", to=f"+120255{number:05}")
        reasons[(await Attempts().next(sending.send_message, order)).why] += 1

    assert sender.count == 0
    assert reasons == {"verification_unknown": 60, "account_limit": 60}
    assert reader.reads == 60


async def stored(storage: FolderStorage, reference: str, **changes: str) -> SendMessage:
    """Store a callback that asks for a message, and return the order to send it."""
    receipt = Receipt(
        received_at=NOW,
        account="acme",
        correlation=None,
        proof="secret",
        headers={},
        body=asked(reference, **changes),
    )
    request = MessageRequest(
        key=VerificationKey(account="acme", reference=reference),
        path=f"acme/{reference}",
        kind=MessageKind.ONE_TIME_PASSWORD,
        digest="a" * 26,
        received_at=NOW,
        send_before=NOW + timedelta(minutes=2),
    )
    received = MessageReceived(order=request, receipt=await Inbox(storage).keep(receipt))
    return SendMessage(received=received, message_id="m-1", is_uncertain=False)


@pytest_asyncio.fixture
async def sms() -> AsyncIterator[Sms]:
    async with simulated_sms() as sms:
        yield sms


@pytest_asyncio.fixture
async def messages(client: Client, tmp_path: Path) -> AsyncIterator[Messages]:
    messages = Messages(World(client, tmp_path, account=own_account(), plan=quick(factor=60)))
    yield messages
    await messages.end()


async def test_a_request_for_a_session_that_nobody_knows_sends_nothing_and_starts_nothing(
    messages: Messages, sms: Sms
) -> None:
    messages.world.reader.says = ReferenceUnknown("SESSION_NOT_FOUND")
    bodies = [asked(f"nobody-{number % 3}", to=f"+120255{number:05}") for number in range(12)]
    async with messages.through(sms):
        answers = [await messages.call_back(body) for body in bodies]
        await messages.until_forgotten()
        results = [await messages.told(run) for run in await messages.runs()]
        known = [await is_known(messages, f"nobody-{number}") for number in range(3)]

    assert answers == [200] * 12
    assert await sms.requests() == []
    assert len(results) == 12
    assert {result.why for result in results} == {"verification_unknown"}
    assert messages.world.reader.reads == 12
    assert known == [False] * 3


async def test_the_sixth_message_of_a_verification_is_refused_and_the_verification_says_so(
    messages: Messages, sms: Sms
) -> None:
    async with messages.through(sms):
        await messages.world.register()
        for number in range(6):
            await messages.call_back(asked(messages.world.key.reference, to=f"+1202555010{number}"))
            await messages.noted(times=number + 1)
        noted = await messages.noted(times=6)
        raised = {note.reason for note in (await messages.world.record()).attention}

    assert noted == [("one_time_password", "sent")] * 5 + [("one_time_password", "refused", "verification_limit")]
    assert len(await sms.sent()) == 5
    assert Attention.MESSAGE_NOT_SENT in raised
    assert messages.world.reader.reads == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"text": PHISHING}, "foreign_link"),
        ({"kind": "session_link_by_sms", "link": "https://evil.example/?session_token=q7h2m0zx4t9k"}, "foreign_link"),
        ({"text": "0" * 1001}, "text_too_long"),
    ],
)
async def test_a_text_that_no_provider_would_write_is_not_sent(
    messages: Messages, sms: Sms, change: dict[str, str], why: str
) -> None:
    async with messages.through(sms):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference, **change))
        [note] = await messages.noted()

    assert note[1:] == ("refused", why)
    assert await sms.requests() == []


async def test_a_message_that_waits_for_the_next_minute_is_taken_from_the_budgets_once(
    messages: Messages, sms: Sms
) -> None:
    """A gateway that refuses the first attempts for a moment costs one unit, not one for each attempt."""
    await sms.trouble(answer=429, times=2)
    async with messages.through(sms):
        await messages.world.register()
        await messages.call_back(asked(messages.world.key.reference, "session_link_by_sms", link=LINK))
        noted = await messages.noted()
    units = await messages.world.storage.list(f"verifications/{messages.world.account}")

    assert noted == [("session_link_by_sms", "sent")]
    assert len([name for name in units if "/messages/" in name]) == 1
    assert len(await sms.requests()) == 3


async def is_known(messages: Messages, reference: str) -> bool:
    key = messages.world.key.model_copy(update={"reference": reference})
    return await messages.world.tracker.describe(key) is not None
