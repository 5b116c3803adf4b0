"""Records: numbered, never changed."""

import asyncio
from pathlib import Path

import pytest

from vigil.storage.contract import Storage
from vigil.storage.folder import FolderStorage
from vigil.storage.records import Records

PLACE = "smile-sandbox/job-1"


async def test_a_record_lies_under_its_verification_by_number(storage: Storage) -> None:
    assert await Records(storage).write(PLACE, 7, b"seven") == 7

    assert await storage.list("") == ["verifications/smile-sandbox/job-1/records/000007"]


async def test_the_latest_record_is_the_one_with_the_highest_number(storage: Storage) -> None:
    records = Records(storage)
    for number in (10, 2, 9):
        await records.write(PLACE, number, f"number {number}".encode())

    assert await records.latest(PLACE) == (10, b"number 10")


async def test_a_verification_without_records_has_no_latest(storage: Storage) -> None:
    records = Records(storage)
    await records.write("smile-sandbox/job-10", 1, b"another's")

    assert await records.latest("smile-sandbox/job-1") is None


async def test_writing_the_same_record_again_changes_nothing(storage: Storage) -> None:
    records = Records(storage)

    assert [await records.write(PLACE, 1, b"same") for _ in range(3)] == [1, 1, 1]

    assert await storage.list("") == ["verifications/smile-sandbox/job-1/records/000001"]


async def test_a_number_taken_by_another_content_moves_on_to_a_free_one(storage: Storage) -> None:
    records = Records(storage)
    await records.write(PLACE, 1, b"first")
    await records.write(PLACE, 2, b"second")

    assert await records.write(PLACE, 1, b"third") == 3
    assert await records.write(PLACE, 1, b"third") == 3

    assert await records.latest(PLACE) == (3, b"third")
    assert await storage.read("verifications/smile-sandbox/job-1/records/000001") == b"first"


async def test_writers_that_want_one_number_all_find_their_own(storage: Storage) -> None:
    records = Records(storage)

    numbers = await asyncio.gather(*(records.write(PLACE, 1, bytes([n])) for n in range(5)))

    assert sorted(numbers) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("count", [1001])
async def test_the_latest_is_found_beyond_one_page(tmp_path: Path, count: int) -> None:
    records = Records(FolderStorage(tmp_path, fsync=lambda _: None))
    for number in range(1, count + 1):
        await records.write(PLACE, number, str(number).encode())

    assert await records.latest(PLACE) == (1001, b"1001")
