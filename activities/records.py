"""Loading and writing records."""

from collections.abc import Awaitable, Callable, Mapping

from temporalio import activity

from activities.failures import try_again
from vigil.domain.account import Account
from vigil.domain.explanation import RECORD_NOT_READABLE
from vigil.domain.record import Record, RecordNotReadable, parse_record
from vigil.storage.records import Records
from vigil.temporal import messages


class RecordActivities:
    """The steps with which a run begins and ends."""

    def __init__(
        self,
        records: Records,
        accounts: Mapping[str, Account],
        read_interrupted: Callable[[str, str], Awaitable[messages.InterruptedRun]],
    ) -> None:
        """Take also how to read what is left of a run, by its path and Temporal's id of it."""
        self._records = records
        self._accounts = accounts
        self._read_interrupted = read_interrupted

    @activity.defn(name=messages.LOAD_RECORD)
    async def load_record(self, order: messages.LoadRecord) -> messages.LoadedRecord:
        """Load the newest record, if there is one, and the plans of the account as they are configured now."""
        account = self._accounts.get(order.account)
        if account is None:
            # Somebody took it out of the settings while verifications were open; explain shows this word.
            raise try_again("account_not_configured")
        if await self._records.is_erased(order.path):
            return messages.LoadedRecord(
                record=None, number=0, plans=account.plans, default_sender=account.default_sender, is_erased=True
            )
        try:
            number, record = await self._before(order.path, activity.info().workflow_run_id)
        except RecordNotReadable:
            # A run without its record would decide by guesses. It waits for a worker of the release that wrote it.
            raise try_again(RECORD_NOT_READABLE) from None
        interrupted = await self._read_interrupted(order.path, order.follows) if order.follows else None
        return messages.LoadedRecord(
            interrupted=interrupted,
            record=record,
            number=number,
            plans=account.plans,
            default_sender=account.default_sender,
        )

    async def _before(self, path: str, run: str | None) -> tuple[int, Record | None]:
        """Return what the runs before this one left behind, and the highest number.

        A run whose last task the server refuses, because a signal came in between, begins that task anew. What it
        wrote in it holds what it is about to hear again.
        """
        newest = await self._records.latest(path)
        highest = number = newest[0] if newest else 0
        while newest is not None:
            record = parse_record(newest[1])
            if run is None or record.run != run:
                return highest, record
            number -= 1
            newest = await self._records.numbered(path, number)
        return highest, None

    @activity.defn(name=messages.WRITE_RECORD)
    async def write_record(self, order: messages.WriteRecord) -> int:
        """Write a record under its number, or under the next free one if another content has it. Idempotent."""
        content = order.record.model_dump_json().encode()
        return await self._records.write(order.path, order.number, content)
