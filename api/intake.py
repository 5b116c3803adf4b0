"""One callback from its last byte to its answer: proven, kept, signalled, answered, filed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from api.bounds import CircuitBreaker, TokenBucket
from api.delivery import Delivered, Delivery, Verifications
from api.filing import Filing, Message
from api.notices import Arrival, notice_of, order_of, receipt_of, request_of
from vigil.config.accounts import OpenAccount
from vigil.domain.digest import Digester
from vigil.domain.errors import CallbackRefused
from vigil.domain.message import MessageReceived, MessageRequest
from vigil.domain.sender_contract import OurAnswers
from vigil.domain.verification_key import VerificationKey
from vigil.observability import Metrics, where
from vigil.providers.contract import Callback, DelegatedMessage, GenuineRequest
from vigil.registration import digest_correlation
from vigil.storage.contract import StorageError
from vigil.storage.correlations import Correlations
from vigil.storage.inbox import Inbox, Receipt, Refusal, filed_name

LOOK_UP_WITHIN: Final = timedelta(milliseconds=300)
KEEP_WITHIN: Final = timedelta(milliseconds=900)
AT_THE_WORST: Final = timedelta(seconds=2)
FINISH_WITHIN: Final = timedelta(seconds=30)
REFUSALS_LISTED_A_MINUTE: Final = 60
FILINGS_AT_ONCE: Final = 2
"""Few, since filing shares the store with callbacks that wait for their answer."""

_log = structlog.get_logger("vigil.callbacks")


@dataclass
class Course:
    """How far one callback has come; read when it is answered, whatever went wrong meanwhile."""

    answers: OurAnswers = field(default_factory=OurAnswers)
    refused: str | None = None
    receipt: str | None = None
    order: MessageRequest | None = None
    """What it asks us to send. Then nothing but the receipt makes it accepted: a message is sent from that alone."""
    messages: Sequence[Message] = ()
    seen: Sequence[bool] = ()
    delivered: Sequence[Delivered] = ()

    @property
    def status(self) -> int:
        """The answer: accepted means that it is kept, or that everything it says has been told."""
        if self.refused is not None:
            return self.answers.unproven
        told = bool(self.messages) and len(self.delivered) == len(self.messages)
        if self.receipt is not None or (told and all(one.is_settled for one in self.delivered)):
            return self.answers.kept
        return self.answers.lost


class Intake:
    """Takes callbacks in. Everything it needs is handed to it; safe to share."""

    def __init__(
        self,
        accounts: Mapping[str, OpenAccount],
        verifications: Verifications,
        inbox: Inbox,
        delivery: Delivery,
        *,
        correlations: Correlations,
        digester: Digester,
        metrics: Metrics,
    ) -> None:
        self.storage_breaker = CircuitBreaker()
        self._accounts = accounts
        self._verifications = verifications
        self._inbox = inbox
        self._delivery = delivery
        self._correlations = correlations
        self._digester = digester
        self._metrics = metrics
        self._listed = TokenBucket(REFUSALS_LISTED_A_MINUTE, per=timedelta(minutes=1))
        self._filing = Filing(inbox, metrics)
        self._slots = asyncio.Semaphore(FILINGS_AT_ONCE)

    def answers_for(self, account: str) -> OurAnswers:
        """Return the status codes that work for the senders of an account, or for anybody."""
        known = self._accounts.get(account)
        return known.provider.default_contract.answers if known else OurAnswers()

    def count_answer(self, name: str, status: int) -> None:
        """Count an answer, with what its sender makes of it."""
        known = self._accounts.get(name)
        meaning = known.provider.default_contract.answering.meaning_of(status).value if known else "unknown"
        self._metrics.callbacks.labels(known.name if known else "unknown", status, meaning).inc()

    async def take(self, arrival: Arrival) -> Course:
        """Take one callback in, as far as it goes within the worst-case budget. Never raises for what may happen."""
        course = Course()
        try:
            async with asyncio.timeout(AT_THE_WORST.total_seconds()):
                await self._follow(arrival, course)
        except Exception as error:  # noqa: BLE001 -- an answer that the sender understands matters more than the cause
            _log.error("callback.failed", account=self._label(arrival), error=type(error).__name__, code=where(error))
        return course

    async def finish(self, arrival: Arrival, course: Course) -> None:
        """Do what may be done after the answer: list the refusal, or file the receipt. Never raises."""
        try:
            async with asyncio.timeout(FINISH_WITHIN.total_seconds()):
                if course.refused is not None:
                    await self._list_refusal(arrival, course.refused)
                elif course.receipt is not None and course.order is None:
                    await self._file(arrival, course)
        except (StorageError, OSError) as error:
            # What is pending is found by the relay, and a refusal is counted even if it is not listed.
            _log.warning("callback.unfiled", account=self._label(arrival), error=type(error).__name__)

    async def _follow(self, arrival: Arrival, course: Course) -> None:
        account = self._accounts.get(arrival.account)
        if account is None:
            course.refused = "unknown_account"
            return
        course.answers = account.provider.default_contract.answers
        if not account.admits(arrival.source):
            course.refused = "source_not_allowed"
            return
        try:
            genuine = account.provider.prove(request_of(arrival))
        except CallbackRefused as refusal:
            course.refused = refusal.reason
            return
        course.order = self._order(account, genuine)
        if course.order is not None:
            await self._send(account, genuine, course, course.order)
            return
        course.messages = await self._messages(account, genuine)
        await self._keep_notices(account, genuine, course)
        told = [self._tell(message, course, n) for n, message in enumerate(course.messages)]
        course.delivered = await asyncio.gather(*told)

    async def _messages(self, account: OpenAccount, genuine: GenuineRequest) -> Sequence[Message]:
        try:
            callbacks = account.provider.read_callbacks(genuine)
        except Exception as error:  # noqa: BLE001 -- it is proven, so it is kept, whatever our reading does with it
            _log.error("callback.unread", account=account.name, error=type(error).__name__, code=where(error))
            return ()
        if genuine.request.correlation is not None and any(callback.reference is None for callback in callbacks):
            reference = await self._correlated(account, genuine.request.correlation)
            callbacks = [replace(each, reference=each.reference or reference) for each in callbacks]
        found = (self._message(account, genuine, callback) for callback in callbacks)
        return tuple(message for message in found if message is not None)

    async def _correlated(self, account: OpenAccount, correlation: str) -> str | None:
        """Return the reference that was registered with the correlation; None where none was, or storage is away."""
        if not self.storage_breaker.allows():
            return None
        mark = digest_correlation(self._digester, account.name, correlation)
        try:
            async with asyncio.timeout(LOOK_UP_WITHIN.total_seconds()):
                return await self._correlations.reference(account.name, mark)
        except (StorageError, OSError):
            self.storage_breaker.failed()
            return None

    def _message(self, account: OpenAccount, genuine: GenuineRequest, callback: Callback) -> Message | None:
        """Return None where it names no verification, or none that can exist."""
        try:
            key = VerificationKey(account=genuine.request.account, reference=callback.reference or "")
        except ValidationError:
            return None
        notice = notice_of(genuine, callback, key, self._digester)
        repeats_until = notice.received_at + _repeats_for(account, callback.sender)
        return Message(key=key, path=self._verifications.path(key), notice=notice, repeats_until=repeats_until)

    def _order(self, account: OpenAccount, genuine: GenuineRequest) -> MessageRequest | None:
        """Return what it asks us to send; None where it asks for nothing, or has not proven that it may."""
        messenger = account.provider.message_reader
        if messenger is None or not genuine.proof.may_ask_for_messages:
            return None
        try:
            message = messenger.read_message(genuine.kept_body)
            return self._order_for(account, genuine, message) if message else None
        except ValidationError:  # it names no verification that can exist
            return None
        except Exception as error:  # noqa: BLE001 -- it is proven, so it is kept, whatever our reading does with it
            _log.error("callback.unread", account=account.name, error=type(error).__name__, code=where(error))
            return None

    def _order_for(self, account: OpenAccount, genuine: GenuineRequest, message: DelegatedMessage) -> MessageRequest:
        key = VerificationKey(account=account.name, reference=message.reference)
        path, send_before = self._verifications.path(key), account.message_send_within
        return order_of(genuine, message, key, path, send_before=send_before, digester=self._digester)

    async def _send(self, account: OpenAccount, genuine: GenuineRequest, course: Course, order: MessageRequest) -> None:
        receipt = receipt_of(genuine, account.provider.kept_headers, message=order)
        course.receipt, _ = await self._keep(account, receipt, ())
        if course.receipt is not None:
            await self._delivery.send(MessageReceived(order=order, receipt=course.receipt))

    async def _keep_notices(self, account: OpenAccount, genuine: GenuineRequest, course: Course) -> None:
        kept = [message.kept() for message in course.messages]
        receipt = receipt_of(genuine, account.provider.kept_headers, kept)
        course.receipt, course.seen = await self._keep(account, receipt, course.messages)

    async def _keep(
        self, account: OpenAccount, receipt: Receipt, messages: Sequence[Message]
    ) -> tuple[str | None, Sequence[bool]]:
        """Keep the receipt and look up what was told before, side by side; None if storage did not take it."""
        unseen = [False] * len(messages)
        if not self.storage_breaker.allows():
            return None, unseen
        try:
            with self._metrics.storage_seconds.time():
                async with asyncio.timeout(KEEP_WITHIN.total_seconds()):
                    name, *seen = await asyncio.gather(
                        self._inbox.keep(receipt), *(message.is_repetition(self._inbox) for message in messages)
                    )
        except (StorageError, OSError) as error:
            _log.error("callback.not_kept", account=account.name, error=type(error).__name__)
            self.storage_breaker.failed()
            return None, unseen
        finally:
            self._metrics.breaker_open.labels("storage").set(self.storage_breaker.is_open)
        self.storage_breaker.succeeded()
        return str(name), [bool(one) for one in seen]

    async def _tell(self, message: Message, course: Course, n: int) -> Delivered:
        rests_at = filed_name(course.receipt, course.messages[0].path) if course.receipt else None
        notice = message.notice.model_copy(update={"receipt": rests_at})
        return await self._delivery.tell(message.key, notice, seen=course.seen[n])

    async def _file(self, arrival: Arrival, course: Course) -> None:
        if course.receipt is None or len(course.delivered) != len(course.messages):
            return
        async with self._slots:
            await self._filing.file(course.receipt, arrival.account, course.messages, course.delivered)

    async def _list_refusal(self, arrival: Arrival, reason: str) -> None:
        self._metrics.refusals.labels(self._label(arrival), reason).inc()
        if not self._listed.take():
            self._metrics.unlisted_refusals.inc()
            return
        await self._inbox.refuse(
            Refusal(
                at=arrival.received_at,
                account=self._label(arrival),
                reason=reason,
                source=str(arrival.source) if arrival.source else None,
                digest8=self._digester.digest("delivery", arrival.body)[:8],
            )
        )

    def _label(self, arrival: Arrival) -> str:
        """Return the account's name if it is one of ours: what a stranger wrote goes neither to logs nor to storage."""
        return arrival.account if arrival.account in self._accounts else "unknown"


def _repeats_for(account: OpenAccount, sender: str | None) -> timedelta:
    """Return how long an event may come again; of a sender that the callback does not name, as long as of any."""
    if sender is not None and sender in account.contracts:
        return account.contracts[sender].repeats_for
    return max(contract.repeats_for for contract in account.contracts.values())
