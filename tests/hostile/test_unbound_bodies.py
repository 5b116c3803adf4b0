"""A signature of Smile ID that somebody has seen, beside bodies of his own: no verdict, no file, no read."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.hostile.smile_id_stack import SmileIdStack, signed, smile_id_stack
from vigil.domain.record import Record
from vigil.domain.terms import Attention, Decision, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def smile(temporal_address: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmileIdStack]:
    async with smile_id_stack(temporal_address, tmp_path_factory.mktemp("smile")) as running:
        yield running


def forged(**changes: Any) -> dict[str, Any]:
    """A body whose reason fits a row of the policy, with a check that nobody made."""
    return {
        "status": "attention",
        "reason": "medium_risk",
        "product": "document_verification",
        "message": "Checked",
        "no_of_persons_found": 0,
        **changes,
    }


def is_complete(record: Record) -> bool:
    return record.verdict.stage is Stage.COMPLETE


def reasons_to_look(record: Record) -> set[str]:
    return {str(note.reason) for note in record.attention}


async def test_an_honest_job_reaches_the_verdict_of_its_policy_and_its_files(smile: SmileIdStack) -> None:
    job = await smile.play("smile-v3-honest", status="attention")
    await smile.register("smile-v3-honest", job)
    record = await smile.until("smile-v3-honest", job, is_complete)

    assert [each.decision for each in record.verdict.revisions] == [Decision.INCONCLUSIVE, Decision.APPROVED]
    assert [reason.word for reason in record.verdict.reasons] == [
        "document_expired",
        "policy:attention.document_expired",
    ]
    assert len(await smile.files("smile-v3-honest", job)) == 4
    assert (record.callbacks.received, record.callbacks.late, record.attention) == (2, 0, ())


async def test_five_bodies_beside_a_signature_that_was_seen_change_nothing(smile: SmileIdStack) -> None:
    victim = await smile.play("smile-v3", status="attention")
    await smile.register("smile-v3", victim)
    before = await smile.until("smile-v3", victim, is_complete)
    seen = signed()
    # The signature of another job's callback, which arrives.
    await smile.forge("smile-v3", await smile.play("smile-v3", silent=True), forged(status="processing"), seen)
    reads = (await smile.view(victim))["reads"]

    bodies = [forged(product=f"product_{number}") for number in range(5)]
    answers = [await smile.forge("smile-v3", victim, body, seen) for body in bodies]
    answers += [
        await smile.forge("smile-v3", victim, body, signed(datetime(2019, 5, 6, tzinfo=UTC))) for body in bodies
    ]
    await asyncio.sleep(1)
    record = await smile.until("smile-v3", victim, is_complete)

    assert answers == [200] * 10
    assert record == before
    assert (record.verdict.decision, [reason.word for reason in record.verdict.reasons]) == (
        Decision.INCONCLUSIVE,
        ["document_expired"],
    )
    assert (await smile.view(victim))["reads"] == reads


async def test_five_bodies_beside_signatures_that_nobody_received_ask_a_person_and_never_approve(
    smile: SmileIdStack,
) -> None:
    victim = await smile.play("smile-v3", status="attention")
    await smile.register("smile-v3", victim)
    await smile.until("smile-v3", victim, is_complete)
    now = datetime.now(UTC)
    for number in range(5):
        used = signed(now + timedelta(seconds=number))
        assert await smile.forge("smile-v3", victim, forged(product=f"product_{number}"), used) == 200
    record = await smile.until(
        "smile-v3", victim, lambda record: record.callbacks.received == 7 and is_complete(record)
    )

    assert {each.decision for each in record.verdict.revisions} == {Decision.INCONCLUSIVE}
    assert reasons_to_look(record) == {Attention.CONTRADICTION}
    assert not {"watchlist"} & {check.name for check in record.checks}


async def test_a_forged_body_instead_of_a_lost_callback_neither_approves_nor_plants_a_file(smile: SmileIdStack) -> None:
    other = await smile.play("smile-v3", status="clear", endpoints=[{"url": "http://127.0.0.1:9/lost"}])
    victim = await smile.play("smile-v3", status="attention", drop_finals=True)
    await asyncio.sleep(1.5)
    stolen = next(iter((await smile.view(other))["deliveries"]))["body"]
    links = json.loads(stolen)["image_links"]
    body = forged(image_links=links, kyc_receipt=f"{smile.simulator}/control/health")
    assert await smile.forge("smile-v3", victim, body, signed()) == 200
    await smile.register("smile-v3", victim)
    record = await smile.until(
        "smile-v3", victim, lambda record: record.callbacks.received == 2 and is_complete(record)
    )

    assert [each.decision for each in record.verdict.revisions] == [Decision.INCONCLUSIVE]
    assert (record.verdict.reasons, record.checks, record.evidence) == ((), (), ())
    assert await smile.files("smile-v3", victim) == []
    assert reasons_to_look(record) == {Attention.CONTRADICTION}


async def test_a_forged_first_callback_does_not_hide_a_job_behind_its_user(smile: SmileIdStack) -> None:
    """The genuine callbacks name another user than the forged one, and no backend has registered the job."""
    job = await smile.play("smile-v1", job_type=2, think="PT3M")
    signature = signed()
    body = {
        "PartnerParams": {"job_id": job, "user_id": "!", "job_type": 1},
        "ResultCode": "0820",
        "timestamp": signature["Response-Timestamp"],
        "signature": signature["Response-Signature"],
    }
    assert await smile.forge("smile-v1", job, body, {}) == 200
    record = await smile.until("smile-v1", job, is_complete)

    assert record.verdict.decision is Decision.APPROVED
    assert record.subject.other_coordinates == ()
    assert record.subject.coordinates["job_type"] == "2"
    assert Attention.COORDINATE_MISMATCH in reasons_to_look(record)


async def test_twenty_hints_about_an_open_job_cost_six_reads(smile: SmileIdStack) -> None:
    job = await smile.play("smile-v3", silent=True)
    await smile.register("smile-v3", job)
    old = signed(datetime(2019, 5, 6, tzinfo=UTC))
    for number in range(20):
        assert await smile.forge("smile-v3", job, forged(product=f"product_{number}"), old) == 200
        await asyncio.sleep(0.1)
    record = await smile.until("smile-v3", job, lambda record: record.callbacks.received == 20)

    assert len(record.callbacks.hints) == 6
    assert record.reads.count <= 6
    assert (record.callbacks.announcements, record.callbacks.explanations) == ((), ())
    assert Attention.CONTRADICTION not in reasons_to_look(record)
