"""Processes of two releases run side by side, forward and back. Nothing is lost, and nothing stays stuck."""

import asyncio
import json
from typing import Any, Final

import pytest

from tests.releases.conftest import ACCOUNT, WITHIN, Installation
from vigil.domain.verification_key import VerificationKey
from vigil.storage.contract import names_under
from vigil.storage.inbox import Inbox

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="module")]

APPROVED: Final = {"decision": "approved"}
DECLINED: Final = {"decision": "declined"}
DECIDED: Final = ("complete", "decided", "approved", True)


async def until_complete(installation: Installation, reference: str) -> Any:
    """Wait until a verification is complete, and return it."""
    async with asyncio.timeout(WITHIN):
        while True:
            known = await installation.known(reference)
            if known["state"] and known["state"]["stage"] == "complete" and not known["is_open"]:
                return known
            await asyncio.sleep(0.2)


def verdict(known: Any) -> tuple[str, str, str, bool]:
    state = known["state"]
    return state["stage"], state["outcome"], state["decision"], state["registered"]


def reasons(state: Any) -> list[str]:
    return [note["reason"] for note in state["attention"]]


async def complete_one(installation: Installation) -> Any:
    """Register a verification, have it played to its end, and return what is known then."""
    reference = await installation.play()
    assert await installation.register(reference) == "started"
    return await until_complete(installation, reference)


async def open_one(installation: Installation) -> str:
    """Register a verification that nobody ends, and let the worker apply a callback."""
    reference = await installation.play(outcome="silent", callbacks=False)
    await installation.register(reference)
    assert await installation.call_back(reference, 1) == 200
    await until_steps(installation, reference, 1)
    return reference


async def until_steps(installation: Installation, reference: str, done: int) -> None:
    async with asyncio.timeout(WITHIN):
        while (await installation.known(reference))["state"]["steps_done"] != done:
            await asyncio.sleep(0.2)


async def resolve(installation: Installation, reference: str) -> Any:
    status, answer = await installation.request("POST", f"/{ACCOUNT}/{reference}/resolve", json=APPROVED)
    assert (status, answer.get("decision")) == (200, "approved"), answer
    return await until_complete(installation, reference)


async def listed(installation: Installation) -> dict[str, Any]:
    status, page = await installation.request("GET", "", params={"limit": 200})
    assert status == 200, page
    return {each["reference"]: each["state"] for each in page["verifications"]}


async def records(installation: Installation, reference: str) -> list[str]:
    path = installation.runtime.tracker.path(VerificationKey(account=ACCOUNT, reference=reference))
    storage = installation.runtime.storage
    names = [name async for name in names_under(storage, f"verifications/{path}/records/")]
    return [(await storage.read(name)).decode() for name in names]


async def assert_nothing_is_stuck(installation: Installation) -> None:
    async for run in installation.runtime.client.list_workflows("ExecutionStatus = 'Running'"):
        description = await installation.runtime.client.get_workflow_handle(run.id).describe()
        assert description.raw_description.pending_workflow_task.attempt <= 1, run.id


def grown(value: Any, place: str = "") -> set[str]:
    """Return the places in a record at which the next release's field stands."""
    if isinstance(value, list):
        return {each for number, item in enumerate(value) for each in grown(item, f"{place}[{number}]")}
    if not isinstance(value, dict):
        return set()
    found = {each for name, item in value.items() for each in grown(item, f"{place}.{name}")}
    return found | ({place} if "next_release" in value else set())


async def test_two_releases_run_side_by_side_forward_and_back(installation: Installation) -> None:
    await installation.roll(worker="old", api="old")
    at_first = await open_one(installation)

    # A deploy of the API alone.
    await installation.roll(api="new")
    by_new_api = await complete_one(installation)
    opened_by_new_api = await open_one(installation)

    assert verdict(by_new_api) == DECIDED
    assert by_new_api["state"]["evidence"] == {"lost": 5}  # by the new default, which the old worker is sent
    assert reasons(by_new_api["state"]) == []
    written = await records(installation, by_new_api["reference"])
    assert ".subject.registration" in grown(json.loads(written[0]))
    assert await installation.register(at_first) == "known"
    await assert_nothing_is_stuck(installation)

    # A deploy of the worker alone.
    await installation.roll(worker="new", api="old")
    by_new_worker = await complete_one(installation)
    opened_by_new_worker = await open_one(installation)
    assert await installation.call_back(at_first, 2) == 200
    await until_steps(installation, at_first, 2)

    assert verdict(by_new_worker) == DECIDED
    assert by_new_worker["state"]["evidence"] == {"stored": 5}
    assert reasons(by_new_worker["state"]) == ["next_release"]
    assert verdict(await resolve(installation, opened_by_new_api)) == DECIDED
    for tail in ("/explanation", "/evidence", "/timeline"):
        status, answer = await installation.request("GET", f"/{ACCOUNT}/{by_new_worker['reference']}{tail}")
        assert status == 200, answer
    assert await installation.register(by_new_api["reference"]) == "known"
    assert reasons((await listed(installation))[by_new_worker["reference"]]) == ["next_release"]
    await assert_nothing_is_stuck(installation)

    # The worker is taken back.
    await installation.roll(worker="old")
    assert verdict(await resolve(installation, opened_by_new_worker)) == DECIDED
    assert verdict(await resolve(installation, at_first)) == DECIDED
    assert verdict(await complete_one(installation)) == DECIDED
    before = await records(installation, by_new_worker["reference"])
    await installation.request("POST", f"/{ACCOUNT}/{by_new_worker['reference']}/resolve", json=DECLINED)
    async with asyncio.timeout(WITHIN):
        while len(kept := await records(installation, by_new_worker["reference"])) == len(before):
            await asyncio.sleep(0.2)
    after = json.loads(kept[-1])
    assert (after["verdict"]["decision"], after["attention"][0]["reason"]) == ("declined", "next_release")
    # Nothing is dropped; a read by the old worker may have taken the place of the last one.
    assert grown(json.loads(before[0])) - grown(after) <= {".reads.last"}
    assert "next_release" in reasons((await listed(installation))[by_new_worker["reference"]])
    await assert_nothing_is_stuck(installation)


async def test_the_relay_of_this_release_signals_what_the_api_of_the_next_one_stored(
    installation: Installation,
) -> None:
    await installation.roll(worker="old", api="old")
    reference = await open_one(installation)
    cut_off = installation.stack.folder / "cut_off.toml"
    address = installation.stack.server.address
    cut_off.write_text(installation.stack.config.read_text().replace(f'"{address}"', '"127.0.0.1:9"'))
    await installation.stack.programs["api"].stop()
    without_temporal = installation.program("api", "new", cut_off)
    installation.stack.programs["api"] = without_temporal
    await installation.stack.restart("api")

    answers = [await installation.call_back(reference, number) for number in (2, 3, 4)]
    await without_temporal.stop()
    inbox = Inbox(installation.runtime.storage)
    stored = [name async for name in names_under(installation.runtime.storage, "inbox/pending/")]
    contents = [json.loads(await installation.runtime.storage.read(name)) for name in stored]

    assert answers == [200, 200, 200]
    assert [content["next_release"] for content in contents] == ["later"] * 3

    installation.stack.programs["api"] = installation.program("api", "old", installation.stack.config)
    await installation.stack.restart("api")
    await until_steps(installation, reference, 4)
    async with asyncio.timeout(WITHIN):
        while [name async for name in names_under(installation.runtime.storage, "inbox/pending/")]:
            await asyncio.sleep(0.2)

    assert await inbox.quarantined_at_least(1) == 0
