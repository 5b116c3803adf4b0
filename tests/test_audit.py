"""The audit log: lines that are only added, found by time and by verification, and erased when they are old."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.gate import GatedStorage
from vigil.audit import AuditLog, Read, Reader, erase_old_lines
from vigil.domain.digest import Digester
from vigil.storage.contract import StorageUnavailable
from vigil.storage.folder import FolderStorage

AT = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
ANNA = Reader("anna", "key")


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def storage(tmp_path: Path) -> GatedStorage:
    return GatedStorage(FolderStorage(tmp_path))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(storage: GatedStorage, clock: Clock) -> AuditLog:
    return AuditLog(storage, Digester(b"a key for tests"), now=clock)


async def test_a_line_says_who_read_what_and_when_and_names_the_verification_by_a_digest(
    log: AuditLog, storage: GatedStorage
) -> None:
    with capture_logs() as logged:
        await log.note(ANNA, Read.FILE, path="acme/secret-4711", item="portrait-1")
    (name,) = await storage.list("audit")
    kept = await storage.read(name)

    assert b"4711" not in kept
    assert json.loads(kept) == {
        "at": "2026-03-01T23:59:59Z",
        "who": "anna",
        "by": "key",
        "kind": "file",
        "account": "acme",
        "verification": log.digest_of("acme/secret-4711"),
        "item": "portrait-1",
    }
    assert [dict(each) for each in logged] == [
        {
            "event": "personal_data.read",
            "log_level": "info",
            "kind": "file",
            "account": "acme",
            "name": "anna",
            "by": "key",
        }
    ]


async def test_lines_are_found_by_time_and_in_their_order_also_over_midnight(log: AuditLog, clock: Clock) -> None:
    for kind in (Read.CLAIMS, Read.RESULT, Read.EXPORT):
        await log.note(ANNA, kind, path="acme/1")
        clock.now += timedelta(seconds=1)

    found = [[line.kind async for line in log.lines(since)] for since in (None, AT + timedelta(seconds=1), clock.now)]

    assert found == [["claims", "result", "export"], ["result", "export"], []]


async def test_a_line_that_cannot_be_read_is_listed_and_not_left_out(log: AuditLog, storage: GatedStorage) -> None:
    await log.note(ANNA, Read.CALLBACK, account="acme", item="a-receipt")
    await storage.put_new("audit/20260302/20260302T000001.000000Z-00", b"no JSON")

    assert [(line.kind, line.account) async for line in log.lines()] == [("callback", "acme"), ("not_readable", None)]


async def test_without_a_store_there_is_no_line_and_the_reader_is_told(log: AuditLog, storage: GatedStorage) -> None:
    storage.fail_next("audit/", times=1)

    with pytest.raises(StorageUnavailable), capture_logs() as logged:
        await log.note(ANNA, Read.CLAIMS, path="acme/1")

    assert ([line async for line in log.lines()], logged) == ([], [])


async def test_lines_are_erased_when_they_are_old_and_not_before(
    log: AuditLog, storage: GatedStorage, clock: Clock
) -> None:
    await log.note(ANNA, Read.CLAIMS, path="acme/1")
    clock.now += timedelta(seconds=1)
    await log.note(ANNA, Read.RESULT, path="acme/1")
    await erase_old_lines(storage, timedelta(days=30), AT + timedelta(days=30, milliseconds=500))

    assert [line.kind async for line in log.lines()] == ["result"]


def test_the_user_of_the_command_line_is_the_one_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Reader.of_command_line()
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, "somebody-else")

    assert Reader.of_command_line() == true
    assert true.by == "command_line"


async def test_lines_of_a_long_time_are_read_many_at_once_and_listed_in_their_order(
    log: AuditLog, storage: GatedStorage, clock: Clock
) -> None:
    running: list[int] = [0]
    most: list[int] = [0]
    read = storage.read

    class Counting(GatedStorage):
        async def read(self, name: str) -> bytes:
            running[0] += 1
            most[0] = max(most[0], running[0])
            await asyncio.sleep(0.001)
            try:
                return await read(name)
            finally:
                running[0] -= 1

    for number in range(120):
        clock.now = AT + timedelta(seconds=number)
        await log.note(ANNA, Read.FILE, path="acme/v-1", item=f"portrait-{number}")
    reading = AuditLog(Counting(storage), Digester(b"a key for tests"))

    assert [line.item async for line in reading.lines()] == [f"portrait-{number}" for number in range(120)]
    assert most[0] == 50
