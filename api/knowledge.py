"""What is known of a verification: by Temporal while it remembers, by storage for ever."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from api.problems import unavailable, unknown_verification
from domain.explanation import Situation
from domain.identity import VerificationKey, stands_in
from domain.record import Record, Summary
from domain.watch import summary
from storage.contract import StorageUnavailable
from storage.records import Records
from tracking import Tracker

QUERY_WITHIN: Final = timedelta(seconds=3)


@dataclass(frozen=True)
class Known:
    """One verification as it can be known now; `record` is the last that was written, None if none was."""

    key: VerificationKey
    situation: Situation
    record: Record | None


class Knowledge:
    """Looks verifications up; needs no worker but for `record_now` of an open one."""

    def __init__(self, tracker: Tracker, records: Records) -> None:
        self._tracker = tracker
        self._records = records

    async def named(self, account: str, reference: str) -> VerificationKey:
        """Return the key that is meant by a reference, or by the digest that stands for one that must not be shown.

        Raises `UnknownAccount`, `ValidationError` for what no verification can have, `RPCError`.
        """
        found = await self._key_at(account, reference) if stands_in(reference) else None
        return found or VerificationKey(account=account, reference=reference)

    async def _key_at(self, account: str, slug: str) -> VerificationKey | None:
        place = f"{self._tracker.account(account).name}/{slug}"
        started = await self._tracker.key_at(place)
        written = await self._records.latest(place) if started is None else None
        return Record.model_validate_json(written[1]).key if written else started

    async def of(self, key: VerificationKey) -> Known:
        """Return what is known. Raises `Problem` 404 if neither knows it, `UnknownAccount`, `RPCError`."""
        # Temporal first: a run writes its record before it ends, so the record of a run that was seen ended is there.
        seen = await self._tracker.look_with_queues(key)
        try:
            record = await self.stored(key)
        except StorageUnavailable:
            if seen is None:
                raise
            record = None  # what Temporal knows must be told while storage is away, and that it is away too
        if seen is None and record is None:
            raise unknown_verification()
        situation = seen or Situation(summary=None, is_open=False)
        if record is not None and _knows_less(situation.summary, record):
            situation = situation.model_copy(update={"summary": self._summary(record)})
        return Known(key=key, situation=situation, record=record)

    async def stored(self, key: VerificationKey) -> Record | None:
        """Return the last record that was written."""
        found = await self._records.latest(self._tracker.place(key))
        return Record.model_validate_json(found[1]) if found else None

    async def record_now(self, key: VerificationKey) -> Record:
        """Return all that is known: from its worker while it is open, as it was written when it is not.

        Raises `Problem` 503 if it is open and no worker answers, 404 if nobody knows it.
        """
        seen = await self._tracker.look(key)
        if seen is not None and seen.is_open:
            return await self._asked(key)
        record = await self.stored(key)
        if record is None:
            raise unknown_verification()
        return record

    async def _asked(self, key: VerificationKey) -> Record:
        try:
            record: Record | None = await self._tracker.handle(key).query(
                "record",
                result_type=Record | None,  # type: ignore[arg-type]
                rpc_timeout=QUERY_WITHIN,
            )
        except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
            raise unavailable("no_worker_in_time", "It is open, and no worker answered in time") from None
        if record is None:
            raise unavailable("loading", "It is open, and its record is being loaded", retry_after=1)
        return record

    def _summary(self, record: Record) -> Summary:
        return summary(record, self._tracker.account(record.key.account).plan_for(record.sender))


def _knows_less(published: Summary | None, record: Record) -> bool:
    """Whether a run has published less than an earlier one left behind: one that follows up, and is not loaded yet."""
    return published is None or published.sequence < record.sequence
