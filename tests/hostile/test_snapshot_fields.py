"""Which fields of a snapshot a callback's body can reach, and that none is reached from a body that no proof covers."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest_asyncio

from tests.providers.raw_server import json_response
from tests.providers.smile_id.v3.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v3.samples import JOB, RECEIVED_AT, attention, callback, settings, status
from vigil.callback_mapping import build_event
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.callbacks import apply_callback, note_replay, open_record
from vigil.domain.decisions import apply_read
from vigil.domain.digest import Digester
from vigil.domain.record import Record, Replay
from vigil.domain.snapshot import Answer, ReadResult, Snapshot
from vigil.domain.terms import Covers
from vigil.domain.tracking_plan import MINUTE
from vigil.domain.verdict import Cause
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import DetailReader, GenuineRequest, Provider
from vigil.providers.registry import PROVIDERS
from vigil.providers.smile_id.provider import open_account
from vigil.providers.smile_id.senders import CONTRACTS

PLAN = CONTRACTS["v3"].tracking
REACHED = {
    "artifacts",
    "checks",
    "code",
    "decision",
    "lacks_details",
    "provider_created_at",
    "provider_finished_at",
    "reasons",
}
"""The fields that a body reaches once its details are confirmed; the decision by a row of the account's policy."""


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    async with FakeSmileId().listening() as fake, httpx.AsyncClient(trust_env=False) as http:
        fake.held[f"/v3/status/{JOB}"] = json_response(status("attention"))
        own = settings(base_url=fake.base_url, policy={"attention/document_expired": "approved"})
        yield open_account("smile", own, http)


def prove(provider: Provider, body: Mapping[str, Any]) -> GenuineRequest:
    genuine = provider.prove(callback(body))
    assert genuine.proof.covers is Covers.TIME
    return genuine


def event_of(provider: Provider, genuine: GenuineRequest, *, minute: int) -> CallbackEvent:
    [told] = provider.read_callbacks(genuine)
    key = VerificationKey(account="smile", reference=told.reference or "")
    event = build_event(genuine, told, key, Digester(b"a key for tests"))
    at = RECEIVED_AT + minute * MINUTE
    identity = Digester(b"a key for tests").digest("identity", str(minute))
    return event.model_copy(update={"received_at": at, "receipt": f"receipts/{minute}", "identity": identity})


async def read(provider: Provider, record: Record, bodies: Mapping[str, bytes]) -> Snapshot:
    """Read as the activity does: with the bodies that the record names."""
    question = record.question(PLAN)
    reader = provider.reader
    assert isinstance(reader, DetailReader)
    reply = await reader.read_with_callbacks(question, [bodies[name] for name in question.receipts])
    assert reply.snapshot is not None
    return reply.snapshot


def different_fields(one: Snapshot, other: Snapshot) -> set[str]:
    return {name for name in Snapshot.model_fields if getattr(one, name) != getattr(other, name)}


async def test_no_field_of_a_snapshot_comes_from_a_body_that_no_proof_covers(provider: Provider) -> None:
    body = attention(no_of_persons_found=0, additional_documents=[{"image_link": "https://files.invalid/v"}])
    genuine, bodies = prove(provider, body), {f"receipts/{minute}": json.dumps(body).encode() for minute in (0, 2)}
    record = open_record(
        VerificationKey(account="smile", reference=JOB),
        provider="smile_id",
        environment="sandbox",
        at=RECEIVED_AT,
        plan=PLAN,
    )
    bare = await read(provider, record, {})

    told = apply_callback(record, event_of(provider, genuine, minute=0))
    unconfirmed = await read(provider, told, bodies)
    reading = ReadResult(asked_at=RECEIVED_AT + MINUTE, answer=Answer.ANSWERED, snapshot=unconfirmed)
    concluded = apply_read(told, reading, plan=PLAN, cause=Cause.CALLBACK)
    asked = note_replay(concluded, Replay.DETAILS, at=RECEIVED_AT + MINUTE, until=RECEIVED_AT + 9 * MINUTE)
    answered = apply_callback(asked, event_of(provider, genuine, minute=2))

    assert different_fields(bare, unconfirmed) == set()
    assert different_fields(bare, await read(provider, answered, bodies)) == REACHED


def test_only_one_provider_lets_a_callback_reach_a_snapshot() -> None:
    """Another one must prove its bodies, or confirm them as this one does."""
    detailed = {
        name
        for name, entry in PROVIDERS.items()
        for contract in entry.contracts.values()
        if contract.tracking.details_in_callbacks and contract.proof.covers is not Covers.BODY
    }

    assert detailed == {"smile_id"}
