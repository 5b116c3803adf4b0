"""Loading and writing records."""

from collections.abc import Mapping

from temporalio import activity

from activities.accounts import WatchedAccount
from activities.failures import try_again
from domain.record import Record
from storage.records import Records
from workflows import steps


class RecordActivities:
    """The steps with which a run begins and ends."""

    def __init__(self, records: Records, accounts: Mapping[str, WatchedAccount]) -> None:
        self._records = records
        self._accounts = accounts

    @activity.defn(name=steps.LOAD_RECORD)
    async def load_record(self, order: steps.LoadRecord) -> steps.Loaded:
        """Load the newest record, if there is one, and the plans of the account as they are configured now."""
        account = self._accounts.get(order.account)
        if account is None:
            # Somebody took it out of the settings while verifications were open; explain shows this word.
            raise try_again("account_not_configured")
        newest = await self._records.latest(order.place)
        number, content = newest or (0, None)
        return steps.Loaded(
            record=Record.model_validate_json(content) if content is not None else None,
            number=number,
            plans=account.plans,
            default_sender=account.default_sender,
        )

    @activity.defn(name=steps.WRITE_RECORD)
    async def write_record(self, order: steps.WriteRecord) -> int:
        """Write a record under its number, or under the next free one if another content has it. Idempotent."""
        content = order.record.model_dump_json().encode()
        return await self._records.write(order.place, order.number, content)
