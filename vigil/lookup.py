"""Look a verification up: Temporal has it until the retention of its run ends, the storage has its record for ever."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import JsonValue, ValidationError
from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from vigil.config.accounts import OpenAccount
from vigil.domain.claims import Claims
from vigil.domain.explanation import Explanation, explain, find_silence
from vigil.domain.log import EntryKind
from vigil.domain.notification import NotificationRow, NotificationState
from vigil.domain.record import Record, RecordNotReadable, parse_record
from vigil.domain.retention import Kept
from vigil.domain.situation import Situation
from vigil.domain.summary import Summary, summarize
from vigil.domain.terms import Name, StorageName
from vigil.domain.tombstone import Tombstone
from vigil.domain.verification_key import VerificationKey, shown_key, stands_in
from vigil.errors import (
    DataErased,
    RecordLoading,
    RecordNotStored,
    RecordUnavailable,
    RecordUnreadable,
    ResultNotStored,
    UnknownVerification,
)
from vigil.providers.contract import ClaimReader, PartnerMetadataSource, ReasonTextSource
from vigil.storage.contract import NotStored, Storage, StorageError, StorageUnavailable
from vigil.storage.inbox import Inbox
from vigil.storage.notifications import NotificationRows
from vigil.storage.records import Records, aged_name
from vigil.storage.tombstones import Tombstones
from vigil.temporal.client import VerificationClient
from vigil.temporal.messages import VERIFICATIONS_QUEUE, Notification
from vigil.temporal.notifications import list_rows
from vigil.temporal.visibility import notification

QUERY_TIMEOUT: Final = timedelta(seconds=3)


@dataclass(frozen=True)
class KnownVerification:
    """The present state of one verification. `record` is the last stored one; None: no run has stored one yet."""

    key: VerificationKey
    situation: Situation
    record: Record | None
    tombstone: Tombstone | None = None
    """What is left of it after its data was erased."""


class VerificationLookup:
    """Looks verifications up. Only `read_record` of an open verification needs a worker."""

    def __init__(self, tracker: VerificationClient, storage: Storage, accounts: Mapping[str, OpenAccount]) -> None:
        self._tracker = tracker
        self._storage = storage
        self._records = Records(storage)
        self._tombstones = Tombstones(storage)
        self._accounts = accounts

    async def resolve_key(self, account: str, reference: str) -> VerificationKey:
        """Return the key for a reference, or for the digest that replaces a reference which must not be shown.

        Raises:
            UnknownAccount: the settings have no such account.
            UnknownVerification: no verification can have such a reference.
            RPCError, StorageUnavailable: a digest cannot be resolved now.

        """
        known = self._tracker.account(account)
        found = await self._key_at(f"{account}/{reference}") if stands_in(reference) else None
        try:
            return found or known.key_of(reference)
        except ValidationError:
            raise UnknownVerification from None

    async def _key_at(self, path: str) -> VerificationKey | None:
        tombstone = await self._tombstones.read(path)
        if tombstone is not None:
            return self._tracker.open_key(tombstone.key)
        started = await self._tracker.key_at(path)
        written = await self._records.latest(path) if started is None else None
        return self._tracker.open_key(_parsed(written[1]).key) if written else started

    async def get(self, key: VerificationKey) -> KnownVerification:
        """Return all that is known without a worker.

        Raises:
            UnknownAccount: the settings have no such account.
            UnknownVerification: neither Temporal nor the storage knows it.
            RPCError: Temporal gave no usable answer.
            StorageUnavailable: Temporal does not know it, and the storage gave no usable answer.
            RecordUnreadable: Temporal does not know it, and this release cannot read its record.

        """
        with suppress(StorageUnavailable):  # what follows needs the storage only where Temporal knows nothing
            tombstone = await self.read_tombstone(key)
            if tombstone is not None:
                situation = Situation(summary=tombstone.summary(), is_open=False)
                return KnownVerification(key=key, situation=situation, record=None, tombstone=tombstone)
        # Temporal first: a run stores its record before it ends, so the record of an ended run can be read.
        seen = await self._tracker.describe_with_queues(key)
        try:
            record = await self._read_stored(key)
        except (StorageUnavailable, RecordUnreadable):
            if seen is None:
                raise
            record = None  # Temporal's knowledge must be returned although the record cannot be read.
        if seen is None and record is None:
            raise UnknownVerification
        situation = seen or Situation(summary=None, is_open=False)
        if record is not None and not situation.is_unreadable and _is_behind(situation.summary, record):
            situation = situation.model_copy(update={"summary": self._summarize(record)})
        return KnownVerification(key=key, situation=situation, record=record)

    async def read_tombstone(self, key: VerificationKey) -> Tombstone | None:
        """Return what is left after an erasure; None: there was none. Raises `UnknownAccount`, `StorageUnavailable`."""
        return await self._tombstones.read(self._tracker.path(key))

    async def has_aged(self, key: VerificationKey, kind: Kept) -> bool:
        """Whether what is missing of a kind was erased since its time was over. Raises `StorageUnavailable`."""
        try:
            await self._storage.size(aged_name(self._tracker.path(key), kind))
        except NotStored:
            return False
        return True

    async def read_registrant(self, key: VerificationKey) -> Name | None:
        """Return the backend that registered it; None: none did. Raises as `get` does."""
        known = await self.get(key)
        published = known.situation.summary.registered_by if known.situation.summary else None
        registration = known.record.subject.registration if known.record else None
        return published or (registration.registered_by if registration else None)

    async def read_record(self, key: VerificationKey) -> Record:
        """Return the current record: from a worker while the verification is open, else from the storage.

        Raises:
            UnknownAccount: the settings have no such account.
            UnknownVerification: neither Temporal nor the storage knows it.
            RecordUnavailable: it is open, and no worker returned the record in time.
            RecordUnreadable: this release cannot read the record.
            RecordNotStored: its workflow was ended in Temporal before it stored one.
            DataErased: its data was erased.
            RPCError, StorageUnavailable: Temporal or the storage gave no usable answer.

        """
        if await self._tombstones.exists(self._tracker.path(key)):
            raise DataErased
        seen = await self._tracker.describe(key)
        if seen is not None and seen.is_open:
            return await self._query_record(key)
        record = await self._read_stored(key)
        if record is None:
            raise UnknownVerification if seen is None else RecordNotStored
        return record

    async def read_notifications(self, key: VerificationKey) -> list[NotificationRow]:
        """Return each notification of a verification, the earliest revision first. Needs no worker.

        Raises:
            UnknownAccount: the settings have no such account.
            RPCError, StorageUnavailable: Temporal or the storage gave no usable answer.

        """
        path = self._tracker.path(key)
        # Temporal first: what has ended there is stored already, with its last answer.
        seen = await list_rows(self._tracker.client, path)
        rows = {row.identity: row for row in await NotificationRows(self._storage).list(path)}
        for row in seen:
            # What was sent again is pending once more.
            if row.state == NotificationState.PENDING or row.identity not in rows:
                rows[row.identity] = row
        return sorted(rows.values(), key=lambda row: (row.revision, row.of_completion, row.endpoint))

    async def newest_notifications(self, key: VerificationKey) -> list[Notification]:
        """Return the notifications of the newest verdict, one for each registered endpoint. Raises as `read_record`."""
        record = await self.read_record(key)
        registration = record.subject.registration
        if registration is None or not record.verdict.revision:
            return []
        path, at = self._tracker.path(key), datetime.now(UTC)
        return [notification(record, endpoint, path=path, at=at) for endpoint in registration.notify]

    async def explain(self, key: VerificationKey, now: datetime) -> Explanation:
        """Explain where a verification stands, with the notifications that are owed. Raises as `get` does."""
        known = await self.get(key)
        notifications: list[NotificationRow] = []
        with suppress(StorageError, RPCError):
            notifications = await self.read_notifications(known.key)
        return self.explain_known(known, notifications, now)

    def explain_known(
        self, known: KnownVerification, notifications: Iterable[NotificationRow], now: datetime
    ) -> Explanation:
        """Explain where a verification stands by what was read of it."""
        summary = known.situation.summary
        plan = self._tracker.account(known.key.account).plan_for(summary.sender if summary else None)
        owed = tuple(row for row in notifications if row.has_failed)
        shown = shown_key(known.key, self._tracker.path(known.key))
        situation = known.situation.model_copy(update={"owed": owed, "reference": shown.reference})
        return explain(situation, plan=plan, now=now)

    async def read_current_record(self, known: KnownVerification) -> Record:
        """Return the current record of what `get` returned. Raises as `read_record` does.

        If no worker is there to answer, this is known at once and nobody waits.
        """
        situation, now = known.situation, datetime.now(UTC)
        if not situation.is_open:
            return known.record or await self.read_record(known.key)
        if any(queue.name == VERIFICATIONS_QUEUE and find_silence(queue, now) for queue in situation.queues):
            raise RecordUnavailable
        return await self._query_record(known.key)

    async def read_partner_metadata(self, record: Record | None) -> Mapping[str, JsonValue] | None:
        """Return the metadata that the backend gave to the provider, as the last stored result returns it.

        None: there is no result, the provider returns no metadata, or the storage is unavailable. The metadata may be
        personal, so neither records nor Temporal hold it.
        """
        source = self._provider_of(record)
        if record is None or not isinstance(source, PartnerMetadataSource):
            return None
        result = await self._read_result(record)
        return source.partner_metadata(result) if result is not None else None

    async def read_reason_text(self, record: Record | None) -> str | None:
        """Return the provider's own text about its verdict: from the last stored result, else from a kept callback.

        None: there is none, the provider writes none, or the storage is unavailable. The text may be personal, so
        neither records nor Temporal hold it.
        """
        source = self._provider_of(record)
        if record is None or not isinstance(source, ReasonTextSource):
            return None
        result = await self._read_result(record)
        text = source.reason_text(result) if result is not None else None
        receipt = _newest_receipt_of_the_verdict(record) if text is None else None
        if receipt is None:
            return text
        try:
            body = await Inbox(self._storage).body(receipt)
        except StorageError:
            return None
        return source.reason_text(body) if body is not None else None

    def _provider_of(self, record: Record | None) -> object:
        account = self._accounts.get(record.key.account) if record is not None else None
        return account.provider if account is not None else None

    async def _read_result(self, record: Record) -> bytes | None:
        try:
            return await self.read_result(record)
        except (ResultNotStored, StorageError):
            return None

    async def read_result(self, record: Record) -> bytes:
        """Return the provider's last stored answer: personal data. Raises `ResultNotStored`, `StorageUnavailable`."""
        name = record.reads.snapshot.result if record.reads.snapshot is not None else None
        if name is None:
            raise ResultNotStored
        try:
            return await self._storage.read(name)
        except NotStored:
            raise ResultNotStored from None

    async def read_claims(self, record: Record) -> Claims:
        """Return the personal claims in the last stored answer. Raises `ResultNotStored`, `StorageUnavailable`."""
        result = await self.read_result(record)
        account = self._accounts.get(record.key.account)
        if account is None or not isinstance(account.provider, ClaimReader):
            return Claims()
        return account.provider.read_claims(result)

    async def _read_stored(self, key: VerificationKey) -> Record | None:
        found = await self._records.latest(self._tracker.path(key))
        return _parsed(found[1]) if found else None

    async def _query_record(self, key: VerificationKey) -> Record:
        try:
            record: Record | None = await self._tracker.handle(key).query(
                "record",
                result_type=Record | None,  # type: ignore[arg-type]
                rpc_timeout=QUERY_TIMEOUT,
            )
        except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
            raise RecordUnavailable from None
        except ValidationError:  # a worker of a later release has returned it
            raise RecordUnreadable from None
        if record is None:
            raise RecordLoading
        return record

    def _summarize(self, record: Record) -> Summary:
        return summarize(record, self._tracker.account(record.key.account).plan_for(record.subject.sender))


def _parsed(content: bytes) -> Record:
    try:
        return parse_record(content)
    except RecordNotReadable:
        raise RecordUnreadable from None


def _newest_receipt_of_the_verdict(record: Record) -> StorageName | None:
    """Return the newest callback with the status of the newest verdict that the provider gave."""
    word = next((revision.word for revision in reversed(record.verdict.revisions) if revision.word), None)
    heard = (entry for entry in reversed(record.log.entries) if entry.kind == EntryKind.CALLBACK and entry.receipt)
    return next((entry.receipt for entry in heard if word is not None and entry.words[1:2] == (word,)), None)


def _is_behind(published: Summary | None, record: Record) -> bool:
    """Whether a run has published less than an earlier run stored: a follow-up run that has not loaded it yet."""
    return published is None or published.sequence < record.sequence
