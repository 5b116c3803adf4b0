"""A callback that is lost for good is made up for by asking, within the time that its contract names."""

from datetime import timedelta

import pytest

from domain.terms import Basis
from tests.conformance.cases import SENDERS, contract_of, kit_for
from tests.conformance.rig import Rig

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = timedelta(seconds=1)
AT_ONCE = timedelta(seconds=10)


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
async def test_a_lost_final_callback_is_found_by_asking_within_the_contracts_time(
    skipped: Rig, provider: str, sender: str
) -> None:
    kit, watch = kit_for(provider, sender), contract_of(provider, sender).watch
    play = await skipped.play(provider, kit, kit.scenario)
    ended_at = await skipped.time.now() + kit.final_at
    await skipped.register(play)
    record = await skipped.skipped_until_complete(play)

    assert skipped.postbox.of(play.url)  # it was sent, and nobody handed it on
    assert (record.decision, record.basis, record.heard, record.missed) == (kit.decision, Basis.READ, 0, 1)
    assert record.decided_at is not None
    assert ended_at <= record.decided_at <= ended_at + watch.found_within()


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
async def test_with_the_callback_it_is_decided_at_once(skipped: Rig, provider: str, sender: str) -> None:
    kit = kit_for(provider, sender)
    play = await skipped.play(provider, kit, kit.scenario)
    ended_at = await skipped.time.now() + kit.final_at
    await skipped.register(play)
    await skipped.time.passes(kit.final_at + SOON)
    callbacks = skipped.postbox.of(play.url)
    for sent in callbacks:
        await skipped.hear(play, sent)
    record = await skipped.skipped_until_complete(play)

    assert (record.decision, record.basis, record.missed) == (kit.decision, Basis.READ, 0)
    assert record.heard == len(callbacks)
    assert record.decided_at is not None
    assert record.decided_at - ended_at < AT_ONCE
