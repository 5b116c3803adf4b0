"""A callback that is lost for good is made up for by asking, within the time that its contract names."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.cases import SENDERS, contract_of, kit_for
from tests.conformance.kit import Scenario
from tests.conformance.rig import Rig
from vigil.domain.terms import Basis
from vigil.simulator.scenario import Scenario as Plain

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = timedelta(seconds=1)
AT_ONCE = timedelta(seconds=10)


def beginning_later(order: Scenario, by: timedelta) -> Scenario:
    """The same order, with an applicant who thinks longer."""

    def ordered(url: str) -> Mapping[str, Any]:
        plain = dict(order(url))
        think = Plain.model_validate({"think": plain["think"]}).think if "think" in plain else Plain().think
        return {**plain, "think": (think + by).total_seconds()}

    return ordered


@pytest.mark.parametrize("while_polls_run", [False, True])
@pytest.mark.parametrize(("provider", "sender"), SENDERS)
async def test_a_lost_final_callback_is_found_by_asking_within_the_contracts_time(
    skipped: Rig, provider: str, sender: str, *, while_polls_run: bool
) -> None:
    kit, watch = kit_for(provider, sender), contract_of(provider, sender).tracking
    # The worst time for an end is just after it was asked about.
    first_poll_passed = max(watch.callback_expected_within - kit.final_at, timedelta(0)) + AT_ONCE
    later = first_poll_passed if while_polls_run else timedelta(0)
    play = await skipped.play(provider, kit, beginning_later(kit.scenario, later))
    began_at = await skipped.time.now()
    ended_at = began_at + kit.final_at + later
    await skipped.register(play)
    await skipped.time.passes(kit.final_at + later - SOON)
    interval = watch.poll_plan((await skipped.record(play)).verdict.stage).steps[0].every
    record = await skipped.skipped_until_complete(play)

    assert skipped.postbox.of(play.url)  # it was sent, and nobody handed it on
    assert (record.verdict.decision, record.verdict.basis, record.callbacks.received, record.callbacks.missed) == (
        kit.decision,
        Basis.READ,
        0,
        1,
    )
    assert record.verdict.decided_at is not None
    assert ended_at <= record.verdict.decided_at <= ended_at + kit.found_within
    # It is asked about from the time on when a callback is overdue, as often as its stage asks for, and a tenth less.
    overdue_at = began_at + watch.callback_expected_within
    assert record.verdict.decided_at <= max(overdue_at, ended_at) + interval * 1.1 + AT_ONCE


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
async def test_the_contract_names_the_time_within_which_a_lost_callback_is_found(provider: str, sender: str) -> None:
    assert contract_of(provider, sender).tracking.found_within() == kit_for(provider, sender).found_within


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
async def test_with_the_callback_it_is_decided_at_once(skipped: Rig, provider: str, sender: str) -> None:
    kit = kit_for(provider, sender)
    play = await skipped.play(provider, kit, kit.scenario)
    ended_at = await skipped.time.now() + kit.final_at
    await skipped.register(play)
    await skipped.time.passes(kit.final_at + SOON)
    callbacks = skipped.postbox.of(play.url)
    for sent in callbacks:
        await skipped.receive(play, sent)
    record = await skipped.skipped_until_complete(play)

    # A poll may fall due in the same second, and be the first to tell it.
    assert (record.verdict.decision, record.verdict.basis, record.callbacks.received) == (
        kit.decision,
        Basis.READ,
        len(callbacks),
    )
    assert record.verdict.decided_at is not None
    assert record.verdict.decided_at - ended_at < AT_ONCE
