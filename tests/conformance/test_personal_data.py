"""What a provider tells of a person stays in storage: nothing of it is in Temporal, in logs, in names or in answers.

The same holds for secrets, and for references that open the applicant's session.
"""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr
from temporalio.api.sdk.v1 import UserMetadata

from tests.conformance.cases import KITS
from tests.conformance.kit import Condition, SenderKit, SentRequest
from tests.conformance.leaking import planted
from tests.conformance.places import Overheard, Place, at_rest, kept, leaks, listening, parts_of, said, waiting
from tests.conformance.rig import Play, Rig, configured
from vigil.simulator.registry import SIMULATED
from vigil.temporal.messages import MEMO

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANARY = "Quorvathsson-Tapperwhistle"
LIBRARIES = ["asyncio", "httpcore.http11", "httpx", "temporalio.activity", "uvicorn.access", "uvicorn.error"]
SPOKE = ["httpcore", "httpx", "temporalio", "uvicorn"]


@asynccontextmanager
async def sampling(rig: Rig, play: Play, heard: Overheard) -> AsyncIterator[None]:
    """Note again and again what Temporal says of activities, since it forgets it when they are done."""

    async def sample() -> None:
        while True:
            heard.pending += waiting(await rig.tracker.handle(play.key).describe())
            await asyncio.sleep(0.1)

    task = asyncio.create_task(sample())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def about(sent: SentRequest, person: Mapping[str, str]) -> list[SentRequest]:
    """The callback with a person in it, and one that is nothing but a person; who signs bodies proves neither."""
    bodies: list[object] = [dict(person), [*person.values()]]
    with suppress(ValueError):
        if isinstance(body := json.loads(sent.body), dict):
            bodies.append({**body, "person": dict(person), "reason": " ".join(person.values())})
    return [SentRequest(sent.headers, json.dumps(body).encode()) for body in bodies]


async def followed(rig: Rig, provider: str, heard: Overheard) -> list[Play]:
    """A course in which much goes wrong, once for each sender."""
    kits = KITS[provider].senders.values()
    plays = [await rig.play(provider, kit, kit.scenario) for kit in kits]
    async with AsyncExitStack() as stack:
        for play in plays:
            await rig.register(play)
            await stack.enter_async_context(sampling(rig, play, heard))
        await asyncio.gather(*(stray(rig, play, kit) for play, kit in zip(plays, kits, strict=True)))
        await outage(rig, provider, on=True)
        await rig.time.passes(max(kit.final_at for kit in kits) * 2)
        for play in plays:
            for sent in rig.postbox.of(play.url):
                await rig.post(play, sent)
            await wrong_requests(rig, play, SIMULATED[provider].markers)
        await until_failed(heard)
        await outage(rig, provider, on=False)
        for play in plays:
            await rig.complete(play)
        claims = b"".join([await read_the_person(rig, play) for play in plays])
        assert leaks(claims, SIMULATED[provider].markers.values())
    return plays


async def read_the_person(rig: Rig, play: Play) -> bytes:
    """Return the claims: these answers alone are about the person, and reading them leaves nothing behind."""
    place = f"/verifications/{rig.tracker.path(play.key)}"
    claims, result = await rig.api.get(f"{place}/claims"), await rig.api.get(f"{place}/result")
    assert (claims.status_code, result.content) == (200, await stored_result(rig, play))
    return claims.content


async def stray(rig: Rig, play: Play, kit: SenderKit) -> None:
    """Forgeries, broken bodies, and persons where a callback has none."""
    for condition in {Condition.GENUINE, Condition.FORGED, Condition.MALFORMED} - set(kit.absent):
        sent = kit.callback(condition, play.key.reference, datetime.now(UTC))
        for each in (sent, *about(sent, SIMULATED[play.provider].markers)):
            await rig.post(play, each)


async def outage(rig: Rig, provider: str, *, on: bool) -> None:
    answer = await rig.simulator.post("/control/outage", json={"provider": provider, "on": on})
    assert answer.status_code == 204


async def until_failed(heard: Overheard) -> None:
    async with asyncio.timeout(60):
        while not any(b"lastFailure" in text for text in heard.pending):
            await asyncio.sleep(0.1)


async def wrong_requests(rig: Rig, play: Play, person: Mapping[str, str]) -> None:
    whole = " ".join(person.values())
    place = f"/verifications/{rig.tracker.path(play.key)}"
    wrong = {"account": play.key.account, "reference": [whole], "applicant": whole, "deadline": whole}
    answers = [
        await rig.api.post("/verifications", json=wrong),
        await rig.api.post("/verifications", content=whole),
        await rig.api.post(f"{place}/resolve", json={"author": whole, "decision": whole, "reason": whole}),
        await rig.api.post(f"{place}/deadline", json={"deadline_at": whole}),
    ]
    assert all(400 <= answer.status_code < 500 for answer in answers)


async def stored_result(rig: Rig, play: Play) -> bytes:
    snapshot = (await rig.complete(play)).reads.snapshot
    assert snapshot is not None
    assert snapshot.result is not None
    return await rig.dependencies.storage.read(snapshot.result)


async def labels_of(rig: Rig, play: Play) -> bytes:
    """Return what Temporal's UI shows as the title and the details of a workflow and of its activities."""
    handle = rig.tracker.handle(play.key)
    told = [(await handle.describe()).raw_description, *(await handle.fetch_history()).events]
    return b"\n".join(part.SerializeToString() for message in told for part in parts_of(message, UserMetadata))


@dataclass(frozen=True)
class Searched:
    """All that can be read of one provider's courses."""

    provider: str
    references: Sequence[str]
    is_capability: bool
    texts: Mapping[Place, bytes]
    results: bytes
    labels: Sequence[bytes]
    stored: bytes
    sealed: bytes


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=list(KITS))
async def searched(stepped: Rig, request: pytest.FixtureRequest) -> Searched:
    since = datetime.now(UTC)
    with listening(stepped) as heard:
        plays = await followed(stepped, request.param, heard)
        async with asyncio.timeout(60):
            texts = await said(stepped, heard, since=since)
            while not all(stepped.tracker.path(play.key).encode() in texts[Place.WORKFLOW_IDS] for play in plays):
                texts = await said(stepped, heard, since=since)
        return Searched(
            request.param,
            [play.key.reference for play in plays],
            stepped.dependencies.accounts[plays[0].key.account].provider.reference_is_capability,
            texts,
            b"".join([await stored_result(stepped, play) for play in plays]),
            [await labels_of(stepped, play) for play in plays],
            await kept(stepped),
            await at_rest(stepped),
        )


async def test_a_person_is_in_the_stored_results_and_nowhere_else(searched: Searched) -> None:
    texts, markers = searched.texts, SIMULATED[searched.provider].markers.values()

    assert leaks(searched.results, markers) == set(markers)
    assert MEMO.encode() in texts[Place.HISTORIES]
    assert all(f"'name': '{library}".encode() in texts[Place.LOGS] for library in SPOKE)
    assert all(texts.values())
    assert {place: leaks(text, markers) for place, text in texts.items()} == {place: set() for place in Place}


async def test_a_reference_that_opens_a_session_is_nowhere_in_clear_and_another_is_shown(searched: Searched) -> None:
    references = searched.references
    shown = {path for path, text in searched.texts.items() if leaks(text, references)}

    assert leaks(b"\n".join(searched.labels), references) == set()
    assert all(searched.labels)
    if searched.is_capability:
        assert shown == set()
    else:
        assert {Place.PAYLOADS, Place.HISTORIES, Place.WORKFLOW_IDS, Place.STORAGE_NAMES, Place.LOGS} <= shown


def secrets_of(provider: str) -> set[str]:
    """What an account of the provider must keep to itself, callback secrets included."""
    kit = KITS[provider]
    given = [kit.settings, *([kit.unproven_settings] if kit.unproven_settings else [])]
    return {
        secret for settings in given for secret in _secrets_in(dict(configured(provider, settings("http://x")).own))
    }


def _secrets_in(settings: object) -> Iterator[str]:
    if isinstance(settings, SecretStr):
        yield settings.get_secret_value()
    elif isinstance(settings, Mapping):
        yield from (secret for value in settings.values() for secret in _secrets_in(value))
    elif isinstance(settings, tuple):
        yield from (secret for value in settings for secret in _secrets_in(value))


async def test_a_secret_is_in_no_place_and_in_nothing_that_is_stored(searched: Searched) -> None:
    secrets, markers = secrets_of(searched.provider), SIMULATED[searched.provider].markers.values()

    assert len(secrets) > 1
    assert leaks(searched.sealed, [*secrets, *markers]) == set()
    assert leaks(searched.stored, markers)
    assert leaks(searched.stored, secrets) == set()
    assert {place: leaks(text, secrets) for place, text in searched.texts.items()} == {place: set() for place in Place}


async def test_a_secret_that_was_stored_on_purpose_is_found(stepped: Rig) -> None:
    before, name = await kept(stepped), f"planted/{uuid4().hex}"
    await stepped.dependencies.storage.put_new(name, f"Bearer {CANARY}".encode())
    after = await kept(stepped)
    await stepped.dependencies.storage.erase(name)

    assert (leaks(before, [CANARY]), leaks(after, [CANARY])) == (set(), {CANARY})


@pytest.mark.parametrize("place", Place)
async def test_a_leak_on_purpose_is_found_where_it_is(stepped: Rig, place: Place) -> None:
    since = datetime.now(UTC)
    with listening(stepped) as heard:
        before = (await said(stepped, heard, since=since))[place]
        async with planted(place, stepped, CANARY), asyncio.timeout(60):
            while not leaks((await said(stepped, heard, since=since))[place], [CANARY]):
                await asyncio.sleep(0.05)

    assert not leaks(before, [CANARY])


@pytest.mark.parametrize("library", LIBRARIES)
async def test_a_leak_is_noticed_whoever_logs_it(stepped: Rig, library: str) -> None:
    with listening(stepped) as heard:
        logging.getLogger(library).debug("read %s", CANARY)

    assert leaks("\n".join(heard.logs).encode(), [CANARY]) == {CANARY}


@pytest.mark.parametrize("written", ["plain", "JSON", "base64", "base64 for URLs", "hexadecimal", "URL", "form"])
@pytest.mark.parametrize("before", [b"", b"a", b"ab"])
async def test_a_person_is_found_in_every_writing(written: str, before: bytes) -> None:
    person = "Zyx Élinda+7 <<77??>>"
    plain = before + person.encode() + b" and more"
    text = {
        "plain": plain,
        "JSON": json.dumps(plain.decode()).encode(),
        "base64": base64.b64encode(plain),
        "base64 for URLs": base64.urlsafe_b64encode(plain),
        "hexadecimal": plain.hex().upper().encode(),
        "URL": quote(plain).encode(),
        "form": quote_plus(plain).encode(),
    }[written]

    assert leaks(text, [person, "Somebody Else", person + "Z", "Z" + person]) == {person}
