"""Both generations tell of one process: whichever comes first, they end in one verification and one judgement."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.conftest import stepped
from tests.conformance.kit import SenderKit, SentRequest
from tests.conformance.rig import Play, Rig
from tests.providers.signicat.kit import EVENTS_HEADER, FIRST, KIT, build_scenario
from vigil.domain.record import Record
from vigil.domain.terms import Decision

__all__ = ["stepped"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONFIDO: SenderKit = KIT.senders["onfido"]
ENDED = ONFIDO.final_at + timedelta(seconds=1)


def told_in_both_ways(url: str) -> Mapping[str, Any]:
    legacy = {"url": url, "headers": {"Authorization": FIRST}, "generation": "legacy"}
    event = {"url": url, "headers": {EVENTS_HEADER: FIRST}, "generation": "events"}
    return {**build_scenario("onfido", url), "endpoints": [legacy, event]}


async def played_to_its_end(rig: Rig, *, unproven: bool) -> tuple[Play, Mapping[str, SentRequest]]:
    play = await rig.play("signicat", ONFIDO, told_in_both_ways, unproven=unproven)
    await rig.register(play)
    await rig.time.passes(ENDED)
    sent = rig.postbox.of(play.url)
    assert len(sent) == 2
    return play, {"event" if b"eventName" in each.body else "legacy": each for each in sent}


async def heard_in(rig: Rig, order: Sequence[str], *, unproven: bool) -> Record:
    play, sent = await played_to_its_end(rig, unproven=unproven)
    for generation in order:
        assert await rig.post(play, sent[generation]) == 200
        await rig.complete(play)
    return await rig.complete(play)


@pytest.mark.parametrize("unproven", [False, True])
async def test_an_event_and_a_callback_end_in_one_judgement_whichever_comes_first(
    stepped: Rig,
    *,
    unproven: bool,
) -> None:
    event_first = await heard_in(stepped, ["event", "legacy"], unproven=unproven)
    legacy_first = await heard_in(stepped, ["legacy", "event"], unproven=unproven)
    event_alone = await heard_in(stepped, ["event"], unproven=unproven)

    assert event_first.verdict.decision is Decision.APPROVED
    assert event_first.judgement() == legacy_first.judgement() == event_alone.judgement()
    # What anybody may have sent does not wake a concluded verification, so nobody counts it there.
    both = 1 if unproven else 2
    received = [record.callbacks.received for record in (event_first, legacy_first, event_alone)]
    assert received == [both, both, 1]
    assert (event_first.verdict.revision, legacy_first.verdict.revision) == (1, 1)


async def test_both_open_one_verification_before_it_is_registered(
    stepped: Rig,
) -> None:
    play = await stepped.play("signicat", ONFIDO, told_in_both_ways)
    await stepped.time.passes(ENDED)
    sent = stepped.postbox.of(play.url)
    for each in sent[::-1]:
        assert await stepped.post(play, each) == 200
    await stepped.register(play)
    record = await stepped.complete(play)

    assert len(sent) == 2
    assert (record.is_registered, record.callbacks.received, record.verdict.decision) == (True, 2, Decision.APPROVED)
