"""The backend face on a real server: with workers, without them, and after Temporal has forgotten."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from pydantic import JsonValue

from api.app import build_app
from api.dependencies import Dependencies
from api.long_poll import LongPollHub
from api.schemas import RecordView
from tests.api.conftest import in_process
from tests.api.fakes import Acme, account_in
from tests.domain.samples import DECLINED, callback_event, fresh, read
from tests.sealed import connect
from tests.world import ACCOUNT, APPROVED, APPROVED_WITH_FILE, World, final, step
from vigil.domain.callback_event import RoomChanged
from vigil.domain.callbacks import apply_callback
from vigil.domain.situation import Situation
from vigil.domain.snapshot import Room
from vigil.providers.contract import ProviderResponse
from vigil.temporal.client import VerificationClient


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


def dependencies_of(world: World, **changes: Any) -> Dependencies:
    made: dict[str, Any] = {
        "accounts": {ACCOUNT: account_in(world)},
        "tracker": world.tracker,
        "storage": world.storage,
        "digester": world.digester,
        "endpoints": frozenset({"checkout"}),
    }
    return Dependencies(**made | changes)


@asynccontextmanager
async def backend(world: World, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with in_process(build_app(dependencies_of(world, **changes))) as client:
        yield client


def body(world: World, **changes: Any) -> dict[str, Any]:
    return {"account": ACCOUNT, "reference": world.key.reference, "applicant": "customer-7"} | changes


def path(world: World, tail: str = "") -> str:
    return f"/verifications/{ACCOUNT}/{quote(world.key.reference, safe='')}{tail}"


def code(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return str(problem["type"].removeprefix("urn:vigil:"))


async def test_registering_needs_no_worker_and_may_be_repeated(world: World) -> None:
    async with backend(world) as client:
        first = await client.post("/verifications", json=body(world))
        again = await client.post("/verifications", json=body(world))
        read = await client.get(first.headers["location"])

    assert (first.status_code, first.json()["registered"]) == (201, "started")
    assert (again.status_code, again.json()["registered"]) == (200, "known")
    assert read.status_code == 200
    state = read.json()["state"]
    assert (state["stage"], state["registered"], state["applicant"]) == ("awaiting_applicant", True, "customer-7")
    assert read.json()["record"] is None


async def test_a_registration_that_differs_is_refused_naming_the_fields_and_no_values(world: World) -> None:
    async with backend(world) as client:
        await client.post("/verifications", json=body(world))
        other = await client.post("/verifications", json=body(world, applicant="customer-8", evidence="none"))

    assert (other.status_code, code(other)) == (409, "conflicting_registration")
    assert {field["field"] for field in other.json()["fields"]} == {"applicant", "evidence"}
    assert "customer" not in other.text


@pytest.mark.parametrize(
    ("changes", "status", "problem", "field"),
    [
        ({"account": "nobody"}, 404, "unknown_account", None),
        ({"notify": ["elsewhere"]}, 422, "invalid_request", "body.notify"),
        ({"sender": "other"}, 422, "invalid_request", "body.sender"),
        ({"deadline_at": "2020-01-01T00:00:00Z"}, 422, "invalid_request", "body.deadline_at"),
        ({"deadline_at": "9999-12-31T23:59:59Z"}, 422, "invalid_request", "body.deadline_at"),
        ({"deadline_at": "2030-01-01T00:00:00"}, 422, "invalid_request", "body.deadline_at"),
        ({"applicant": "Jane Doe, Paris"}, 422, "invalid_request", "body.applicant"),
        ({"reference": ""}, 422, "invalid_request", "body.reference"),
        ({"correlation": "short"}, 422, "invalid_request", "body.correlation"),
        ({"surprise": "Jane Doe"}, 422, "invalid_request", "body.*"),
    ],
)
async def test_a_request_that_does_not_fit_is_a_problem_that_repeats_no_value(
    world: World, changes: dict[str, Any], status: int, problem: str, field: str | None
) -> None:
    async with backend(world) as client:
        answer = await client.post("/verifications", json=body(world, **changes))

    assert (answer.status_code, code(answer)) == (status, problem)
    assert [one["field"] for one in answer.json().get("fields", [])] == ([field] if field else [])
    assert "Jane" not in answer.text


@pytest.mark.parametrize("reference", ["a/b", "a b", "ä%2F", "x?y#z", "dots.and:colons-", "explanation"])
async def test_any_reference_can_be_addressed_by_encoding_it_once(world: World, reference: str) -> None:
    world.key = world.key.model_copy(update={"reference": f"{uuid4().hex[:8]}{reference}"})
    async with backend(world) as client:
        registered = await client.post("/verifications", json=body(world))
        read = await client.get(registered.headers["location"])
        explained = await client.get(path(world, "/explanation"))

    assert registered.status_code == 201
    assert (read.status_code, read.json()["reference"]) == (200, world.key.reference)
    assert explained.status_code == 200


async def test_what_opens_a_session_is_in_no_address_and_what_stands_for_it_leads_to_all(world: World) -> None:
    account = replace(world.tracker.account(ACCOUNT), reference_is_capability=True)
    world.tracker = VerificationClient(world.client, {ACCOUNT: account}, world.digester)
    world.reader.say(APPROVED)
    applicant, reference = f"customer-{uuid4().hex[:8]}", world.key.reference
    async with backend(world) as client:
        registered = await client.post("/verifications", json=body(world, applicant=applicant))
        location = registered.headers["location"]
        opened = await client.get(location)
        async with world.workers():
            asked = await client.post(f"{location}/poll", json={})
            record = await world.result()
        listed = (await client.get("/verifications", params={"applicant": applicant})).json()
        world.key = world.key.model_copy(update={"reference": f"{world.key.reference}-long-ago"})
        long_ago = record.model_copy(update={"key": world.key}).model_dump_json().encode()
        await world.records.write(world.tracker.path(world.key), 1, long_ago)
        forgotten = await client.get(f"/verifications/{world.tracker.path(world.key)}")

    assert reference not in location
    assert reference not in record.model_dump_json()
    assert opened.json()["reference"] == reference
    assert asked.status_code == 200
    assert {row["reference"] for row in listed["verifications"]} == {location.rpartition("/")[2]}
    assert (forgotten.status_code, forgotten.json()["reference"]) == (200, world.key.reference)


@pytest.mark.parametrize("account", [ACCOUNT, "nobody"])
async def test_a_digest_that_stands_for_nothing_is_unknown(world: World, account: str) -> None:
    async with backend(world) as client:
        answer = await client.get(f"/verifications/{account}/~{'a' * 26}")

    assert answer.status_code == 404


@pytest.mark.parametrize("tail", ["", "/explanation", "/timeline", "/evidence", "/evidence/portrait-1"])
async def test_what_nobody_knows_is_a_404_problem(world: World, tail: str) -> None:
    async with backend(world) as client:
        answer = await client.get(path(world, tail))

    assert (answer.status_code, code(answer)) == (404, "unknown_verification")


async def test_a_command_to_what_nobody_knows_starts_nothing(world: World) -> None:
    async with backend(world) as client:
        answer = await client.post(path(world, "/poll"), json={})

    assert (answer.status_code, code(answer)) == (404, "unknown_verification")
    assert await world.tracker.describe(world.key) is None


async def test_a_reference_that_none_can_have_is_one_that_nobody_knows(world: World) -> None:
    async with backend(world) as client:
        answer = await client.get(f"/verifications/{ACCOUNT}/{'x' * 300}")
        other = await client.get("/verifications/NO SUCH/x")

    assert (answer.status_code, other.status_code) == (404, 404)


async def test_the_explanation_needs_no_worker_and_says_so(world: World) -> None:
    async with backend(world) as client:
        await client.post("/verifications", json=body(world))
        explained = (await client.get(path(world, "/explanation"))).json()

    assert explained["sentence"]
    assert explained["next_event"]


async def test_an_open_timeline_without_worker_is_a_503_that_says_when_to_come_again(world: World) -> None:
    async with backend(world) as client:
        await client.post("/verifications", json=body(world))
        answer = await client.get(path(world, "/timeline"))

    assert (answer.status_code, code(answer)) == (503, "no_worker_in_time")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_command_without_worker_is_unknown_and_names_the_key_to_repeat_it_with(world: World) -> None:
    async with backend(world, command_timeout=timedelta(seconds=1)) as client:
        await client.post("/verifications", json=body(world))
        given = await client.post(path(world, "/withdraw"), headers={"Idempotency-Key": "withdraw-0001"})
        made = await client.post(path(world, "/poll"), json={})

    assert (given.status_code, code(given)) == (503, "no_worker_in_time")
    assert given.headers["idempotency-key"] == "withdraw-0001"
    assert "same Idempotency-Key" in given.json()["detail"]
    assert len(made.headers["idempotency-key"]) >= 16


async def test_a_whole_verification_is_reported_while_it_is_open_and_when_it_is_finished(world: World) -> None:
    async with backend(world) as client, world.workers():
        await client.post("/verifications", json=body(world))
        await world.until(lambda record: record.is_registered)
        open_timeline = await client.get(path(world, "/timeline"))
        world.reader.say(APPROVED_WITH_FILE)
        poll = await client.post(path(world, "/poll"), headers={"Idempotency-Key": "poll-0001"})
        await world.result()
        read = (await client.get(path(world))).json()
        ledger = (await client.get(path(world, "/evidence"))).json()["evidence"]
        file = await client.get(path(world, "/evidence/portrait-1"))
        etag = file.headers["etag"]
        rest, other, beyond = [
            await client.get(path(world, "/evidence/portrait-1"), headers=headers | {"Want-Repr-Digest": "sha-256=10"})
            for headers in (
                {"Range": "bytes=2-", "If-Range": etag},
                {"Range": "bytes=2-", "If-Range": '"another"'},
                {"Range": "bytes=10-", "If-Range": etag},
            )
        ]
        missing = await client.get(path(world, "/evidence/portrait-2"))
        timeline = (await client.get(path(world, "/timeline"))).json()["entries"]
        explained = (await client.get(path(world, "/explanation"))).json()

    assert open_timeline.status_code == 200
    assert poll.status_code == 200
    assert (read["is_open"], read["state"]["decision"], read["record"]["revisions"][0]["basis"]) == (
        False,
        "approved",
        "read",
    )
    assert [(row["name"], row["state"], row["size"]) for row in ledger] == [("portrait-1", "stored", 10)]
    assert (file.status_code, file.content) == (200, b"a portrait")
    assert file.headers["content-disposition"] == 'attachment; filename="portrait-1"'
    assert file.headers["x-content-type-options"] == "nosniff"
    assert (rest.status_code, rest.content, rest.headers["content-range"]) == (206, b"portrait", "bytes 2-9/10")
    assert [(answer.status_code, answer.content) for answer in (other, beyond)] == [(200, b"a portrait")] * 2
    # `printf 'a portrait' | openssl dgst -sha256 -binary | base64`
    assert rest.headers["repr-digest"] == "sha-256=:r9QSTXX0pnOC74P9Oa9lVgFcF3L9praiCofQD+fPimY=:"
    assert (missing.status_code, code(missing)) == (404, "unknown_file")
    assert {"registered", "commanded", "revised"} <= {entry["kind"] for entry in timeline}
    assert explained["cause"] == "nobody"


async def test_what_temporal_has_forgotten_is_answered_from_storage(world: World) -> None:
    async with world.workers():
        await world.register()
        world.reader.say(APPROVED)
        await world.hear(final())
        record = await world.result()
    world.key = world.key.model_copy(update={"reference": f"{world.key.reference}-long-ago"})
    long_ago = record.model_copy(update={"key": world.key}).model_dump_json().encode()
    await world.records.write(world.tracker.path(world.key), 1, long_ago)

    async with backend(world) as client:
        read = await client.get(path(world))
        timeline = await client.get(path(world, "/timeline"))
        explained = await client.get(path(world, "/explanation"))

    assert await world.tracker.describe(world.key) is None
    assert read.json()["state"]["decision"] == "approved"
    assert (read.json()["is_open"], timeline.status_code, explained.status_code) == (False, 200, 200)


async def test_commands_on_a_finished_verification_follow_up_or_say_why_not(world: World) -> None:
    async with backend(world) as client, world.workers():
        await world.register()
        world.reader.say(APPROVED)
        await world.hear(final())
        await world.result()
        withdrawn = await client.post(path(world, "/withdraw"), json={})
        resolved = await client.post(path(world, "/resolve"), json={"decision": "declined", "reason": "spoof"})

    assert (withdrawn.status_code, code(withdrawn)) == (409, "command_refused")
    assert (resolved.status_code, resolved.json()["decision"]) == (200, "declined")


async def test_a_deadline_that_has_passed_is_refused_and_a_later_one_is_taken(world: World) -> None:
    later = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    async with backend(world) as client, world.workers():
        await client.post("/verifications", json=body(world))
        past = await client.post(path(world, "/deadline"), json={"deadline_at": "2020-01-01T00:00:00Z"})
        moved = await client.post(path(world, "/deadline"), json={"deadline_at": later})
        record = await world.record()

    assert (past.status_code, code(past)) == (409, "command_refused")
    assert moved.status_code == 200
    assert record.verdict.deadline_at == datetime.fromisoformat(later)


async def test_a_repeated_command_is_carried_out_once(world: World) -> None:
    async with backend(world) as client, world.workers():
        await client.post("/verifications", json=body(world))
        for _ in range(3):
            answer = await client.post(path(world, "/poll"), headers={"Idempotency-Key": "poll-0002"})
            assert answer.status_code == 200
        record = await world.record()

    assert sum(entry.kind == "commanded" for entry in record.log.entries) == 1


async def test_a_written_record_names_the_fields_that_we_do_not_know(world: World) -> None:
    told = await world.callback_event(final())
    odd = told.model_copy(update={"unknown_fields": ("enrollment_step.score", "sequence")})
    async with backend(world) as client, world.workers():
        await world.register()
        world.reader.say(APPROVED)
        await world.tracker.signal_callback(world.key, odd, may_start=True)
        await world.result()
        read = (await client.get(path(world))).json()

    assert read["record"]["unknown_fields"] == {"enrollment_step.score": 1, "sequence": 1}


async def test_a_wait_until_an_outcome_does_not_end_with_a_step_before_it(world: World) -> None:
    async with backend(world) as client, world.workers():
        await world.register()
        await world.until(lambda record: record.is_registered)
        asked = {"wait": "20", "until": "outcome"}
        waiting = asyncio.create_task(client.get(path(world), params=asked))
        await world.hear(step(1, "selfie"))
        await world.until(lambda record: record.steps[0] == 1)
        was_done = waiting.done()
        world.reader.say(APPROVED)
        await world.hear(final())
        read = await waiting

    assert (was_done, read.json()["state"]["outcome"]) == (False, "decided")


async def test_a_wait_until_complete_outlasts_the_verdict(world: World) -> None:
    world.reader.during_download = asyncio.Event()
    world.reader.say(APPROVED_WITH_FILE)
    async with backend(world) as client, world.workers():
        await world.register()
        await world.hear(final())
        outcome = await client.get(path(world), params={"wait": "20", "until": "outcome"})
        early = await client.get(path(world), params={"wait": "1", "until": "complete"})
        world.reader.during_download.set()
        complete = await client.get(path(world), params={"wait": "20", "until": "complete"})

    assert [each.json()["state"]["stage"] for each in (outcome, early, complete)] == [
        "concluded",
        "concluded",
        "complete",
    ]
    assert [row["state"] for row in complete.json()["record"]["evidence"]] == ["stored"]


@pytest.mark.parametrize("second", ["/resolve", "/poll"])
async def test_with_the_key_of_another_command_nothing_is_carried_out(world: World, second: str) -> None:
    again = {"Idempotency-Key": "resolve-0001"}
    async with backend(world) as client, world.workers():
        await world.register()
        first = await client.post(path(world, "/resolve"), json={"decision": "declined"}, headers=again)
        same = await client.post(path(world, "/resolve"), json={"decision": "declined"}, headers=again)
        other = await client.post(path(world, second), json={"decision": "approved"}, headers=again)
        read = await client.get(path(world))

    assert [(each.status_code, each.json()["decision"]) for each in (first, same)] == [
        (200, "declined"),
        (200, "declined"),
    ]
    assert (other.status_code, code(other)) == (422, "idempotency_key_reused")
    assert read.json()["state"]["decision"] == "declined"


class Echo(Acme):
    """Acme, whose results give back all that they are."""

    def partner_metadata(self, result: bytes) -> Mapping[str, JsonValue]:
        return {"kept": result.decode()}

    def reason_text(self, content: bytes) -> str | None:
        return content.decode()


async def test_what_a_result_gives_back_is_read_from_storage_and_is_nowhere_in_the_record(world: World) -> None:
    world.reader.says = ProviderResponse(snapshot=APPROVED, raw=b"tenant north")
    plain = dependencies_of(world).accounts[ACCOUNT]
    async with backend(world, accounts={ACCOUNT: replace(plain, provider=Echo())}) as client, world.workers():
        await world.register()
        before = (await client.get(path(world))).json()
        await world.hear(final())
        await world.result()
        after = (await client.get(path(world))).json()
        async with backend(world) as other:
            of_another_provider = (await other.get(path(world))).json()

    assert [each["partner_metadata"] for each in (before, after, of_another_provider)] == [
        None,
        {"kept": "tenant north"},
        None,
    ]
    assert [each["reason_text"] for each in (before, after, of_another_provider)] == [None, "tenant north", None]
    assert "tenant north" not in str(after["record"])


async def test_while_the_result_cannot_be_read_nothing_is_given_back_and_the_rest_is(world: World) -> None:
    plain = dependencies_of(world).accounts[ACCOUNT]
    async with backend(world, accounts={ACCOUNT: replace(plain, provider=Echo())}) as client, world.workers():
        await world.register()
        world.reader.say(APPROVED)
        await world.hear(final())
        record = await world.result()
        assert record.reads.snapshot is not None
        await world.storage.erase(record.reads.snapshot.result or "")
        read = (await client.get(path(world))).json()

    assert (read["partner_metadata"], read["state"]["decision"]) == (None, "approved")


@pytest.mark.parametrize("kind", [None, "business"])
async def test_a_written_record_says_whom_it_is_about_as_far_as_that_is_known(world: World, kind: str | None) -> None:
    async with backend(world) as client, world.workers():
        await client.post("/verifications", json={**body(world), "session_kind": kind})
        world.reader.say(APPROVED)
        await world.tracker.signal_callback(world.key, await world.callback_event(final()), may_start=True)
        await world.result()
        read = (await client.get(path(world))).json()

    assert read["record"]["session_kind"] == kind


def test_a_backend_sees_the_rooms_that_callbacks_and_the_result_name_also_after_the_verdict() -> None:
    seen = RoomChanged(room="r1", room_status="ended", composition_ready=True, file_ready=True, file_id="vf-1")
    answer = DECLINED.model_copy(update={"rooms": (Room(room="r2", status="empty"),)})
    record = read(apply_callback(fresh(), callback_event(seen)), answer)

    assert [room.model_dump() for room in RecordView.of(record).rooms] == [
        {"room": "r1", "status": "ended", "composition_ready": True, "file_ready": True, "file_id": "vf-1"},
        {"room": "r2", "status": "empty", "composition_ready": None, "file_ready": None, "file_id": None},
    ]


async def test_a_long_poll_answers_as_soon_as_something_is_published(world: World) -> None:
    async with backend(world) as client, world.workers():
        await client.post("/verifications", json=body(world))
        await world.until(lambda record: record.is_registered)
        state = (await client.get(path(world))).json()["state"]
        began = time.monotonic()
        waiting = [
            asyncio.create_task(client.get(path(world), params={"wait": 20, "after_sequence": state["sequence"]}))
            for _ in range(5)
        ]
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in waiting)
        world.reader.say(APPROVED)
        await world.hear(final())
        answers = await asyncio.gather(*waiting)
        took = time.monotonic() - began

    assert all(answer.json()["state"]["sequence"] > state["sequence"] for answer in answers)
    assert took < 20


async def test_a_long_poll_without_news_answers_when_its_time_is_over(world: World) -> None:
    async with backend(world) as client:
        await client.post("/verifications", json=body(world))
        state = (await client.get(path(world))).json()["state"]
        began = time.monotonic()
        answer = await client.get(path(world), params={"wait": 1, "after_sequence": state["sequence"]})
        took = time.monotonic() - began

    assert answer.json()["state"]["sequence"] == state["sequence"]
    assert 1 <= took < 10


async def test_a_long_poll_of_a_verification_that_temporal_has_forgotten_rests_between_its_looks(world: World) -> None:
    looks = 0

    class Counting(VerificationClient):
        async def wait_until(self, *arguments: Any, **more: Any) -> Situation | None:
            nonlocal looks
            looks += 1
            return await super().wait_until(*arguments, **more)

    hub = LongPollHub(Counting(world.client, world.accounts, world.digester))
    await hub.wait_beyond(world.key, 0, timeout=timedelta(seconds=2))

    assert 1 <= looks <= 5


async def test_the_list_finds_verifications_by_what_is_known_of_them(world: World) -> None:
    applicant = f"customer-{uuid4().hex[:8]}"
    async with backend(world) as client:
        for n in range(3):
            await client.post(
                "/verifications", json=body(world, applicant=applicant, reference=f"{world.key.reference}-{n}")
            )
        async with asyncio.timeout(60):
            while True:  # what is visible follows what is
                found = (await client.get("/verifications", params={"applicant": applicant})).json()
                if len(found["verifications"]) == 3:
                    break
                await asyncio.sleep(0.1)
        first = (await client.get("/verifications", params={"applicant": applicant, "limit": 2})).json()
        rest = (
            await client.get("/verifications", params={"applicant": applicant, "limit": 2, "page": first["next_page"]})
        ).json()
        none = (await client.get("/verifications", params={"applicant": applicant, "decision": "approved"})).json()
        nonsense = await client.get("/verifications", params={"page": "not a page"})
        injected = await client.get("/verifications", params={"applicant": "x' OR WorkflowType != 'y"})

    references = {row["reference"] for page in (first, rest) for row in page["verifications"]}
    assert references == {f"{world.key.reference}-{n}" for n in range(3)}
    assert {row["state"]["stage"] for row in found["verifications"]} == {"awaiting_applicant"}
    assert none["verifications"] == []
    assert nonsense.status_code == 422
    assert injected.status_code == 422


async def test_refusals_are_shown_to_backends(world: World) -> None:
    async with backend(world) as client:
        await client.post("/callbacks/acme", content=b"{}", headers={"x-secret": "guess"})
        shown = (await client.get("/refusals")).json()["refusals"]

    assert [(one["account"], one["reason"], len(one["digest"])) for one in shown] == [("acme", "wrong_header", 8)]


async def test_a_callback_on_the_real_server_starts_a_verification_that_can_be_read(world: World) -> None:
    async with backend(world) as client:
        answer = await client.post(
            "/callbacks/acme", json={"says": [{"ref": world.key.reference}]}, headers={"x-secret": "right"}
        )
        read = (await client.get(path(world))).json()

    assert answer.status_code == 200
    assert (read["is_open"], read["state"]["registered"]) == (True, False)


async def test_a_late_callback_on_the_real_server_opens_a_follow_up_run(world: World) -> None:
    async with backend(world) as client, world.workers():
        await world.register()
        world.reader.say(APPROVED)
        await world.hear(final())
        await world.result()
        heard = {"says": [{"ref": world.key.reference, "id": "late"}]}
        first = await client.post("/callbacks/acme", json=heard, headers={"x-secret": "right"})
        await world.result()
        again = await client.post("/callbacks/acme", json=heard, headers={"x-secret": "right"})
        record = await world.result()

    assert (first.status_code, again.status_code) == (200, 200)
    assert record.callbacks.late == 1


@pytest.mark.parametrize("tail", ["", "/explanation", "/timeline"])
async def test_without_temporal_every_question_is_a_503_problem(world: World, tail: str) -> None:
    away = await connect("127.0.0.1:9", "default", lazy=True)
    tracker = VerificationClient(away, {ACCOUNT: world.tracker.account(ACCOUNT)}, world.digester)
    async with backend(world, tracker=tracker) as client:
        answer = await client.get(path(world, tail))
        registered = await client.post("/verifications", json=body(world))

    assert (answer.status_code, code(answer)) == (503, "temporal_unavailable")
    assert (registered.status_code, code(registered)) == (503, "temporal_unavailable")


async def test_without_temporal_a_callback_is_kept_within_its_budget(world: World) -> None:
    away = await connect("127.0.0.1:9", "default", lazy=True)
    tracker = VerificationClient(away, {ACCOUNT: world.tracker.account(ACCOUNT)}, world.digester)
    async with backend(world, tracker=tracker) as client:
        began = time.monotonic()
        answer = await client.post("/callbacks/acme", json={"says": [{"ref": "r-1"}]}, headers={"x-secret": "right"})
        took = time.monotonic() - began

    assert answer.status_code == 200
    assert took < 5
    assert len(await world.storage.list("inbox/pending/")) == 1


async def test_a_temporal_that_never_answers_costs_a_callback_its_budget_and_no_more(world: World) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stalled = await connect(f"127.0.0.1:{port}", "default", lazy=True)
    tracker = VerificationClient(stalled, {ACCOUNT: world.tracker.account(ACCOUNT)}, world.digester)
    async with backend(world, tracker=tracker) as client:
        took = []
        for _ in range(10):
            began = time.monotonic()
            answer = await client.post(
                "/callbacks/acme", json={"says": [{"ref": "r-1"}]}, headers={"x-secret": "right"}
            )
            took.append(time.monotonic() - began)
            assert answer.status_code == 200
    server.close()

    assert max(took) < 5
    # After five failures none waits for the 0.6 seconds that a call may take.
    assert min(took[5:]) < 0.6
    assert len(await world.storage.list("inbox/pending/")) == 10
