"""A callback whose body names nothing is led to its verification by the word in its address."""

import json
from pathlib import Path

from tests.api.conftest import face_of, in_process
from tests.api.fakes import DIGESTER, SECRET, Desk
from vigil.registration import digest_correlation
from vigil.storage.correlations import Correlations

PROVEN = {"x-secret": SECRET}
UNNAMED = json.dumps({"says": [{"id": "event-1"}]}).encode()
NAMED = json.dumps({"says": [{"ref": "r-9"}]}).encode()


async def remembered(desk: Desk, correlation: str, reference: str) -> None:
    mark = digest_correlation(DIGESTER, "acme", correlation)
    await Correlations(desk.storage).remember("acme", mark, reference)


async def test_a_callback_without_a_reference_goes_where_its_correlation_was_registered(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    async with in_process(face_of(desk)) as client:
        answer = await client.post("/callbacks/acme/order-2047", content=UNNAMED, headers=PROVEN)

    assert answer.status_code == 200
    assert [(reference, notice.correlation) for reference, notice in desk.verifications.told] == [("r-1", "order-2047")]


async def test_a_reference_in_the_body_weighs_more_than_the_address(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme/order-2047", content=NAMED, headers=PROVEN)

    assert [reference for reference, _ in desk.verifications.told] == ["r-9"]


async def test_one_that_nothing_leads_to_is_kept_apart(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    async with in_process(face_of(desk)) as client:
        answers = [
            await client.post(path, content=UNNAMED, headers=PROVEN)
            for path in ("/callbacks/acme/order-9999", "/callbacks/acme")
        ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert desk.verifications.told == []
    assert await desk.names("inbox") == ["inbox/quarantined"] * 2


async def test_the_first_that_was_registered_with_a_correlation_keeps_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    await remembered(desk, "order-2047", "r-2")

    mark = digest_correlation(DIGESTER, "acme", "order-2047")
    assert await Correlations(desk.storage).reference("acme", mark) == "r-1"
    assert "order-2047" not in "".join(await desk.storage.list(""))


async def test_storage_that_is_away_makes_nobody_elses_callback_of_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await remembered(desk, "order-2047", "r-1")
    desk.storage.down = True
    async with in_process(face_of(desk)) as client:
        answer = await client.post("/callbacks/acme/order-2047", content=UNNAMED, headers=PROVEN)

    assert answer.status_code == 503
    assert desk.verifications.told == []
