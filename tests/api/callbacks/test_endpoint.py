"""The endpoint for providers: the answer to each request, whatever fails, and what is stored."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from api.callbacks.limits import CallbackLimits
from tests.api.conftest import endpoint_of, in_process, served
from tests.api.fakes import SECRET, Acme, Desk, account_of
from vigil.domain.sender_contract import OurAnswers
from vigil.storage.contract import NotStored

PROVEN = {"x-secret": SECRET}
ONE = json.dumps({"says": [{"ref": "r-1"}]}).encode()
SHORTER_THAN_A_STALL = 20
"""In seconds. The fakes stall for a minute: an answer within this time waited for no stall, on a busy machine too."""
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
    async with served_endpoint(desk) as client:
        answer = await client.request(method, whole(client, path))

    assert (answer.status_code, answer.content) == (200, b"")
    assert await desk.names() == []
    assert desk.verifications.calls == 0


@dataclass(frozen=True)
class Row:
    """A request, the state of storage and Temporal, and the result: answer, signals, place of the receipt."""

    about: str
    method: str = "POST"
    path: str = "/callbacks/acme"
    body: bytes = ONE
    headers: Mapping[str, str] = field(default_factory=lambda: PROVEN)
    storage: Literal["up", "down", "stalled"] = "up"
    temporal: Literal["up", "down", "stalled"] = "up"
    status: int = 200
    signaled: tuple[str, ...] = ("r-1",)
    receipt: str | None = UNDER_IT


def proof(strength: str) -> dict[str, str]:
    return {**PROVEN, "x-proof": strength}


ROWS = [
    Row("plain"),
    Row("a slash at the end", path="/callbacks/acme/"),
    Row("two slashes before", path="//callbacks/acme"),
    Row("two slashes within", path="/callbacks//acme"),
    Row("a correlation", path="/callbacks/acme/order-2047"),
    Row("a tail too short for a correlation", path="/callbacks/acme/short"),
    Row("a long tail", path="/callbacks/acme/a/b/c"),
    Row("PUT", method="PUT"),
    Row("DELETE", method="DELETE"),
    Row("no secret", headers={}, status=401, signaled=(), receipt=None),
    Row("a wrong secret", headers={"x-secret": "wrong"}, status=401, signaled=(), receipt=None),
    Row("an unknown account", path="/callbacks/other", status=401, signaled=(), receipt=None),
    Row("no account", path="/callbacks", status=401, signaled=(), receipt=None),
    Row("no body", body=b"", signaled=(), receipt=QUARANTINED),
    Row("a body that is no text", body=b"\xff\x00", signaled=(), receipt=QUARANTINED),
    Row("a body of another shape", body=b"[1, 2]", signaled=(), receipt=QUARANTINED),
    Row("a body at which the provider fails", body=b"explode", signaled=(), receipt=QUARANTINED),
    Row("no reference", body=says({"id": "no reference"}), signaled=(), receipt=QUARANTINED),
    Row("a reference too long", body=says({"ref": "x" * 201}), signaled=(), receipt=QUARANTINED),
    Row("a sender that is no word", body=says({"ref": "r-1", "sender": "not a word!"})),
    Row("an identity that is no text", body=says({"ref": "r-1", "id": "\ud800"})),
    Row("two events", body=says({"ref": "r-1"}, {"ref": "r-2"}), signaled=("r-1", "r-2")),
    Row("two events, one without a reference", body=says({"id": "none"}, {"ref": "r-1"})),
    Row("Temporal down", temporal="down", signaled=(), receipt=PENDING),
    Row("Temporal stalled", temporal="stalled", signaled=(), receipt=PENDING),
    Row("storage down", storage="down", receipt=None),
    Row("storage stalled", storage="stalled", receipt=None),
    Row("both down", storage="down", temporal="down", status=503, signaled=(), receipt=None),
    Row("both stalled", storage="stalled", temporal="stalled", status=503, signaled=(), receipt=None),
    Row("unreadable, storage down", body=b"not JSON", storage="down", status=503, signaled=(), receipt=None),
    Row("no secret, both down", headers={}, storage="down", temporal="down", status=401, signaled=(), receipt=None),
    Row("a proof at which the provider fails", headers=proof("crash"), status=503, signaled=(), receipt=None),
    Row("no proof", headers=proof("none"), signaled=(), receipt=QUARANTINED),
    Row("a stale proof", headers=proof("stale"), signaled=(), receipt=QUARANTINED),
    Row("a proof beside the body", headers=proof("unbound")),
    Row("no proof, storage down", headers=proof("none"), storage="down", status=503, signaled=(), receipt=None),
    Row("the largest body", body=b"x" * (2 * 1024 * 1024), signaled=(), receipt=QUARANTINED),
    Row("a larger body", body=b"x" * (2 * 1024 * 1024 + 1), status=413, signaled=(), receipt=None),
    Row("another content type", headers={**PROVEN, "content-type": "text/plain"}),
    Row("a content type that is none", headers={**PROVEN, "content-type": "; nonsense"}),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.about)
async def test_every_request_gets_the_answer_that_its_sender_understands(desk: Desk, row: Row) -> None:
    desk.storage.down, desk.storage.stalled = row.storage == "down", row.storage == "stalled"
    desk.verifications.down, desk.verifications.stalled = row.temporal == "down", row.temporal == "stalled"

    async with asyncio.timeout(SHORTER_THAN_A_STALL), in_process(endpoint_of(desk)) as client:
        answer = await client.request(row.method, whole(client, row.path), content=row.body, headers=row.headers)

    assert (answer.status_code, answer.content) == (row.status, b"")
    assert tuple(sorted(reference for reference, _ in desk.verifications.signaled)) == row.signaled
    desk.storage.down = desk.storage.stalled = False
    stored = [name for name in await desk.names() if "/seen" not in name and "refused" not in name]
    assert stored == ([row.receipt] if row.receipt else [])


async def test_one_callback_costs_one_write_and_one_call_before_its_answer(desk: Desk) -> None:
    desk.verifications.open.add("r-1")
    at_the_answer: list[tuple[int, int, int]] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                at_the_answer.append((desk.storage.reads, desk.storage.writes, desk.verifications.calls))
            await send(message)

        await endpoint_of(desk)(scope, receive, noted)

    async with in_process(noting) as client:
        await client.post("/callbacks/acme", content=says({"ref": "r-1", "id": "e-1"}), headers=PROVEN)

    assert at_the_answer == [(0, 1, 1)]
    # Filing writes the copy, and reads and marks nothing.
    assert (desk.storage.reads, desk.storage.writes) == (0, 2)


async def test_the_notice_names_where_its_receipt_rests(desk: Desk) -> None:
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=ONE, headers=PROVEN)

    [(_, event)] = desk.verifications.signaled
    assert await desk.storage.list("verifications/acme/r-1/receipts/") == [event.receipt]


async def test_a_notice_without_storage_says_that_it_has_no_receipt(desk: Desk) -> None:
    desk.storage.down = True
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=ONE, headers=PROVEN)

    assert [event.receipt for _, event in desk.verifications.signaled] == [None]


async def test_neither_secrets_nor_unlisted_headers_are_stored(desk: Desk) -> None:
    headers = {**PROVEN, "authorization": "Bearer hidden", "content-type": "application/json"}
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=says({"ref": "r-1", "id": "otp"}), headers=headers)

    [name] = await desk.storage.list("verifications/acme/r-1/receipts/")
    receipt = await desk.inbox.read(name)
    assert receipt.headers == {"content-type": "application/json"}
    assert b"otp" not in receipt.body
    assert b"hidden" not in await desk.storage.read(name)


async def test_a_correlation_of_another_form_is_none(desk: Desk) -> None:
    async with in_process(endpoint_of(desk)) as client:
        for path in ("order-2047", "short", "order-2047/more"):
            await client.post(f"/callbacks/acme/{path}", content=ONE, headers=PROVEN)

    assert [event.correlation for _, event in desk.verifications.signaled] == ["order-2047", None, None]


async def test_a_repeated_event_of_a_finished_verification_starts_no_other(desk: Desk) -> None:
    body = says({"ref": "r-1", "id": "event-1"})
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=body, headers=PROVEN)
        desk.verifications.open.clear()
        again = await client.post("/callbacks/acme", content=body, headers=PROVEN)
        other = await client.post("/callbacks/acme", content=says({"ref": "r-1", "id": "event-2"}), headers=PROVEN)

    assert (again.status_code, other.status_code) == (200, 200)
    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1", "r-1"]
    assert desk.verifications.started == ["r-1", "r-1"]


async def test_a_copy_that_proves_less_does_not_silence_the_event_itself(desk: Desk) -> None:
    """Whoever knows the ids of a verification could else send the final event first, and have ours ignored later."""
    body = says({"ref": "r-1", "id": "event-1"})
    desk.verifications.open.add("r-1")
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=body, headers={**PROVEN, "x-proof": "none"})
        desk.verifications.open.clear()
        await client.post("/callbacks/acme", content=body, headers=PROVEN)

    assert desk.verifications.started == ["r-1"]


@pytest.mark.parametrize("first", ["secret", "none"])
async def test_a_repetition_that_proves_nothing_starts_no_follow_up_run(desk: Desk, first: str) -> None:
    body = says({"ref": "r-1", "id": "event-1"})
    desk.verifications.open.add("r-1")
    await desk.storage.put_new("verifications/acme/r-1/records/000001", b"{}")
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=body, headers={**PROVEN, "x-proof": first})
        desk.verifications.open.clear()
        await client.post("/callbacks/acme", content=body, headers={**PROVEN, "x-proof": "none"})

    assert desk.verifications.started == []


async def test_a_repeated_event_still_wakes_an_open_verification(desk: Desk) -> None:
    body = says({"ref": "r-1", "id": "event-1"})
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=body, headers=PROVEN)
        await client.post("/callbacks/acme", content=body, headers=PROVEN)

    assert len(desk.verifications.signaled) == 2


@pytest.mark.parametrize("proof", ["stale", "none"])
async def test_a_weak_callback_of_a_concluded_verification_is_filed_under_it_and_starts_no_run(
    desk: Desk, proof: str
) -> None:
    await desk.storage.put_new("verifications/acme/r-1/records/000001", b"{}")
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=ONE, headers={**PROVEN, "x-proof": proof})
        await client.post("/callbacks/acme", content=says({"ref": "r-2"}), headers={**PROVEN, "x-proof": proof})

    assert desk.verifications.started == []
    assert await desk.names("verifications/acme/r-1/receipts") == ["verifications/acme/r-1/receipts"]
    assert await desk.names("inbox") == ["inbox/quarantined"]


async def test_beyond_the_cap_callbacks_are_kept_for_the_relay_and_none_is_lost(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=CallbackLimits(starts_per_minute=2))
    desk.verifications.open.add("known")
    async with in_process(endpoint_of(desk)) as client:
        answers = [
            (await client.post("/callbacks/acme", content=says({"ref": reference}), headers=PROVEN)).status_code
            for reference in ("a", "b", "c", "d", "known")
        ]

    assert answers == [200] * 5
    assert desk.verifications.started == ["a", "b"]
    assert [reference for reference, _ in desk.verifications.signaled] == ["a", "b", "known"]
    assert (await desk.names("inbox/pending")) == [PENDING, PENDING]


async def test_refusals_are_listed_with_reason_and_without_what_was_presented(desk: Desk) -> None:
    async with in_process(endpoint_of(desk)) as client:
        wrong = await client.post("/callbacks/acme", content=b"{}", headers={"x-secret": "guessed"})
        unknown = await client.post("/callbacks/Robert'); DROP", content=b"{}")

    assert wrong.headers == unknown.headers
    listed = await desk.inbox.refusals(10)
    assert [(one.account, one.reason) for one in listed] == [("acme", "wrong_header")]
    everything = b"".join([await desk.storage.read(name) for name in await desk.storage.list("")])
    assert b"guessed" not in everything
    assert b"DROP" not in everything


async def test_a_proven_callback_that_names_no_verification_is_listed_and_counted(desk: Desk) -> None:
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=b"about Jane Doe", headers=PROVEN)
        await client.post("/callbacks/acme", content=ONE, headers={**PROVEN, "x-proof": "stale"})

    listed = (await desk.inbox.quarantined(10)).callbacks
    assert [(one.account, one.proof, one.reason) for one in listed] == [
        ("acme", "stale", "verification_not_known"),
        ("acme", "secret", "names_no_verification"),
    ]
    labels = {"account": "acme"}
    assert desk.metrics.registry.get_sample_value("vigil_callbacks_quarantined_total", labels) == 2


async def test_a_flood_of_refusals_is_listed_up_to_a_limit_and_counted_beyond_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=CallbackLimits(listed_refusals_per_hour=2))
    async with in_process(endpoint_of(desk)) as client:
        for _ in range(10):
            assert (await client.post("/callbacks/acme", content=b"{}")).status_code == 401

    assert len(await desk.inbox.refusals(100)) == 2
    assert desk.metrics.registry.get_sample_value("vigil_callback_refusals_unlisted_total") == 8


async def test_the_answers_are_those_of_the_account(tmp_path: Path) -> None:
    answers = OurAnswers(kept=204, lost=429, unproven=403, too_large=507)
    desk = Desk(tmp_path, account_of(Acme(answers=answers)))
    async with in_process(endpoint_of(desk)) as client:
        kept = await client.post("/callbacks/acme", content=ONE, headers=PROVEN)
        refused = await client.post("/callbacks/acme", content=ONE)
        large = await client.post("/callbacks/acme", content=b"x" * (2 * 1024 * 1024 + 1))
        desk.storage.down = desk.verifications.down = True
        lost = await client.post("/callbacks/acme", content=ONE, headers=PROVEN)

    assert [one.status_code for one in (kept, refused, large, lost)] == [204, 403, 507, 429]


async def test_a_body_announced_as_too_large_is_not_read(desk: Desk) -> None:
    async with served_endpoint(desk) as client:
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
    await endpoint_of(desk)(scope, long_body, noted)

    assert sent[0]["status"] == 413
    assert read == 2 * 1024 * 1024 + 65536
    assert await desk.names() == ["inbox/refused"]


async def test_a_sender_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(desk: Desk) -> None:
    async with served_endpoint(desk) as client:
        _, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(b"POST /callbacks/acme HTTP/1.1\r\nhost: x\r\nx-secret: right\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.1)

    assert await desk.names() == []
    assert desk.verifications.calls == 0


async def test_filing_holds_up_neither_the_answer_nor_the_next_callback_on_the_connection(desk: Desk) -> None:
    desk.storage.filing_stalled = True
    async with served_endpoint(desk) as client:
        async with asyncio.timeout(SHORTER_THAN_A_STALL):
            for n in range(5):
                answer = await client.post("/callbacks/acme", content=says({"ref": f"r-{n}"}), headers=PROVEN)
                assert answer.status_code == 200
        pending = len(await desk.names("inbox/pending"))
        desk.storage.filing_stalled = False

    assert pending == 5


async def test_a_stalled_temporal_is_called_for_the_first_callbacks_alone(desk: Desk) -> None:
    desk.verifications.stalled = True
    async with in_process(endpoint_of(desk)) as client:
        for _ in range(5):
            await client.post("/callbacks/acme", content=ONE, headers=PROVEN)
        answer = await client.post("/callbacks/acme", content=ONE, headers=PROVEN)

    assert answer.status_code == 200
    assert desk.verifications.calls == 5


async def test_a_stalled_storage_is_called_for_the_first_callbacks_alone(desk: Desk) -> None:
    desk.storage.stalled = True
    desk.verifications.open.add("r-1")
    async with in_process(endpoint_of(desk)) as client:
        await asyncio.gather(*(client.post("/callbacks/acme", content=ONE, headers=PROVEN) for _ in range(5)))
        answer = await client.post("/callbacks/acme", content=ONE, headers=PROVEN)

    assert answer.status_code == 200
    assert desk.storage.writes == 5
    assert len(desk.verifications.signaled) == 6


@pytest.mark.alone
async def test_each_of_two_hundred_callbacks_at_once_is_signaled_or_stored_if_it_is_accepted(desk: Desk) -> None:
    """How many are accepted depends on the machine; what 200 means does not.

    A callback that is answered 503 may be signaled as well, where its time was up in between: its sender repeats it.
    """
    references = {f"r-{n}" for n in range(200)}
    desk.verifications.open.update(references)

    async def post(client: httpx.AsyncClient, reference: str) -> tuple[str, int]:
        answer = await client.post("/callbacks/acme", content=says({"ref": reference}), headers=PROVEN)
        return reference, answer.status_code

    async with served_endpoint(desk) as client:
        answers = dict(await asyncio.gather(*(post(client, reference) for reference in references)))

    signaled = {reference for reference, _ in desk.verifications.signaled}
    pending: set[str] = set()
    for name in await desk.storage.list("inbox/pending/"):
        with suppress(NotStored):  # it is being filed
            pending.update(event.key.reference for event in (await desk.inbox.read(name)).events)
    accepted = {reference for reference, status in answers.items() if status == 200}
    assert set(answers.values()) <= {200, 503}
    assert accepted
    assert accepted <= signaled | pending


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
    app = endpoint_of(desk, trusted_proxies=(ip_network("10.0.0.0/8"),))
    transport = httpx.ASGITransport(app=app, client=(peer, 1))
    headers = {**PROVEN, **({"x-forwarded-for": forwarded} if forwarded else {})}
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.post("/callbacks/acme", content=ONE, headers=headers)

    assert answer.status_code == status


async def test_answers_are_counted_with_what_the_sender_makes_of_them(desk: Desk) -> None:
    async with in_process(endpoint_of(desk)) as client:
        await client.post("/callbacks/acme", content=ONE, headers=PROVEN)
        await client.post("/callbacks/acme", content=ONE)

    value = desk.metrics.registry.get_sample_value
    labels = {"account": "acme", "answer": "200", "meaning": "accepted"}
    assert value("vigil_callbacks_total", labels) == 1
    assert value("vigil_callbacks_total", {"account": "acme", "answer": "401", "meaning": "come_again"}) == 1


def served_endpoint(desk: Desk) -> Any:
    return served(with_lifespan(endpoint_of(desk)))


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


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["x-secret: right \t"], 200),
        (["X-Secret:\tright"], 200),
        (["x-secret: right", "x-secret: right "], 200),
        (["x-secret: right", "x-secret: wrong"], 401),
        (["x-secret: right, right"], 200),
        (["x-secret: right,right, wrong"], 401),
        (["x-secret: ,"], 401),
        (["x-secret: ri ght"], 401),
    ],
)
async def test_headers_on_a_real_connection_are_compared_as_http_defines_them(
    desk: Desk, lines: list[str], status: int
) -> None:
    head = ["POST /callbacks/acme HTTP/1.1", "host: x", "connection: close", f"content-length: {len(ONE)}", *lines]
    async with served_endpoint(desk) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write("\r\n".join([*head, "", ""]).encode() + ONE)
        answer = await reader.read()
        writer.close()

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
