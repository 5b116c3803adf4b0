"""A signal that this release cannot read is not dropped: it is kept, shown, and read by a later release."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import PydanticPayloadConverter

from tests.sealed import CONVERTER
from tests.workflows.conftest import SkippedTime
from tests.world import APPROVED, STARTED, World, final, step
from vigil.domain.registration import Registration
from vigil.domain.terms import Attention, Decision, Stage
from vigil.temporal.histories import make_replayer
from workflows.verification import VerificationWorkflow

UNREADABLE = Attention.UNREADABLE_SIGNAL


class LaterRelease(PydanticPayloadConverter):
    """The converter of a release that knows `"evidence": "some"`, which this release does not."""

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        if type_hints == [Registration]:
            payloads = [
                Payload(metadata=payload.metadata, data=payload.data.replace(b'"evidence":"some"', b'"evidence":"all"'))
                for payload in payloads
            ]
        return super().from_payloads(payloads, type_hints)


LATER = replace(CONVERTER, payload_converter_class=LaterRelease)


def in_a_later_release(world: World) -> World:
    """Return the same verification and the same storage, with workers of the later release."""
    config = world.client.config()
    config["data_converter"] = LATER
    later = replace(world, client=Client(**config))
    later.key = world.key
    return later


async def register_as_a_later_release_does(world: World) -> None:
    registration = (await world.registration()).model_dump(mode="json") | {"evidence": "some"}
    await world.tracker.handle(world.key).signal("register", registration)


async def replay(world: World, history: WorkflowHistory) -> None:
    await make_replayer([VerificationWorkflow], world.client.data_converter).replay_workflow(history)


async def test_a_callback_that_cannot_be_read_still_causes_a_read(world: World) -> None:
    async with world.workers():
        await world.hear(step(1, "document"))
        await world.until(lambda record: record.callbacks.received == 1)
        world.reader.say(APPROVED)
        await world.tracker.handle(world.key).signal("callback_received", {"colour": "red"})
        record = await world.until(lambda record: record.verdict.decision is Decision.APPROVED)
    assert (record.callbacks.received, record.attention) == (1, ())


@pytest.mark.parametrize("content", [[{"colour": "red"}], ["not a registration"], [None], []])
async def test_a_registration_that_cannot_be_read_asks_a_person_to_look(world: World, content: list[object]) -> None:
    async with world.workers():
        await world.hear(step(1, "document"))
        await world.tracker.handle(world.key).signal("register", args=content)
        record = await world.until(lambda record: bool(record.attention))
    assert [note.reason for note in record.attention] == [UNREADABLE]
    assert not record.is_registered


async def test_a_workflow_that_could_not_read_a_signal_replays_on_a_release_that_can(world: World) -> None:
    async with world.workers():
        await world.hear(step(1, "document"))
        await register_as_a_later_release_does(world)
        await world.until(lambda record: bool(record.attention))
        history = await world.tracker.handle(world.key).fetch_history()
    await replay(world, history)
    await replay(in_a_later_release(world), history)


async def test_a_later_release_reads_the_registration_that_was_kept(skipped: SkippedTime) -> None:
    world = replace(skipped.world, max_cached_workflows=0)  # or the last task would wait for the worker that has gone
    world.reader.say(STARTED)
    async with world.workers():
        await world.hear(step(1, "document"))
        await register_as_a_later_release_does(world)
        unread = await world.until(lambda record: UNREADABLE in {note.reason for note in record.attention})
        world.reader.say(APPROVED)
        await world.hear(final("OK"))
        await world.until(lambda record: record.verdict.stage is Stage.CONCLUDED)
        await skipped.passes(timedelta(minutes=150))
        assert not (await world.record()).is_registered
    later = in_a_later_release(world)
    async with later.workers():
        await skipped.passes(timedelta(minutes=61))
        record = await later.result()

    assert not unread.is_registered
    assert (record.is_registered, record.verdict.stage) == (True, Stage.COMPLETE)
    assert record.attention == ()


async def test_what_nobody_can_read_keeps_a_verification_open_for_seven_days(skipped: SkippedTime) -> None:
    world = skipped.world
    async with world.workers():
        await world.hear(step(1, "document"))
        await register_as_a_later_release_does(world)
        await world.until(lambda record: bool(record.attention))
        world.reader.say(APPROVED)
        await world.hear(final("OK"))
        await skipped.passes(timedelta(days=6))
        before = await world.record()
        await skipped.passes(timedelta(days=1, hours=6))
        record = await world.result()

    assert (before.verdict.stage, record.verdict.stage) == (Stage.CONCLUDED, Stage.COMPLETE)
    assert UNREADABLE in {note.reason for note in record.attention}
