"""Asking a provider: once because something rang, or again and again until the answer changes."""

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import activity

from activities.failures import try_again, unchanged
from activities.metrics import count, observe
from vigil.domain.account import Account
from vigil.domain.digest import Digester
from vigil.domain.errors import ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown, ReplyUnproven
from vigil.domain.snapshot import Answer, ReadRequest, ReadResult
from vigil.domain.tracking_plan import TrackingPlan, wait_before_poll
from vigil.providers.contract import DetailReader, ProviderResponse, Reader
from vigil.storage.contract import AlreadyStored, Storage
from vigil.storage.inbox import Inbox
from vigil.storage.records import result_name
from vigil.temporal import messages
from vigil.tracing import span


class ReadActivities:
    """The reads of all accounts; the worker serves each account on a queue of its own."""

    def __init__(
        self, accounts: Mapping[str, Account], readers: Mapping[str, Reader], storage: Storage, digester: Digester
    ) -> None:
        """Take accounts and readers by the account's name."""
        self._accounts = accounts
        self._readers = readers
        self._storage = storage
        self._inbox = Inbox(storage)
        self._digester = digester

    @activity.defn(name=messages.READ)
    async def read(self, order: messages.ReadInput) -> ReadResult:
        """Ask once; what another attempt may heal is tried again by the activity's retry policy."""
        account = self._accounts[order.question.key.account]
        plan = account.plan_for(order.question.sender)
        try:
            with span("read", parent=order.traceparent, account=account.name, attempt=activity.info().attempt):
                reading, reply = await self._ask(order.question)
        except ProviderUnavailable as error:
            raise try_again(error.code, after=_bounded(error.retry_after, plan)) from None
        return await self._kept(order.path, reading, reply)

    @activity.defn(name=messages.POLL)
    async def poll(self, order: messages.PollInput) -> ReadResult:
        """Ask until the answer is not the known one; each attempt names the time of the next.

        When the next read is due follows from the plan and the time at which this attempt was started, never from
        the number of the attempt; so a restarted worker, or a poll that was replaced, goes on in step.
        """
        account = self._accounts[order.question.key.account]
        plan = account.plan_for(order.question.sender)
        started_at = activity.info().started_time
        known_at = order.known.asked_at if order.known else None
        if known_at is not None:
            due_at = known_at + _interval(order, plan, known_at)
            if started_at < due_at:
                raise _sleep(known_at, _answer_word(order.known), until=due_at, now=started_at)
        try:
            reading, reply = await self._ask(order.question)
        except ProviderUnavailable as error:
            return self._in_trouble(order, plan, error, started_at)
        if not reading.says_the_same_as(order.known):
            return await self._kept(order.path, reading, reply)
        if any(activity.info().heartbeat_details):
            activity.heartbeat(None)  # a trouble is over; the next one is another
        due_at = started_at + _interval(order, plan, started_at)
        raise _sleep(reading.asked_at, _answer_word(reading), until=due_at, now=started_at)

    async def _ask(self, question: ReadRequest) -> tuple[ReadResult, ProviderResponse | None]:
        """Ask, and if the provider knows no such verification, with each of the alternative coordinates in turn."""
        reading, reply = await self._ask_once(question)
        for coordinates in question.alternatives:
            if reading.answer is not Answer.NOT_FOUND:
                break
            reading, reply = await self._ask_once(question.with_coordinates(coordinates))
            reading = reading.with_coordinates(coordinates)
        return reading, reply

    async def _ask_once(self, question: ReadRequest) -> tuple[ReadResult, ProviderResponse | None]:
        account, began, answer = question.key.account, time.monotonic(), "unavailable"
        try:
            reading, reply = await self._read(question)
            answer = reading.answer.value
        finally:
            count("vigil_reads_total", "Reads of the provider's answer", account=account, answer=answer)
            took = timedelta(seconds=time.monotonic() - began)
            observe("vigil_read_seconds", "The time that a read took", took, account=account)
        return reading, reply

    async def _read(self, question: ReadRequest) -> tuple[ReadResult, ProviderResponse | None]:
        asked_at = activity.info().started_time
        try:
            reply = await self._told(self._readers[question.key.account], question.opened(self._digester))
        except ReferenceUnknown as error:
            answer = Answer.GONE if error.gone else Answer.NOT_FOUND
            return ReadResult(asked_at=asked_at, answer=answer, word=error.code), None
        except ProviderRefusesUs as error:
            return ReadResult(asked_at=asked_at, answer=Answer.REFUSED, word=error.code), None
        except ReplyUnproven as error:
            return ReadResult(asked_at=asked_at, answer=Answer.UNPROVEN, word=error.code), None
        answer = Answer.ANSWERED if reply.snapshot is not None else Answer.NOT_READY
        return ReadResult(asked_at=asked_at, answer=answer, word=reply.word, snapshot=reply.snapshot), reply

    async def _told(self, reader: Reader, question: ReadRequest) -> ProviderResponse:
        if not question.receipts or not isinstance(reader, DetailReader):
            return await reader.read(question)
        bodies = [await self._inbox.body(name) for name in question.receipts]
        return await reader.read_with_callbacks(question, [body for body in bodies if body is not None])

    async def _kept(self, path: str, reading: ReadResult, reply: ProviderResponse | None) -> ReadResult:
        """Keep the provider's words in storage, and only their name and keyed digest in the reading."""
        if reading.snapshot is None or reply is None or reply.raw is None:
            return reading
        digest = self._digester.digest("result", reply.raw)
        name = result_name(path, digest)
        with suppress(AlreadyStored):
            await self._storage.put_new(name, reply.raw, media_type=reply.media_type)
        snapshot = reading.snapshot.model_copy(update={"result": name, "result_digest": digest})
        return reading.model_copy(update={"snapshot": snapshot})

    def _in_trouble(
        self, order: messages.PollInput, plan: TrackingPlan, error: ProviderUnavailable, now: datetime
    ) -> ReadResult:
        """Sleep on, unless the trouble lasts: then say so once, so that a person may look."""
        left_behind = next(iter(activity.info().heartbeat_details), None)
        since = datetime.fromisoformat(left_behind) if left_behind else now
        is_known = order.known is not None and order.known.answer is Answer.UNREACHABLE
        if now - since >= plan.unreachable_after and not is_known:
            return ReadResult(asked_at=now, answer=Answer.UNREACHABLE, word=error.code)
        # The server keeps the last heartbeat of a failed attempt: it is how the next one knows since when.
        activity.heartbeat(since.isoformat())
        wait = max(_interval(order, plan, now), _bounded(error.retry_after, plan) or timedelta(0))
        raise _sleep(now, error.code, until=now + wait, now=now, trouble_since=since)


def _interval(order: messages.PollInput, plan: TrackingPlan, now: datetime) -> timedelta:
    if order.confirmation_until is not None and now < order.confirmation_until:
        return plan.confirmation_every
    return wait_before_poll(plan.poll_plan(order.stage), entered_at=order.entered_at, now=now, seed=order.path)


def _bounded(retry_after: timedelta | None, plan: TrackingPlan) -> timedelta | None:
    return None if retry_after is None else min(retry_after, plan.longest_retry_after)


def _answer_word(reading: ReadResult | None) -> str:
    if reading is None:
        return "nothing"
    told = reading.snapshot.word if reading.snapshot else reading.word
    return f"{reading.answer}:{told}" if told else reading.answer.value


def _sleep(
    asked_at: datetime,
    answer: str,
    *,
    until: datetime,
    now: datetime,
    trouble_since: datetime | None = None,
) -> Exception:
    account = activity.info().task_queue.removeprefix(messages.provider_queue(""))
    count("vigil_polls_asleep_total", "Polls that wait for their next read", account=account)
    details = messages.Unchanged(asked_at=asked_at, answer=answer, next_at=until, trouble_since=trouble_since)
    return unchanged(details, after=until - now)
