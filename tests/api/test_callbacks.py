"""The face that providers see: which answer to which request, whatever fails, and what is left behind."""

import asyncio
import json
import time
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.intake import _repeats_for
from tests.api.conftest import face_of, in_process, served
from tests.api.fakes import CONTRACT, SECRET, Acme, Desk, account_of
from vigil.domain.sender_contract import OurAnswers, Redelivery

PROVEN = {"x-secret": SECRET}
ONE = json.dumps({"says": [{"ref": "r-1"}]}).encode()
PENDING, UNDER_IT, QUARANTINED = "inbox/pending", "verifications/acme/r-1/receipts", "inbox/quarantined"


def says(*callbacks: dict[str, Any]) -> bytes:
    return json.dumps({"says": callbacks}).encode()


def whole(client: httpx.AsyncClient, path: str) -> str:
    """A path alone that begins with two slashes would be taken for a host."""
    return str(client.base_url).rstrip("/") + path


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/callbacks", "/callbacks/", "/callbacks/acme", "/callbacks/acme/x/y/", "/callbacks/?", "//callbacks/acme"]
)
async def test_looking_is_answered_empty_and_touches_nothing(desk: Desk, method: str, path: str) -> None:
    async with served_face(desk) as client:
        answer = await client.request(method, whole(client, path))

    assert (answer.status_code, answer.content) == (200, b"")
    assert await desk.names() == []
    assert desk.verifications.calls == 0


# method, path, body, headers, storage, Temporal -> status, what was told, where the receipt rests
TABLE = [
    ("POST", "/callbacks/acme", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks/acme/", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "//callbacks/acme", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks//acme", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks/acme/order-2047", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks/acme/short", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks/acme/a/b/c", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("PUT", "/callbacks/acme", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("DELETE", "/callbacks/acme", ONE, PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks/acme", ONE, {}, "up", "up", 401, [], None),
    ("POST", "/callbacks/acme", ONE, {"x-secret": "wrong"}, "up", "up", 401, [], None),
    ("POST", "/callbacks/other", ONE, PROVEN, "up", "up", 401, [], None),
    ("POST", "/callbacks", ONE, PROVEN, "up", "up", 401, [], None),
    ("POST", "/callbacks/acme", b"", PROVEN, "up", "up", 200, [], QUARANTINED),
    ("POST", "/callbacks/acme", b"\xff\x00", PROVEN, "up", "up", 200, [], QUARANTINED),
    ("POST", "/callbacks/acme", b"[1, 2]", PROVEN, "up", "up", 200, [], QUARANTINED),
    ("POST", "/callbacks/acme", b"explode", PROVEN, "up", "up", 200, [], QUARANTINED),
    ("POST", "/callbacks/acme", says({"id": "no reference"}), PROVEN, "up", "up", 200, [], QUARANTINED),
    ("POST", "/callbacks/acme", says({"ref": "x" * 201}), PROVEN, "up", "up", 200, [], QUARANTINED),
    (
        "POST",
        "/callbacks/acme",
        says({"ref": "r-1", "sender": "not a word!"}),
        PROVEN,
        "up",
        "up",
        200,
        ["r-1"],
        UNDER_IT,
    ),
    ("POST", "/callbacks/acme", says({"ref": "r-1", "id": "\ud800"}), PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    (
        "POST",
        "/callbacks/acme",
        says({"ref": "r-1"}, {"ref": "r-2"}),
        PROVEN,
        "up",
        "up",
        200,
        ["r-1", "r-2"],
        UNDER_IT,
    ),
    ("POST", "/callbacks/acme", says({"id": "none"}, {"ref": "r-1"}), PROVEN, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks/acme", ONE, PROVEN, "up", "down", 200, [], PENDING),
    ("POST", "/callbacks/acme", ONE, PROVEN, "up", "stalled", 200, [], PENDING),
    ("POST", "/callbacks/acme", ONE, PROVEN, "down", "up", 200, ["r-1"], None),
    ("POST", "/callbacks/acme", ONE, PROVEN, "stalled", "up", 200, ["r-1"], None),
    ("POST", "/callbacks/acme", ONE, PROVEN, "down", "down", 503, [], None),
    ("POST", "/callbacks/acme", ONE, PROVEN, "stalled", "stalled", 503, [], None),
    ("POST", "/callbacks/acme", b"not JSON", PROVEN, "down", "up", 503, [], None),
    ("POST", "/callbacks/acme", ONE, {}, "down", "down", 401, [], None),
    ("POST", "/callbacks/acme", ONE, {**PROVEN, "x-proof": "crash"}, "up", "up", 503, [], None),
    ("POST", "/callbacks/acme", ONE, {**PROVEN, "x-proof": "none"}, "up", "up", 200, [], QUARANTINED),
    ("POST", "/callbacks/acme", ONE, {**PROVEN, "x-proof": "stale"}, "up", "up", 200, [], QUARANTINED),
    ("POST", "/callbacks/acme", ONE, {**PROVEN, "x-proof": "unbound"}, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks/acme", ONE, {**PROVEN, "x-proof": "none"}, "down", "up", 503, [], None),
    ("POST", "/callbacks/acme", b"x" * (2 * 1024 * 1024), PROVEN, "up", "up", 200, [], QUARANTINED),
    ("POST", "/callbacks/acme", b"x" * (2 * 1024 * 1024 + 1), PROVEN, "up", "up", 413, [], None),
    ("POST", "/callbacks/acme", ONE, {**PROVEN, "content-type": "text/plain"}, "up", "up", 200, ["r-1"], UNDER_IT),
    ("POST", "/callbacks/acme", ONE, {**PROVEN, "content-type": "; nonsense"}, "up", "up", 200, ["r-1"], UNDER_IT),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "storage", "temporal", "status", "told", "rests"), TABLE)
async def test_every_request_gets_the_answer_that_its_sender_understands(  # noqa: PLR0917 -- the columns
    desk: Desk,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    storage: str,
    temporal: str,
    status: int,
    told: list[str],
    rests: str | None,
) -> None:
    desk.storage.down, desk.storage.stalled = storage == "down", storage == "stalled"
    desk.verifications.down, desk.verifications.stalled = temporal == "down", temporal == "stalled"

    async with in_process(face_of(desk)) as client:
        began = time.monotonic()
        answer = await client.request(method, whole(client, path), content=body, headers=headers)
        took = time.monotonic() - began

    assert (answer.status_code, answer.content) == (status, b"")
    assert [reference for reference, _ in desk.verifications.told] == told
    desk.storage.down = desk.storage.stalled = False
    kept = [name for name in await desk.names() if "/seen" not in name and "refused" not in name]
    assert kept == ([rests] if rests else [])
    assert took < 2.0


async def test_one_callback_costs_one_write_and_one_call_before_its_answer(desk: Desk) -> None:
    desk.verifications.open.add("r-1")
    at_the_answer: list[tuple[int, int]] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                at_the_answer.append((desk.storage.writes, desk.verifications.calls))
            await send(message)

        await face_of(desk)(scope, receive, noted)

    async with in_process(noting) as client:
        await client.post("/callbacks/acme", content=says({"ref": "r-1", "id": "e-1"}), headers=PROVEN)

    assert at_the_answer == [(1, 1)]


async def test_the_notice_names_where_its_receipt_rests(desk: Desk) -> None:
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=ONE, headers=PROVEN)

    [(_, notice)] = desk.verifications.told
    assert await desk.storage.list("verifications/acme/r-1/receipts/") == [notice.receipt]


async def test_a_notice_without_storage_says_that_it_has_no_receipt(desk: Desk) -> None:
    desk.storage.down = True
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=ONE, headers=PROVEN)

    assert [notice.receipt for _, notice in desk.verifications.told] == [None]


async def test_neither_secrets_nor_unlisted_headers_are_stored(desk: Desk) -> None:
    headers = {**PROVEN, "authorization": "Bearer hidden", "content-type": "application/json"}
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=says({"ref": "r-1", "id": "otp"}), headers=headers)

    [name] = await desk.storage.list("verifications/acme/r-1/receipts/")
    receipt = await desk.inbox.read(name)
    assert receipt.headers == {"content-type": "application/json"}
    assert b"otp" not in receipt.body
    assert b"hidden" not in await desk.storage.read(name)


async def test_a_correlation_of_another_form_is_none(desk: Desk) -> None:
    async with in_process(face_of(desk)) as client:
        for path in ("order-2047", "short", "order-2047/more"):
            await client.post(f"/callbacks/acme/{path}", content=ONE, headers=PROVEN)

    assert [notice.correlation for _, notice in desk.verifications.told] == ["order-2047", None, None]


async def test_a_repeated_event_of_a_finished_verification_starts_no_other(desk: Desk) -> None:
    body = says({"ref": "r-1", "id": "event-1"})
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=body, headers=PROVEN)
        desk.verifications.open.clear()
        again = await client.post("/callbacks/acme", content=body, headers=PROVEN)
        other = await client.post("/callbacks/acme", content=says({"ref": "r-1", "id": "event-2"}), headers=PROVEN)

    assert (again.status_code, other.status_code) == (200, 200)
    assert [reference for reference, _ in desk.verifications.told] == ["r-1", "r-1"]
    assert desk.verifications.started == ["r-1", "r-1"]


def test_an_event_of_an_unnamed_sender_may_come_again_for_as_long_as_any_senders() -> None:
    patient = CONTRACT.model_copy(
        update={"sender": "patient", "redelivery": Redelivery(delays=(timedelta(hours=10),), counted_from="first")}
    )
    provider = Acme()
    provider.contracts = {"acme": CONTRACT, "patient": patient}
    account = account_of(provider)

    assert _repeats_for(account, "acme") == timedelta(seconds=10)
    assert _repeats_for(account, None) == timedelta(hours=10, seconds=20)
    assert _repeats_for(account, "stranger") == timedelta(hours=10, seconds=20)


async def test_a_copy_that_proves_less_does_not_silence_the_event_itself(desk: Desk) -> None:
    """Whoever knows the ids of a verification could else send the final event first, and have ours ignored later."""
    body = says({"ref": "r-1", "id": "event-1"})
    desk.verifications.open.add("r-1")
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=body, headers={**PROVEN, "x-proof": "none"})
        desk.verifications.open.clear()
        await client.post("/callbacks/acme", content=body, headers=PROVEN)

    assert desk.verifications.started == ["r-1"]


@pytest.mark.parametrize("first", ["secret", "none"])
async def test_a_repetition_that_proves_nothing_starts_no_follow_up_run(desk: Desk, first: str) -> None:
    body = says({"ref": "r-1", "id": "event-1"})
    desk.verifications.open.add("r-1")
    await desk.storage.put_new("verifications/acme/r-1/records/000001", b"{}")
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=body, headers={**PROVEN, "x-proof": first})
        desk.verifications.open.clear()
        await client.post("/callbacks/acme", content=body, headers={**PROVEN, "x-proof": "none"})

    assert desk.verifications.started == []


async def test_a_repeated_event_still_rings_an_open_verification(desk: Desk) -> None:
    body = says({"ref": "r-1", "id": "event-1"})
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=body, headers=PROVEN)
        await client.post("/callbacks/acme", content=body, headers=PROVEN)

    assert len(desk.verifications.told) == 2


@pytest.mark.parametrize("proof", ["stale", "none"])
async def test_a_weak_callback_opens_a_follow_up_run_where_a_record_is_held(desk: Desk, proof: str) -> None:
    await desk.storage.put_new("verifications/acme/r-1/records/000001", b"{}")
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=ONE, headers={**PROVEN, "x-proof": proof})
        await client.post("/callbacks/acme", content=says({"ref": "r-2"}), headers={**PROVEN, "x-proof": proof})

    assert desk.verifications.started == ["r-1"]


async def test_beyond_the_cap_callbacks_are_kept_for_the_relay_and_none_is_lost(tmp_path: Path) -> None:
    desk = Desk(tmp_path, starts_a_minute=2)
    desk.verifications.open.add("known")
    async with in_process(face_of(desk)) as client:
        answers = [
            (await client.post("/callbacks/acme", content=says({"ref": reference}), headers=PROVEN)).status_code
            for reference in ("a", "b", "c", "d", "known")
        ]

    assert answers == [200] * 5
    assert desk.verifications.started == ["a", "b"]
    assert [reference for reference, _ in desk.verifications.told] == ["a", "b", "known"]
    assert (await desk.names("inbox/pending")) == [PENDING, PENDING]


async def test_refusals_are_listed_with_reason_and_without_what_was_presented(desk: Desk) -> None:
    async with in_process(face_of(desk)) as client:
        wrong = await client.post("/callbacks/acme", content=b"{}", headers={"x-secret": "guessed"})
        unknown = await client.post("/callbacks/Robert'); DROP", content=b"{}")

    assert wrong.headers == unknown.headers
    listed = await desk.inbox.refusals(10)
    assert [(one.account, one.reason) for one in listed] == [("unknown", "unknown_account"), ("acme", "wrong_header")]
    everything = b"".join([await desk.storage.read(name) for name in await desk.storage.list("")])
    assert b"guessed" not in everything
    assert b"DROP" not in everything


async def test_a_proven_callback_that_names_no_verification_is_listed_and_counted(desk: Desk) -> None:
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=b"about Jane Doe", headers=PROVEN)
        await client.post("/callbacks/acme", content=ONE, headers={**PROVEN, "x-proof": "stale"})

    listed = await desk.inbox.quarantined(10)
    assert [(one.account, one.proof, one.reason) for one in listed] == [
        ("acme", "stale", "verification_not_known"),
        ("acme", "secret", "names_no_verification"),
    ]
    labels = {"account": "acme"}
    assert desk.metrics.registry.get_sample_value("vigil_callbacks_quarantined_total", labels) == 2


async def test_a_flood_of_refusals_is_listed_up_to_a_bound_and_counted_beyond(desk: Desk) -> None:
    async with in_process(face_of(desk)) as client:
        for _ in range(70):
            assert (await client.post("/callbacks/acme", content=b"{}")).status_code == 401

    assert 60 <= len(await desk.inbox.refusals(100)) <= 61
    counted = desk.metrics.registry.get_sample_value("vigil_callback_refusals_unlisted_total")
    assert counted is not None
    assert counted >= 9


async def test_the_answers_are_those_of_the_account(tmp_path: Path) -> None:
    answers = OurAnswers(kept=204, lost=429, unproven=403, too_large=507)
    desk = Desk(tmp_path, account_of(Acme(answers=answers)))
    async with in_process(face_of(desk)) as client:
        kept = await client.post("/callbacks/acme", content=ONE, headers=PROVEN)
        refused = await client.post("/callbacks/acme", content=ONE)
        large = await client.post("/callbacks/acme", content=b"x" * (2 * 1024 * 1024 + 1))
        desk.storage.down = desk.verifications.down = True
        lost = await client.post("/callbacks/acme", content=ONE, headers=PROVEN)

    assert [one.status_code for one in (kept, refused, large, lost)] == [204, 403, 507, 429]


async def test_a_body_announced_as_too_large_is_not_read(desk: Desk) -> None:
    async with served_face(desk) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(b"POST /callbacks/acme HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n")
        first_line = await asyncio.wait_for(reader.readline(), 2)
        writer.close()

    assert first_line.split()[1] == b"413"


async def test_a_body_without_announced_length_is_cut_off_at_the_cap(desk: Desk) -> None:
    read, sent = 0, []

    async def long_body() -> dict[str, Any]:
        nonlocal read
        read += 65536
        return {"type": "http.request", "body": b"x" * 65536, "more_body": read < 4 * 1024 * 1024}

    async def noted(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/callbacks/acme", "headers": [(b"x-secret", SECRET.encode())]}
    await face_of(desk)(scope, long_body, noted)

    assert sent[0]["status"] == 413
    assert read == 2 * 1024 * 1024 + 65536
    assert await desk.names() == []


async def test_a_sender_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(desk: Desk) -> None:
    async with served_face(desk) as client:
        _, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(b"POST /callbacks/acme HTTP/1.1\r\nhost: x\r\nx-secret: right\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.1)

    assert await desk.names() == []
    assert desk.verifications.calls == 0


async def test_filing_holds_up_neither_the_answer_nor_the_next_callback_on_the_connection(desk: Desk) -> None:
    desk.storage.reads_stalled = True
    async with served_face(desk) as client:
        began = time.monotonic()
        for n in range(5):
            answer = await client.post("/callbacks/acme", content=says({"ref": f"r-{n}"}), headers=PROVEN)
            assert answer.status_code == 200
        took = time.monotonic() - began
        assert len(await desk.names("inbox/pending")) == 5
        desk.storage.reads_stalled = False

    assert took < 1.5


async def test_an_outage_costs_only_the_first_callbacks_their_budget(desk: Desk) -> None:
    desk.verifications.stalled = True
    async with in_process(face_of(desk)) as client:
        for _ in range(5):
            await client.post("/callbacks/acme", content=ONE, headers=PROVEN)
        began = time.monotonic()
        answer = await client.post("/callbacks/acme", content=ONE, headers=PROVEN)
        took = time.monotonic() - began

    assert answer.status_code == 200
    assert took < 0.3
    assert desk.verifications.calls == 5


async def test_a_storage_outage_costs_only_the_first_callbacks_their_budget(desk: Desk) -> None:
    desk.storage.stalled = True
    desk.verifications.open.add("r-1")
    async with in_process(face_of(desk)) as client:
        await asyncio.gather(*(client.post("/callbacks/acme", content=ONE, headers=PROVEN) for _ in range(5)))
        began = time.monotonic()
        answer = await client.post("/callbacks/acme", content=ONE, headers=PROVEN)
        took = time.monotonic() - began

    assert answer.status_code == 200
    assert took < 0.3
    assert len(desk.verifications.told) == 6


async def test_two_hundred_callbacks_at_once_are_all_kept_and_told(desk: Desk) -> None:
    desk.verifications.open.update(f"r-{n}" for n in range(200))
    async with served_face(desk) as client:
        answers = await asyncio.gather(
            *(client.post("/callbacks/acme", content=says({"ref": f"r-{n}"}), headers=PROVEN) for n in range(200))
        )

    assert {answer.status_code for answer in answers} == {200}
    assert len({reference for reference, _ in desk.verifications.told}) == 200
    assert all(notice.receipt for _, notice in desk.verifications.told)


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("203.0.113.9", None, 200),
        ("198.51.100.1", None, 401),
        ("198.51.100.1", "203.0.113.9", 401),
        ("10.0.0.1", "203.0.113.9", 200),
        ("10.0.0.1", "198.51.100.1", 401),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", 401),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", 200),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", 200),
        ("10.0.0.1", "203.0.113.9, nonsense", 401),
        ("10.0.0.1", None, 401),
        ("::ffff:203.0.113.9", None, 200),
        ("", None, 401),
    ],
)
async def test_a_source_is_believed_only_from_the_right_and_through_our_proxies(
    tmp_path: Path, peer: str, forwarded: str | None, status: int
) -> None:
    desk = Desk(tmp_path, account_of(Acme(), allowed_sources=["203.0.113.0/24"]))
    app = face_of(desk, trusted_proxies=(ip_network("10.0.0.0/8"),))
    transport = httpx.ASGITransport(app=app, client=(peer, 1))
    headers = {**PROVEN, **({"x-forwarded-for": forwarded} if forwarded else {})}
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.post("/callbacks/acme", content=ONE, headers=headers)

    assert answer.status_code == status


async def test_answers_are_counted_with_what_the_sender_makes_of_them(desk: Desk) -> None:
    async with in_process(face_of(desk)) as client:
        await client.post("/callbacks/acme", content=ONE, headers=PROVEN)
        await client.post("/callbacks/acme", content=ONE)

    value = desk.metrics.registry.get_sample_value
    labels = {"account": "acme", "answer": "200", "meaning": "accepted"}
    assert value("vigil_callbacks_total", labels) == 1
    assert value("vigil_callbacks_total", {"account": "acme", "answer": "401", "meaning": "come_again"}) == 1


def served_face(desk: Desk) -> Any:
    return served(with_lifespan(face_of(desk)))


def with_lifespan(app: Any) -> Any:
    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return wrapped
