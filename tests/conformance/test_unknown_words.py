"""A word that no table has keeps us waiting and asks a person to look; it is never a verdict."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.service import RPCError

from tests.conformance.cases import SENDERS, kit_for
from tests.conformance.kit import Condition
from tests.conformance.rig import Rig
from vigil.domain.log import EntryKind
from vigil.domain.terms import Attention, Stage
from vigil.domain.tracking_plan import MINUTE

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = timedelta(seconds=1)
A_WHILE = 15 * MINUTE


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
async def test_an_unknown_word_in_a_result_decides_nothing_and_asking_goes_on(
    skipped: Rig, provider: str, sender: str
) -> None:
    kit = kit_for(provider, sender)
    play = await skipped.play(provider, kit, kit.unknown_word)
    await skipped.register(play)
    await skipped.time.passes(kit.final_at + SOON)
    for sent in skipped.postbox.of(play.url):
        await skipped.receive(play, sent)
    await skipped.time.passes(A_WHILE)
    asked = await skipped.asked(play)
    await skipped.time.passes(A_WHILE)
    asked_later = await skipped.asked(play)
    record = await skipped.record(play)
    with suppress(RPCError):  # it should be open still; what follows says so
        await skipped.tracker.handle(play.key).terminate()

    assert record.verdict.stage is Stage.UNRECOGNISED
    assert (record.verdict.decision, record.verdict.outcome, record.verdict.revision) == (None, None, 0)
    assert Attention.UNRECOGNISED_WORD in {note.reason for note in record.attention}
    assert asked_later > asked > 0


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
async def test_an_unknown_word_in_a_callback_decides_nothing_and_the_result_still_does(
    skipped: Rig, provider: str, sender: str
) -> None:
    kit = kit_for(provider, sender)
    if Condition.UNKNOWN_WORD in kit.absent:
        pytest.skip(kit.absent[Condition.UNKNOWN_WORD])
    play = await skipped.play(provider, kit, kit.scenario)
    await skipped.register(play)
    await skipped.receive(play, kit.callback(Condition.UNKNOWN_WORD, play.key.reference, datetime.now(UTC)))
    await skipped.time.passes(SOON)
    told = await skipped.record(play)
    record = await skipped.skipped_until_complete(play)

    assert (told.verdict.decision, told.verdict.outcome) == (None, None)
    # A result that is read meanwhile, and has only words that we know, takes the attention back.
    raised = [entry.words for entry in told.log.entries if entry.kind is EntryKind.ATTENTION]
    assert raised == [(Attention.UNRECOGNISED_WORD,)]
    assert record.verdict.decision is kit.decision
