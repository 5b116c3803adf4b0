"""For one course of answers at the provider, every order, loss and repetition of callbacks ends in one judgement."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeAlias
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

from tests.conformance.cases import KITS, SENDERS, kit_for
from tests.conformance.conftest import NOTED_EVERY
from tests.conformance.kit import SenderKit, SentRequest
from tests.conformance.rig import Play, Rig
from vigil.domain.record import Record
from vigil.domain.terms import Attention
from vigil.domain.verification_key import workflow_id
from vigil.temporal.messages import PollNow

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = timedelta(seconds=1)

Case: TypeAlias = tuple[str, str, bool]
"""Provider, sender, and whether its callbacks prove nothing."""
Course: TypeAlias = Callable[[Rig, Play, SenderKit], Awaitable[None]]


async def ended(rig: Rig, play: Play, kit: SenderKit) -> Sequence[SentRequest]:
    """Let the provider come to its end; returns all that it sent on the way."""
    await rig.time.passes(kit.final_at + SOON)
    return rig.postbox.of(play.url)


async def post(rig: Rig, play: Play, callbacks: Sequence[SentRequest]) -> None:
    for sent in callbacks:
        assert await rig.post(play, sent) == 200


async def as_they_come(rig: Rig, play: Play, kit: SenderKit) -> None:
    await rig.register(play)
    posted = 0
    for _ in range(4):
        await rig.time.passes((kit.final_at + SOON) / 4)
        arrived = rig.postbox.of(play.url)
        await post(rig, play, arrived[posted:])
        posted = len(arrived)


async def all_of_them_twice(rig: Rig, play: Play, kit: SenderKit) -> None:
    await rig.register(play)
    callbacks = await ended(rig, play, kit)
    await asyncio.gather(*(post(rig, play, [sent]) for sent in [*callbacks, *callbacks]))


async def in_reverse_order(rig: Rig, play: Play, kit: SenderKit) -> None:
    await rig.register(play)
    await post(rig, play, (await ended(rig, play, kit))[::-1])


async def only_the_last(rig: Rig, play: Play, kit: SenderKit) -> None:
    await rig.register(play)
    await post(rig, play, (await ended(rig, play, kit))[-1:])


async def before_the_registration(rig: Rig, play: Play, kit: SenderKit) -> None:
    callbacks = await ended(rig, play, kit)
    await post(rig, play, callbacks[:1])
    await rig.register(play)
    await post(rig, play, callbacks)


async def after_the_completion(rig: Rig, play: Play, kit: SenderKit) -> None:
    for sent in await completed_unheard(rig, play, kit):
        await post(rig, play, [sent])
        await rig.complete(play)


async def after_temporal_forgot_it(rig: Rig, play: Play, kit: SenderKit) -> None:
    callbacks = await completed_unheard(rig, play, kit)
    await forget(rig, play)
    for sent in callbacks:
        await post(rig, play, [sent])
        await rig.complete(play)


async def completed_unheard(rig: Rig, play: Play, kit: SenderKit) -> Sequence[SentRequest]:
    """Have it decided because a person asks; returns the callbacks, of which none was heard."""
    await rig.register(play)
    callbacks = await ended(rig, play, kit)
    command = PollNow(author="conformance")
    await rig.tracker.command(play.key, "poll_now", command, command_id=uuid4().hex, within=10 * SOON)
    await rig.complete(play)
    return callbacks


async def forget(rig: Rig, play: Play) -> None:
    await asyncio.sleep(10 * NOTED_EVERY.total_seconds())
    client = rig.tracker.client
    execution = WorkflowExecution(workflow_id=workflow_id(rig.tracker.path(play.key)))
    request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    await client.workflow_service.delete_workflow_execution(request)
    async with asyncio.timeout(60):
        while await rig.tracker.describe(play.key) is not None:
            await asyncio.sleep(0.05)


COURSES: Sequence[Course] = (
    all_of_them_twice,
    in_reverse_order,
    only_the_last,
    before_the_registration,
    after_the_completion,
    after_temporal_forgot_it,
)


async def followed(rig: Rig, case: Case, course: Course) -> tuple[Record, int]:
    """Return the record that a course ends in, and how many callbacks the provider sent in it by itself."""
    provider, sender, unproven = case
    kit = kit_for(provider, sender)
    play = await rig.play(provider, kit, kit.replaying or kit.scenario, unproven=unproven)
    async with rig.replays_handed_on(play):
        await course(rig, play, kit)
        return await rig.complete(play), await rig.announced(play)


CASES = [
    pytest.param((provider, sender, unproven), id=f"{provider}-{sender}-{'unproven' if unproven else 'proven'}")
    for provider, sender in SENDERS
    for unproven in ([False, True] if KITS[provider].unproven_settings else [False])
]


@pytest.mark.parametrize("case", CASES)
async def test_every_order_loss_and_repetition_ends_in_one_judgement(stepped: Rig, case: Case) -> None:
    plain, _ = await followed(stepped, case, as_they_come)
    # What anybody may have sent starts no run of a concluded verification, so nothing ends after Temporal forgot it.
    courses = [course for course in COURSES if not (case[2] and course is after_temporal_forgot_it)]
    ran = await asyncio.gather(*(followed(stepped, case, course) for course in courses))
    others = {course.__name__: result for course, result in zip(courses, ran, strict=True)}

    assert plain.verdict.decision is kit_for(*case[:2]).decision
    assert plain.evidence
    assert (Attention.UNPROVEN_CALLBACKS in {note.reason for note in plain.attention}) == case[2]
    judged = {name: record.judgement() for name, (record, _) in others.items()}
    assert judged == dict.fromkeys(others, plain.judgement())
    assert {name: record.verdict.revision for name, (record, _) in others.items()} == dict.fromkeys(others, 1)
    late = {name: record.callbacks.late for name, (record, _) in others.items() if name.startswith("after_")}
    assert late == {name: 0 if case[2] else others[name][1] for name in late}
    assert case[2] or all(count > 0 for count in late.values())
