"""One attempt to send a message: what it returns, and what it leaves in storage and in the verification."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import MessageActivities
from tests.activities.attempts import NOW, Attempts
from tests.messages import NUMBER, TEXT, AskingMessenger, asked
from vigil.domain.message import Channel, MessageKind, MessageOutcome, MessageReceived, MessageRequest, MessageResult
from vigil.domain.verification_key import VerificationKey
from vigil.messaging.contract import SENT, Outgoing, SendResult, refused, unknown
from vigil.providers.contract import DelegatedMessage
from vigil.storage.contract import NotStored, StorageUnavailable
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import Inbox, Receipt
from vigil.storage.records import Records
from vigil.temporal.messages import EraseMessage, ReportMessage, SendAttempt, SendMessage

KEY = VerificationKey(account="acme", reference="v-1")
SECOND = timedelta(seconds=1)
ASKED = asked("v-1")


@dataclass
class RecordingSender:
    """Remembers what it is given, and answers what a test wants."""

    answer: SendResult | Exception = SENT
    is_idempotent: bool = False
    sent: list[Outgoing] = field(default_factory=list)
    within: list[timedelta] = field(default_factory=list)

    async def send(self, outgoing: Outgoing, *, within: timedelta) -> SendResult:
        self.sent.append(outgoing)
        self.within.append(within)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Verification:
    """Remembers with which permission to start it was reported to. `is_open`: a run of it takes the report."""

    is_open: bool = False
    error: Exception | None = None
    reports: list[bool] = field(default_factory=list)

    async def __call__(self, key: VerificationKey, noted: MessageOutcome, *, may_start: bool) -> bool:
        self.reports.append(may_start)
        if self.error is not None:
            raise self.error
        return self.is_open or may_start


@dataclass
class Guard:
    """Admits every message, or refuses it as a test wants. It remembers how often it was asked."""

    refusal: SendResult | None = None
    asked: int = 0

    async def refuse(self, order: MessageRequest, message: DelegatedMessage, address: str) -> SendResult | None:
        self.asked += 1
        return self.refusal


class BrokenStorage(FolderStorage):
    """Cannot be read, and erases nothing."""

    async def read(self, name: str) -> bytes:
        raise StorageUnavailable(name, "as the test wants it")

    async def erase(self, name: str) -> None:
        raise StorageUnavailable(name, "as the test wants it")


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path)


def activities(
    storage: FolderStorage,
    sender: RecordingSender | None = None,
    verification: Verification | None = None,
    *,
    account: str = "acme",
    admission: Guard | None = None,
) -> MessageActivities:
    senders = {Channel.SMS: sender} if sender else {}
    messengers = {account: AskingMessenger()}
    report = verification or Verification()
    return MessageActivities(messengers, senders, admission or Guard(), storage, report, now=lambda: NOW)


async def stored(storage: FolderStorage, body: bytes) -> str:
    """Store the receipt of a callback; returns its name."""
    receipt = Receipt(received_at=NOW, account="acme", correlation=None, proof="secret", headers={}, body=body)
    return await Inbox(storage).keep(receipt)


def request(*, left: timedelta = 60 * SECOND) -> MessageRequest:
    return MessageRequest(
        key=KEY,
        path="acme/v-1",
        kind=MessageKind.ONE_TIME_PASSWORD,
        digest="a" * 26,
        received_at=NOW,
        send_before=NOW + left,
    )


def attempt(receipt: str, *, left: timedelta = 60 * SECOND, is_uncertain: bool = False) -> SendMessage:
    received = MessageReceived(order=request(left=left), receipt=receipt)
    return SendMessage(received=received, message_id="m-1", is_uncertain=is_uncertain)


async def test_a_message_is_sent_as_its_callback_asks_within_ten_seconds(storage: FolderStorage) -> None:
    sender = RecordingSender()
    tried = await Attempts().next(activities(storage, sender).send_message, attempt(await stored(storage, ASKED)))

    assert tried == SendAttempt(result=MessageResult.SENT, is_admitted=True)
    assert sender.sent == [Outgoing("m-1", NUMBER, TEXT)]
    assert sender.within == [10 * SECOND]


async def test_a_sender_has_no_longer_than_until_the_message_is_too_late(storage: FolderStorage) -> None:
    sender = RecordingSender()
    order = attempt(await stored(storage, ASKED), left=3 * SECOND)
    await Attempts().next(activities(storage, sender).send_message, order)

    assert sender.within == [3 * SECOND]


async def test_a_message_is_too_late_at_its_time_limit(storage: FolderStorage) -> None:
    sender = RecordingSender()
    order = attempt(await stored(storage, ASKED), left=timedelta(0))
    tried = await Attempts().next(activities(storage, sender).send_message, order)

    assert (tried, sender.sent) == (SendAttempt(result=MessageResult.TOO_LATE), [])


@pytest.mark.parametrize(
    ("is_idempotent", "expected", "times"),
    [
        (False, SendAttempt(result=MessageResult.UNKNOWN, why="not_repeated"), 0),
        (True, SendAttempt(result=MessageResult.SENT, is_admitted=True), 1),
    ],
)
async def test_a_message_that_may_have_been_sent_is_repeated_only_to_an_idempotent_sender(
    storage: FolderStorage, *, is_idempotent: bool, expected: SendAttempt, times: int
) -> None:
    sender = RecordingSender(is_idempotent=is_idempotent)
    order = attempt(await stored(storage, ASKED), is_uncertain=True)
    tried = await Attempts().next(activities(storage, sender).send_message, order)

    assert (tried, len(sender.sent)) == (expected, times)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", SendAttempt(result=MessageResult.TOO_LATE)),
        (b'{"no": "message"}', SendAttempt(result=MessageResult.REFUSED, why="receipt_not_readable")),
        (asked("v-1", to=None), SendAttempt(result=MessageResult.REFUSED, why="address_unknown")),
    ],
    ids=["its text was erased", "it asks for no message", "it names no address"],
)
async def test_a_receipt_without_a_message_to_send_sends_nothing(
    storage: FolderStorage, body: bytes, expected: SendAttempt
) -> None:
    sender = RecordingSender()
    tried = await Attempts().next(activities(storage, sender).send_message, attempt(await stored(storage, body)))

    assert (tried, sender.sent) == (expected, [])


async def test_a_receipt_that_is_gone_or_spoiled_sends_nothing(storage: FolderStorage) -> None:
    sender = RecordingSender()
    await storage.put_new("inbox/pending/spoiled", b'{"half of')
    send = activities(storage, sender).send_message

    gone = await Attempts().next(send, attempt("inbox/pending/gone"))
    spoiled = await Attempts().next(send, attempt("inbox/pending/spoiled"))

    assert gone == SendAttempt(result=MessageResult.REFUSED, why="receipt_gone")
    assert spoiled == SendAttempt(result=MessageResult.REFUSED, why="receipt_not_readable")
    assert sender.sent == []


async def test_another_attempt_is_made_when_storage_or_the_settings_may_come_back(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    receipt = await stored(storage, ASKED)
    sender = RecordingSender()

    away = await Attempts().next(activities(BrokenStorage(tmp_path), sender).send_message, attempt(receipt))
    removed = await Attempts().next(activities(storage, sender, account="other").send_message, attempt(receipt))

    assert away == SendAttempt(result=MessageResult.REFUSED, why="storage_unavailable", again=True)
    assert removed == SendAttempt(result=MessageResult.REFUSED, why="account_not_configured", again=True)
    assert sender.sent == []


async def test_without_a_sender_for_its_channel_a_message_is_refused(storage: FolderStorage) -> None:
    tried = await Attempts().next(activities(storage).send_message, attempt(await stored(storage, ASKED)))

    assert tried == SendAttempt(result=MessageResult.REFUSED, why="channel_not_configured")


async def test_a_message_that_is_not_admitted_is_not_sent(storage: FolderStorage) -> None:
    sender, guard = RecordingSender(), Guard(refused("account_limit", may_heal=True))
    order = attempt(await stored(storage, ASKED))
    tried = await Attempts().next(activities(storage, sender, admission=guard).send_message, order)

    assert tried == SendAttempt(result=MessageResult.REFUSED, why="account_limit", again=True)
    assert sender.sent == []


async def test_another_attempt_to_send_an_admitted_message_takes_nothing_from_the_budgets(
    storage: FolderStorage,
) -> None:
    sender, guard = RecordingSender(), Guard(refused("account_limit"))
    order = attempt(await stored(storage, ASKED)).model_copy(update={"is_admitted": True})
    tried = await Attempts().next(activities(storage, sender, admission=guard).send_message, order)

    assert tried == SendAttempt(result=MessageResult.SENT, is_admitted=True)
    assert guard.asked == 0


@pytest.mark.parametrize("is_idempotent", [False, True])
@pytest.mark.parametrize(
    ("answer", "why"), [(unknown("gateway_timeout"), "gateway_timeout"), (OSError(TEXT), "sender_failed")]
)
async def test_an_unknown_result_allows_another_attempt_only_to_an_idempotent_sender(
    storage: FolderStorage, answer: SendResult | Exception, why: str, *, is_idempotent: bool
) -> None:
    sender = RecordingSender(answer, is_idempotent=is_idempotent)
    order = attempt(await stored(storage, ASKED))
    with structlog.testing.capture_logs() as logs:
        tried = await Attempts().next(activities(storage, sender).send_message, order)

    assert tried == SendAttempt(result=MessageResult.UNKNOWN, why=why, again=is_idempotent, is_admitted=True)
    assert TEXT not in str(logs)


async def test_erasing_a_message_removes_each_of_its_receipts(storage: FolderStorage) -> None:
    receipts = (await stored(storage, ASKED), await stored(storage, ASKED))
    other = await stored(storage, ASKED)
    await Attempts().next(activities(storage).erase_message, EraseMessage(receipts=receipts))

    for name in receipts:
        with pytest.raises(NotStored):
            await storage.read(name)
    assert (await Inbox(storage).read(other)).body == ASKED


async def test_erasing_is_tried_again_while_storage_is_away(tmp_path: Path) -> None:
    receipt = await stored(FolderStorage(tmp_path), ASKED)
    error = await Attempts().fails(activities(BrokenStorage(tmp_path)).erase_message, EraseMessage(receipts=(receipt,)))

    assert error.type == "StorageUnavailable"


REPORT = ReportMessage(
    order=request(), noted=MessageOutcome(kind=MessageKind.ONE_TIME_PASSWORD, result=MessageResult.SENT, at=NOW)
)


@pytest.mark.parametrize(
    ("is_open", "has_record", "reports"),
    [(True, True, [False]), (False, True, [False, True]), (False, False, [False])],
    ids=["an open one takes it", "a finished one is started again", "an unknown one is not started"],
)
async def test_a_message_is_reported_to_a_verification_that_exists(
    storage: FolderStorage, *, is_open: bool, has_record: bool, reports: list[bool]
) -> None:
    verification = Verification(is_open=is_open)
    if has_record:
        await Records(storage).write("acme/v-1", 1, b"{}")
    await Attempts().next(activities(storage, verification=verification).report_message, REPORT)

    assert verification.reports == reports


async def test_a_report_that_temporal_does_not_take_is_tried_again(storage: FolderStorage) -> None:
    verification = Verification(error=RPCError("away", RPCStatusCode.UNAVAILABLE, b""))
    error = await Attempts().fails(activities(storage, verification=verification).report_message, REPORT)

    assert error.type == "temporal_unavailable"
