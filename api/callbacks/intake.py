"""Lead one callback through its lanes: prove, parse, store and signal before the answer, file after it."""

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address, IPv6Address

import structlog

from api.callbacks.answers import UNKNOWN, CallbackProgress
from api.callbacks.dependencies import CallbackServices
from api.callbacks.dispatch import DispatchResult
from api.callbacks.limits import TokenBuckets
from api.callbacks.message_requests import MessageRequests
from api.callbacks.turns import Turns
from vigil.callback_mapping import build_event, build_key, build_receipt, needs_receipt, repeat_period
from vigil.config.accounts import OpenAccount
from vigil.domain.errors import CallbackRefused
from vigil.observability import where
from vigil.providers.contract import Callback, CallbackRequest, GenuineRequest
from vigil.providers.parsing import unread_encoding
from vigil.storage.contract import StorageError
from vigil.storage.inbox import AddressedEvent, Receipt, Refusal
from vigil.storage.receipt_names import filed_name
from vigil.tracing import span

_log = structlog.get_logger("vigil.callbacks")


class Intake:
    """Takes callbacks in. Safe to share; one per process."""

    def __init__(self, services: CallbackServices) -> None:
        limits = services.limits
        self._services = services
        self._messages = MessageRequests(services)
        self._turns = Turns(small=limits.small_body, few=limits.few_values)
        self._listed_refusals = TokenBuckets(limits.listed_refusals_per_hour, per=timedelta(hours=1))
        self._filing_slots = asyncio.Semaphore(limits.filings_at_once)

    async def receive(self, request: CallbackRequest, source: IPv4Address | IPv6Address | None) -> CallbackProgress:
        """Lead a callback through the lanes before its answer, as far as the time limit allows. Never raises."""
        progress = CallbackProgress(request, source)
        try:
            async with asyncio.timeout(self._services.limits.total_timeout.total_seconds()):
                with span("callback", account=self._known_name(progress)):
                    await self._run_lanes(progress)
        except Exception as error:  # noqa: BLE001 -- the sender needs an answer that it understands, whatever failed
            account = self._known_name(progress)
            _log.error("callback.failed", account=account, error=type(error).__name__, code=where(error))
        if progress.is_accepted_unstored:
            account, proof = self._known_name(progress), progress.events[0].event.proof
            self._services.metrics.accepted_unstored.labels(account, proof).inc()
            if proof.may_start:  # anybody can send the others, and must not fill the log
                _log.warning("callback.accepted_unstored", account=account)
        return progress

    async def finish(self, progress: CallbackProgress) -> None:
        """Do the work after the answer: list the refusal, or file the receipt. Never raises."""
        try:
            async with asyncio.timeout(self._services.limits.finish_timeout.total_seconds()):
                if progress.refusal is not None:
                    await self._list_refusal(progress, progress.refusal)
                elif progress.receipt is not None and progress.message is None:
                    await self._file(progress, progress.receipt)
        except (StorageError, OSError) as error:
            # The relay finds a receipt that is still pending. A refusal that could not be listed is counted.
            _log.warning("callback.not_filed", account=self._known_name(progress), error=type(error).__name__)

    async def _run_lanes(self, progress: CallbackProgress) -> None:
        account = self._services.accounts.get(progress.request.account)
        if account is None:
            progress.refusal = "unknown_account"
            return
        progress.answers = account.provider.default_contract.answers
        body, source = progress.request.body, progress.source
        genuine = await self._turns.run(body, source, lambda: self._prove(account, progress))
        if genuine is None:
            return
        genuine = await self._services.signatures.bind(genuine)
        progress.message = self._messages.read(account, genuine)
        if progress.message is not None:
            progress.needs_receipt = True
            progress.receipt = await self._messages.accept(account, genuine, progress.message)
            return
        progress.events = await self._parse(account, genuine, source)
        progress.needs_receipt = needs_receipt(account, progress.events)
        await self._store_and_signal(progress, build_receipt(account, genuine, progress.events))

    def _prove(self, account: OpenAccount, progress: CallbackProgress) -> GenuineRequest | None:
        if not account.admits(progress.source):
            progress.refusal = "source_not_allowed"
            return None
        try:
            return account.provider.prove(progress.request)
        except CallbackRefused as refusal:
            progress.refusal = refusal.reason
            return None

    async def _parse(self, account: OpenAccount, genuine: GenuineRequest, source: Hashable) -> Sequence[AddressedEvent]:
        """Return the events that name a verification. A callback that cannot be read has none, and is stored too."""
        try:
            body = genuine.request.body
            callbacks = await self._turns.run(body, source, lambda: account.provider.read_callbacks(genuine))
        except Exception as error:  # noqa: BLE001 -- the callback is proven: a fault of ours must not lose it
            _log.error("callback.unread", account=account.name, error=type(error).__name__, code=where(error))
            return ()
        correlation = genuine.request.correlation
        known = None
        if correlation is not None and any(callback.reference is None for callback in callbacks):
            known = await self._services.correlations.find_reference(account.name, correlation)
        callbacks = [replace(each, reference=each.reference or known or each.other_reference) for each in callbacks]
        events = (self._address(account, genuine, callback) for callback in callbacks)
        return [event for event in events if event is not None]

    def _address(self, account: OpenAccount, genuine: GenuineRequest, callback: Callback) -> AddressedEvent | None:
        key = build_key(account, callback)
        if key is None:
            return None
        return AddressedEvent(
            key=key,
            path=self._services.dispatcher.path(key),
            event=build_event(genuine, callback, key, self._services.digester),
            repeats_until=genuine.request.received_at + repeat_period(account, callback.sender),
        )

    async def _store_and_signal(self, progress: CallbackProgress, receipt: Receipt) -> None:
        """Store the receipt and signal its events. What a circuit breaker kept from being tried is tried before a loss.

        Both breakers may be open though storage and Temporal have recovered, and some senders never repeat.
        """
        with span("store receipt"):
            is_tried = await self._store(progress, receipt, insist=progress.needs_receipt)
        await self._signal(progress)
        if progress.is_lost and not is_tried:
            await self._store(progress, receipt, insist=True)
        if progress.is_lost and DispatchResult.BREAKER_OPEN in progress.results:
            await self._signal(progress, insist=True)

    async def _store(self, progress: CallbackProgress, receipt: Receipt, *, insist: bool) -> bool:
        """Store the receipt. Return whether the storage was called."""
        stored = await self._services.archive.store(receipt, insist=insist, needs_body=progress.needs_receipt)
        progress.receipt, progress.stored = stored.name, stored.receipt
        return stored.is_attempted

    async def _signal(self, progress: CallbackProgress, *, insist: bool = False) -> None:
        calls = [self._dispatch(progress, event, insist=insist) for event in progress.events]
        progress.results = await asyncio.gather(*calls)

    async def _dispatch(self, progress: CallbackProgress, addressed: AddressedEvent, *, insist: bool) -> DispatchResult:
        receipt = filed_name(progress.receipt, progress.events[0].path) if progress.receipt else None
        event = addressed.event.model_copy(update={"receipt": receipt})
        is_repeated = partial(self._services.archive.is_repeated, addressed)
        dispatch = self._services.dispatcher.dispatch
        return await dispatch(addressed.key, event, is_repeated=is_repeated, insist=insist)

    async def _file(self, progress: CallbackProgress, receipt: str) -> None:
        async with self._filing_slots:
            account, events, results = progress.request.account, progress.events, progress.results
            await self._services.archive.file(receipt, account, events, results, receipt=progress.stored)

    async def list_too_large(self, account: str, source: IPv4Address | IPv6Address | None) -> None:
        """List a callback whose body was too large to be read. Never raises."""
        request = CallbackRequest(account, None, {}, b"", received_at=datetime.now(UTC))
        await self.finish(CallbackProgress(request, source, refusal="too_large"))

    async def _list_refusal(self, progress: CallbackProgress, reason: str) -> None:
        account, metrics = self._known_name(progress), self._services.metrics
        metrics.refusals.labels(account, reason).inc()
        # What names no account is counted alone: anybody may send it, and a list of it says nothing.
        if account == UNKNOWN or not self._listed_refusals.take(account, reason):
            metrics.unlisted_refusals.inc()
            return
        await self._services.inbox.refuse(
            Refusal(
                at=progress.request.received_at,
                account=account,
                reason=reason,
                source=str(progress.source) if progress.source else None,
                digest8=self._services.digester.digest("delivery", progress.request.body)[:8],
                encoding=unread_encoding(progress.request.body),
            )
        )

    def _known_name(self, progress: CallbackProgress) -> str:
        """Return the account's name if the settings have it. A stranger's text goes neither to logs nor to storage."""
        name = progress.request.account
        return name if name in self._services.accounts else UNKNOWN
