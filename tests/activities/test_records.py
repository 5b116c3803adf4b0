"""What a run begins with: what the runs before it left behind, also when its first task has to be done again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.records import RecordActivities
from vigil.domain.account import Account
from vigil.domain.callbacks import open_record
from vigil.domain.record import Record
from vigil.domain.verification_key import VerificationKey
from vigil.providers.id360.senders import CONTRACT
from vigil.storage.folder import FolderStorage
from vigil.storage.records import Records
from vigil.temporal import messages

PLACE = "id360/700102"


def record(heard: int, *, run: str | None) -> Record:
    key = VerificationKey(account="id360", reference="700102")
    at = datetime(2031, 3, 4, tzinfo=UTC)
    fresh = open_record(key, provider="id360", environment="sandbox", at=at, plan=CONTRACT.tracking)
    counted = fresh.callbacks.model_copy(update={"received": heard})
    return fresh.model_copy(update={"callbacks": counted, "run": run})


@pytest.fixture
def steps_of_records(accounts: Mapping[str, Account], tmp_path: Path) -> RecordActivities:
    return RecordActivities(Records(FolderStorage(tmp_path / "records")), accounts, no_run)


async def no_run(path: str, run: str) -> messages.InterruptedRun:
    raise AssertionError(f"nothing before {path} was interrupted: {run}")


async def loaded(activities: RecordActivities, *, run: str) -> messages.LoadedRecord:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, workflow_run_id=run)
    return await environment.run(activities.load_record, messages.LoadRecord(path=PLACE, account="id360"))


@pytest.mark.parametrize(
    ("written", "number", "heard"),
    [
        ([], 0, None),
        ([(1, "run-1")], 1, 1),
        ([(1, "run-1"), (2, "run-2")], 2, 1),
        ([(1, "run-1"), (2, "run-2"), (3, "run-2")], 3, 1),
        ([(1, "run-2")], 1, None),
        ([(1, None)], 1, 1),
    ],
)
async def test_a_run_does_not_begin_with_what_it_wrote_itself(
    steps_of_records: RecordActivities, written: list[tuple[int, str | None]], number: int, heard: int | None
) -> None:
    for count, run in written:
        order = messages.WriteRecord(path=PLACE, number=count, record=record(count, run=run))
        await ActivityEnvironment().run(steps_of_records.write_record, order)

    began = await loaded(steps_of_records, run="run-2")

    assert began.number == number
    assert (began.record.callbacks.received if began.record else None) == heard


async def test_a_record_of_a_later_schema_is_awaited_under_its_own_word(steps_of_records: RecordActivities) -> None:
    await steps_of_records._records.write(PLACE, 1, b'{"schema_version": 2}')

    with pytest.raises(ApplicationError) as raised:
        await loaded(steps_of_records, run="run-2")

    assert (raised.value.type, raised.value.non_retryable) == ("record_not_readable", False)
