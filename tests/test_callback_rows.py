"""The callbacks of a page: how much of the storage is read for them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.domain.samples import PLAN
from vigil.callback_rows import CallbackRows
from vigil.domain.callback_event import CallbackEvent, StatusSeen
from vigil.domain.callbacks import open_record
from vigil.domain.log import EntryKind, Log, LogEntry
from vigil.domain.record import Record
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import AddressedEvent, Inbox, Receipt

NOON = datetime(2031, 3, 4, 12, tzinfo=UTC)
KEY = VerificationKey(account="acme", reference="v-1")
PATH = "acme/v-1"


class CountingStorage(FolderStorage):
    """The store, which notes what is read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: list[str] = []

    async def read(self, name: str) -> bytes:
        self.reads.append(name)
        return await super().read(name)


@pytest.fixture
def storage(tmp_path: Path) -> CountingStorage:
    return CountingStorage(tmp_path)


async def keep(storage: CountingStorage, number: int) -> str:
    at = NOON + timedelta(seconds=number)
    event = CallbackEvent(
        delivery=chr(ord("a") + number) * 26,
        identity=None,
        received_at=at,
        proof=Proof.SECRET,
        observation=StatusSeen(word="OK", looks="final"),
    )
    addressed = AddressedEvent(key=KEY, path=PATH, event=event, repeats_until=at)
    receipt = Receipt(
        received_at=at, account="acme", correlation=None, proof="secret", headers={}, body=b"{}", events=(addressed,)
    )
    return await Inbox(storage).keep(receipt)


def record_with(receipts: Sequence[str]) -> Record:
    entries = tuple(
        LogEntry(at=NOON + timedelta(seconds=number), kind=EntryKind.CALLBACK, words=("OK",), receipt=receipt)
        for number, receipt in enumerate(receipts)
    )
    record = open_record(KEY, provider="acme", environment="sandbox", at=NOON, plan=PLAN)
    return record.with_log(Log(entries=entries))


async def test_a_page_that_asks_again_reads_no_receipt_twice(storage: CountingStorage) -> None:
    names = [await keep(storage, number) for number in range(20)]
    for name in names[:15]:
        await Inbox(storage).file_under(name, PATH)
    rows, record = CallbackRows(Inbox(storage)), record_with(names)
    storage.reads.clear()
    first = await rows.read(record, PATH)
    read = len(storage.reads)
    again = await rows.read(record, PATH)
    later = await rows.read(record_with([*names, await keep(storage, 20)]), PATH)

    assert (first, {row.proof for row in first}) == (again, {Proof.SECRET})
    assert [row.digest8 for row in later[1:]] == [row.digest8 for row in first[:-1]]
    assert (read, len(storage.reads) - read) == (20 + 5, 2)  # a pending one is looked for where it will be filed, too


async def test_a_receipt_that_could_not_be_read_is_asked_for_again(storage: CountingStorage) -> None:
    name = await keep(storage, 0)
    content = await storage.read(name)
    await storage.erase(name)
    rows, record = CallbackRows(Inbox(storage)), record_with([name])
    [unknown] = await rows.read(record, PATH)
    await storage.put_new(name, content)
    [known] = await rows.read(record, PATH)

    assert (unknown.proof, known.proof) == (None, Proof.SECRET)


async def test_rows_of_the_pages_that_were_asked_for_last_are_remembered(storage: CountingStorage) -> None:
    names = [await keep(storage, number) for number in range(3)]
    rows = CallbackRows(Inbox(storage), remembered=2)
    for name in (names[0], names[1], names[0], names[2]):
        await rows.read(record_with([name]), PATH)
    storage.reads.clear()
    await rows.read(record_with([names[0]]), PATH)
    assert storage.reads == []
    await rows.read(record_with([names[1]]), PATH)
    assert storage.reads
