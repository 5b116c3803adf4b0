"""Erasure over HTTP: the receipt, what is answered afterwards, and holds."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.api.test_verifications import backend, body, code, path
from tests.sealed import connect
from tests.world import APPROVED_WITH_FILE, World, final

LONG, SHORT = timedelta(seconds=60), timedelta(milliseconds=200)
SAME = {"Idempotency-Key": "erase-4711"}


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


async def test_an_erased_verification_has_its_verdict_and_a_receipt_and_nothing_else(world: World) -> None:
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers(), backend(world, command_timeout=LONG) as client:
        await client.post("/verifications", json=body(world))
        await world.hear(final("OK"))
        await world.result()
        before = await client.get(path(world, "/erasure"))
        erased = await client.delete(path(world, "/data"), headers=SAME)
        again = await client.delete(path(world, "/data"), headers=SAME)
        read, explained = await client.get(path(world)), await client.get(path(world, "/explanation"))
        gone = [await client.get(path(world, tail)) for tail in ("/timeline", "/evidence", "/result", "/claims")]
        registered = await client.post("/verifications", json=body(world))
        polled = await client.post(path(world, "/poll"), headers=SAME)

    assert (before.status_code, code(before)) == (404, "not_erased")
    assert (erased.status_code, erased.json()["state"]) == (200, "finished")
    assert (erased.json()["decision"], erased.json()["asked_by"]) == ("approved", "local")
    assert erased.json()["not_ours"] == ["provider", "backend", "proxy_logs"]
    assert again.json() == erased.json()
    state = read.json()["state"]
    assert (state["decision"], state["applicant"], read.json()["record"]) == ("approved", None, None)
    assert state["erased_at"] == erased.json()["erased_at"]
    assert explained.json()["sentence"].startswith("its data was erased")
    assert {(answer.status_code, code(answer)) for answer in gone} == {(410, "data_erased")}
    assert (registered.status_code, code(registered)) == (410, "data_erased")
    assert (polled.status_code, code(polled)) == (410, "data_erased")


async def test_held_data_is_kept_and_the_refusal_says_by_whom_and_until_when(world: World) -> None:
    hold = {"reason": "litigation", "until": "2031-01-01T00:00:00Z"}
    async with backend(world) as client:
        await client.post("/verifications", json=body(world))
        none = await client.get(path(world, "/hold"))
        past = await client.put(path(world, "/hold"), json={**hold, "until": "2020-01-01T00:00:00Z"})
        placed = await client.put(path(world, "/hold"), json=hold)
        refused = await client.delete(path(world, "/data"), headers=SAME)
        released = await client.delete(path(world, "/hold"), headers=SAME)
        after = await client.get(path(world, "/hold"))

    assert (none.status_code, code(none)) == (404, "not_held")
    assert (past.status_code, code(past)) == (422, "invalid_request")
    assert (placed.status_code, placed.json()["author"]) == (200, "local")
    assert (refused.status_code, code(refused)) == (409, "data_on_hold")
    assert refused.json()["detail"] == "Its data is on hold by local (litigation) until 2031-01-01 00:00 UTC."
    assert (released.status_code, after.status_code) == (204, 404)


async def test_without_a_worker_an_erasure_is_accepted_and_goes_on_later(world: World) -> None:
    async with backend(world, command_timeout=SHORT) as client:
        await client.post("/verifications", json=body(world))
        accepted = await client.delete(path(world, "/data"), headers=SAME)
    async with world.workers(), backend(world, command_timeout=LONG) as client:
        finished = await client.delete(path(world, "/data"), headers=SAME)

    assert (accepted.status_code, accepted.json()["state"]) == (202, "running")
    assert (finished.status_code, finished.json()["outcome"]) == (200, "withdrawn")
