"""One suite for the fake and the real API: what a backend's tests see is what its users will see."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import vigil_client
from tests.clients.sides import ACCOUNT, CONTENT, FakeSide, Side, open_real_side
from vigil_client import AsyncClient, Key, Registered, Retry
from vigil_client.models import OwedNotification


@pytest.fixture(params=["fake", "real"])
async def side(request: pytest.FixtureRequest, temporal_address: str, tmp_path: Path) -> AsyncIterator[Side]:
    if request.param == "fake":
        yield FakeSide()
        return
    async with open_real_side(temporal_address, tmp_path) as real:
        yield real


@pytest.fixture
def reference() -> str:
    return f"v/{uuid4().hex[:12]} ü"


async def refusal(call: Any) -> tuple[str, str, set[str]]:
    with pytest.raises(vigil_client.Problem) as refused:
        await call
    return type(refused.value).__name__, refused.value.code, {fault.field for fault in refused.value.fields}


async def test_what_does_not_fit_is_refused_with_the_same_words(side: Side, reference: str) -> None:
    client = side.client
    known = Key(ACCOUNT, reference)
    started = await client.register(ACCOUNT, reference, applicant="customer-7")
    again = await client.register(ACCOUNT, reference, applicant="customer-7")
    strangers = {"applicant": "Jane Doe, Paris"}
    refusals = [
        await refusal(client.register(ACCOUNT, reference, applicant="customer-8", correlation="12345678")),
        await refusal(client.register("nobody", reference)),
        await refusal(client.register(ACCOUNT)),
        await refusal(client.register(ACCOUNT, reference, applicant=strangers["applicant"])),
        await refusal(client.register(ACCOUNT, reference, notify=["elsewhere"])),
        await refusal(client.register(ACCOUNT, reference, surprise="Jane Doe")),  # type: ignore[call-arg]
        await refusal(client.register(ACCOUNT, reference, deadline_at=datetime(2020, 1, 1, tzinfo=UTC))),
        await refusal(client.get(Key(ACCOUNT, "unknown"))),
        await refusal(client.get(Key("nobody", "unknown"))),
        await refusal(client.download(known, "portrait-9", "never-written")),
        await refusal(client.resolve(known, "maybe")),
        await refusal(client.claims(known)),
        await refusal(client.result(known)),
    ]

    assert (started.registered, again.registered) == ("started", "known")
    assert refusals == [
        ("ConflictingRegistration", "conflicting_registration", {"applicant", "correlation"}),
        ("UnknownAccount", "unknown_account", set()),
        ("InvalidRequest", "invalid_request", {"body.reference"}),
        ("InvalidRequest", "invalid_request", {"body.applicant"}),
        ("InvalidRequest", "invalid_request", {"body.notify"}),
        ("InvalidRequest", "invalid_request", {"body.*"}),
        ("InvalidRequest", "invalid_request", {"body.deadline_at"}),
        ("UnknownVerification", "unknown_verification", set()),
        ("UnknownAccount", "unknown_account", set()),
        ("NotFound", "unknown_file", set()),
        ("InvalidRequest", "invalid_request", {"body.decision"}),
        ("NoResult", "no_result", set()),
        ("NoResult", "no_result", set()),
    ]


@pytest.mark.parametrize(
    ("account", "reference", "coordinates", "field"),
    [
        ("id360", "not-a-number", {}, "body.reference"),
        ("id360", "4711", {"user_id": "7"}, "body.coordinates"),
        ("id360", None, {"user_id": "7"}, "body.reference"),
        ("identomat", "two words", {}, "body.reference"),
        ("signicat", "a:b:c", {}, "body.reference"),
        ("signicat", None, {"created_after": "2031-03-04T09:00:00Z"}, "body.coordinates.dossier_id"),
        ("signicat", None, {"dossier_id": "d 1"}, "body.coordinates.dossier_id"),
        ("smile-id", "line\nbreak", {}, "body.reference"),
        ("smile-id", "job-7", {"job_type": "13"}, "body.coordinates.job_type"),
    ],
)
async def test_what_a_provider_cannot_have_is_refused_naming_the_field(
    side: Side, account: str, reference: str | None, coordinates: Mapping[str, str], field: str
) -> None:
    refused = await refusal(side.client.register(account, reference, coordinates=coordinates))

    assert refused[:2] == ("InvalidRequest", "invalid_request")
    assert field in refused[2]


async def test_a_registration_says_only_what_the_api_knows(side: Side, reference: str) -> None:
    said: list[dict[str, Any]] = [
        {"correlation": "short"},
        {"coordinates": {"user id": "7"}},
        {"sender": "Nobody"},
        {"session_kind": "robot"},
        {"expects": ["moon"]},
        {"evidence": "some"},
        {"review_deadline_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"deadline_at": datetime(2200, 1, 1, tzinfo=UTC)},
    ]
    refused = [await refusal(side.client.register(ACCOUNT, reference, **each)) for each in said]

    assert [each[:2] for each in refused] == [("InvalidRequest", "invalid_request")] * len(said)
    assert [min(each[2]).split(".")[1] for each in refused] == [next(iter(each)) for each in said]


async def test_an_id_in_two_spellings_is_one_verification(side: Side) -> None:
    number = str(uuid4().int)[:17].lstrip("0")
    first = await side.client.register("id360", f"00{number}")
    again = await side.client.register("id360", number)
    read = await side.client.get(Key("id360", f"0{number}"))

    assert (first.reference, again.registered, read.reference) == (number, "known", number)


async def test_coordinates_alone_are_registered_once_the_provider_has_something(side: Side) -> None:
    dossier, others = str(uuid4()), str(uuid4())
    client = side.client
    client.retry = Retry(attempts=1)
    not_yet = await refusal(client.register("signicat", coordinates={"dossier_id": dossier}))
    side.create("signicat", f"{others}:p-0", dossier_id=others)
    side.create("signicat", f"{dossier}:p-1", dossier_id=dossier)
    found = await client.register("signicat", coordinates={"dossier_id": dossier.upper()}, applicant="customer-7")
    again = await client.register("signicat", f"{dossier}:p-1", applicant="customer-7")

    assert not_yet == ("ProcessNotYetKnown", "process_not_yet_known", set())
    assert (found.reference, found.registered, again.registered) == (f"{dossier}:p-1", "started", "known")


async def test_a_correlation_belongs_to_one_verification(side: Side, reference: str) -> None:
    client, correlation = side.client, uuid4().hex
    first = await client.register(ACCOUNT, reference, correlation=correlation)
    again = await client.register(ACCOUNT, reference, correlation=correlation)
    taken = await refusal(client.register(ACCOUNT, f"{reference}-2", correlation=correlation))

    assert (first.registered, again.registered) == ("started", "known")
    assert taken == ("CorrelationTaken", "correlation_taken", {"body.correlation"})


async def test_a_wrong_key_is_refused(side: Side) -> None:
    stranger = AsyncClient("http://127.0.0.1:9", "another", transport=side.client._http._transport)
    stranger._http.base_url = side.client._http.base_url

    assert await refusal(stranger.get(Key(ACCOUNT, "4711"))) == ("NotAllowed", "not_authorized", set())


async def test_a_verdict_is_awaited_notified_and_read_with_its_files(
    side: Side, reference: str, tmp_path: Path
) -> None:
    client = side.client
    registered = await client.register(ACCOUNT, reference, applicant="customer-7")
    before = await client.get(registered)
    await side.decide(reference, "declined")
    decided = await client.wait(registered, within=timedelta(seconds=30))
    complete = await client.wait(decided, "complete", within=timedelta(seconds=30))
    (file,) = await client.evidence(complete)
    saved = await client.download(complete, file.name, tmp_path / "portrait")
    archive = await client.export(complete, tmp_path / "export.zip")
    timeline = await client.timeline(registered)
    explained = await client.explanation(registered)

    assert before.state is not None
    assert (before.is_open, before.stage, before.outcome, before.state.revision) == (
        True,
        "awaiting_applicant",
        None,
        0,
    )
    assert (before.state.applicant, before.state.registered) == ("customer-7", True)
    # A reference that is not plain is replaced by a digest in URLs, as a secret one is.
    assert (registered.key.url_path[:6], len(registered.key.url_path)) == ("acme/~", 32)
    assert (decided.outcome, decided.decision, decided.reference) == ("decided", "declined", reference)
    assert complete.record is not None
    assert complete.stage == "complete"
    assert [(each.number, each.decision, each.basis) for each in complete.record.revisions] == [(1, "declined", "read")]
    assert (file.name, file.kind, file.state, file.size, file.media_type) == (
        "portrait-1", "portrait", "stored", 10, "image/png"
    )  # fmt: skip
    assert saved.read_bytes() == CONTENT
    with zipfile.ZipFile(archive) as opened:
        assert opened.read("files/portrait-1.png") == CONTENT
        assert {"record.json", "timeline.json", "notifications.json", "manifest.json"} <= set(opened.namelist())
    assert {"registered", "revised"} <= {entry.kind for entry in timeline.entries}
    assert (explained.cause, explained.actor) == ("nobody", None)


async def delivered(side: Side, verification: Registered) -> tuple[OwedNotification, ...]:
    """Wait until Vigil knows that every notification was delivered, and return them."""
    async with asyncio.timeout(30):
        while True:
            found = await side.client.notifications(verification)
            if len(found) == 2 and {each.state for each in found} == {"delivered"}:
                return found
            await asyncio.sleep(0.1)


async def test_a_verdict_and_the_end_are_notified_and_only_signed_requests_are_taken(
    side: Side, reference: str
) -> None:
    client = side.client
    registered = await client.register(ACCOUNT, reference, applicant="customer-7", notify=[side.endpoint])
    await side.decide(reference, "declined")
    complete = await client.wait(registered, "complete", within=timedelta(seconds=30))
    await side.delivered(2)
    revised, completed = sorted(side.receiver.received, key=lambda each: each.data.sequence)
    notified = await client.get(revised)
    stand = [
        (each.endpoint, each.revision, each.of_completion, each.state) for each in await delivered(side, registered)
    ]
    again = await client.resend(registered)
    await side.delivered(3)

    told = revised.data
    assert (revised.type, completed.type) == ("verification.revised", "verification.completed")
    assert (told.account, told.applicant, told.reference) == (ACCOUNT, "customer-7", reference)
    assert notified.reference == reference
    assert (told.revision, told.stage, told.outcome, told.decision) == (1, "concluded", "decided", "declined")
    assert (completed.data.revision, completed.data.stage, completed.data.decision) == (1, "complete", "declined")
    assert complete.state is not None
    assert stand == [
        (side.endpoint, 1, False, "delivered"),
        (side.endpoint, 1, True, "delivered"),
    ]
    assert (again, side.receiver.received[2].data.decision) == ((side.endpoint,), "declined")
    assert 1 < told.sequence < completed.data.sequence == complete.state.sequence


async def test_commands_are_carried_out_once_and_say_why_not(side: Side, reference: str) -> None:
    client = side.client
    registered = await client.register(ACCOUNT, reference)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
    moved = await client.move_deadline(registered, later)
    resolved = await client.resolve(registered, "declined", "spoof", idempotency_key="resolve-0001")
    repeated = await client.resolve(registered, "declined", "spoof", idempotency_key="resolve-0001")
    reused = await refusal(client.resolve(registered, "approved", "spoof", idempotency_key="resolve-0001"))
    complete = await client.wait(registered, "complete", within=timedelta(seconds=30))
    withdrawn = await refusal(client.withdraw(registered))

    assert (moved.stage, moved.outcome) == ("awaiting_applicant", None)
    assert (resolved.decision, resolved.revision) == ("declined", 1)
    assert repeated == resolved
    assert reused == ("IdempotencyKeyReused", "idempotency_key_reused", set())
    assert complete.state is not None
    assert complete.record is not None
    assert (complete.state.deadline_at, complete.state.basis) == (later, "person")
    assert [reason.code for reason in complete.record.reasons] == ["spoof"]
    assert withdrawn == ("CommandRefused", "command_refused", set())


async def test_the_list_has_what_the_filters_meet_page_by_page(side: Side) -> None:
    client, applicant = side.client, f"customer-{uuid4().hex[:8]}"
    before = datetime.now(UTC) - timedelta(seconds=5)
    references = {f"v-{uuid4().hex[:8]}" for _ in range(3)}
    for reference in references:
        await client.register(ACCOUNT, reference, applicant=applicant)
    await client.withdraw(Key(ACCOUNT, max(references)))
    await client.wait(Key(ACCOUNT, max(references)), "complete", within=timedelta(seconds=30))

    async def listed(**filters: Any) -> set[str]:
        return {each.reference async for each in client.list(account=ACCOUNT, applicant=applicant, **filters)}

    # Temporal's index is a moment late.
    async with asyncio.timeout(30):
        while await listed(outcome="withdrawn") == set() or await listed() != references:
            await asyncio.sleep(0.1)

    assert await listed(limit=2) == references
    assert await listed(outcome="withdrawn") == {max(references)}
    assert await listed(is_open=True) == references - {max(references)}
    assert await listed(stage="complete") == await listed(is_open=False) == {max(references)}
    assert (
        await listed(attention="not_notified") == await listed(stuck=True) == await listed(decision="approved") == set()
    )
    assert await listed(stuck=False, opened_after=before, opened_before=before + timedelta(hours=1)) == references
    assert await listed(opened_after=before + timedelta(hours=1)) == await listed(opened_before=before) == set()
    wrong: list[dict[str, Any]] = [
        {"stage": "moon"},
        {"attention": "moon"},
        {"opened_after": "yesterday"},
        {"stuck": "perhaps"},
        {"limit": 201},
        {"account": "No Name"},
    ]
    assert [await refusal(anext(client.list(**each))) for each in wrong] == [
        ("InvalidRequest", "invalid_request", {f"query.{next(iter(each))}"}) for each in wrong
    ]
    assert await refusal(anext(client.list(surprise="x"))) == (  # type: ignore[call-arg]
        "InvalidRequest", "invalid_request", {"query.*"}
    )  # fmt: skip


async def test_data_is_erased_unless_it_is_held(side: Side, reference: str) -> None:
    client, known = side.client, Key(ACCOUNT, reference)
    await client.register(ACCOUNT, reference, applicant="customer-7")
    before = [await refusal(client.erasure(known)), await refusal(client.hold(known))]
    held = await client.place_hold(known, "litigation", datetime(2031, 1, 1, tzinfo=UTC))
    during = [await client.hold(known), await refusal(client.erase(known))]
    await client.release_hold(known)
    await client.erase(known)
    async with asyncio.timeout(60):
        while (receipt := await client.erase(known)).state != "finished":
            await asyncio.sleep(0.1)
    read = await client.get(known)
    after = [
        await refusal(client.timeline(known)),
        await refusal(client.result(known)),
        await refusal(client.poll(known)),
        await refusal(client.register(ACCOUNT, reference, applicant="customer-7")),
        await refusal(client.place_hold(known, "audit")),
    ]

    assert before == [("NotFound", "not_erased", set()), ("NotFound", "not_held", set())]
    assert (held.reason, held.until) == ("litigation", datetime(2031, 1, 1, tzinfo=UTC))
    assert during == [held, ("DataOnHold", "data_on_hold", set())]
    assert (receipt.outcome, receipt.not_ours) == ("withdrawn", ("provider", "backend", "proxy_logs"))
    assert read.state is not None
    assert (read.state.erased_at, read.state.applicant, read.record) == (receipt.erased_at, None, None)
    assert set(map(tuple, ((*each[:2],) for each in after))) == {("DataErased", "data_erased")}
    assert await client.erasure(known) == receipt
