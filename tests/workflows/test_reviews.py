"""Waiting for somebody at the provider, and having it call back once more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.workflows.conftest import SkippedTime
from tests.world import APPROVED, APPROVED_WITH_FILE, DECLINED, SaidReader, World, final, own_account
from vigil.domain.errors import ArtifactLost, ProviderRefusesUs, ProviderUnavailable
from vigil.domain.log import EntryKind
from vigil.domain.snapshot import ReadRequest, Reason, ReviewExpiry, Snapshot
from vigil.domain.terms import Advice, Attention, Basis, Decision, LossReason, Outcome, Proof, ReasonCode, Stage
from vigil.domain.tracking_plan import DAY, HOUR
from vigil.providers.contract import ProviderResponse
from vigil.providers.id360.senders import CONTRACT
from vigil.storage.inbox import Inbox, Receipt

PROVISIONAL = (Reason(code=ReasonCode.PROVISIONAL),)
IN_REVIEW = Snapshot(
    stage=Stage.IN_REVIEW,
    word="0814",
    review_expires_to=ReviewExpiry(decision=Decision.INCONCLUSIVE, advice=Advice.NEW_ATTEMPT, reasons=PROVISIONAL),
)
AUTHORITY_AWAY = Snapshot(
    stage=Stage.PROCESSING, word="1015", review_expires_to=ReviewExpiry(ended=Outcome.FAILED, advice=Advice.NEW_ATTEMPT)
)
DETAILED = CONTRACT.tracking.model_copy(update={"details_in_callbacks": True})


@pytest.mark.parametrize(
    ("says", "outcome", "decision"),
    [(IN_REVIEW, Outcome.DECIDED, Decision.INCONCLUSIVE), (AUTHORITY_AWAY, Outcome.FAILED, None)],
)
async def test_what_nobody_reviewed_in_time_ends_as_the_provider_left_it(
    skipped: SkippedTime, says: Snapshot, outcome: Outcome, decision: Decision | None
) -> None:
    world = skipped.world
    world.reader.say(says)
    async with world.workers():
        await world.register()
        record = await skipped.result()

    assert (record.verdict.outcome, record.verdict.decision, record.verdict.basis) == (
        outcome,
        decision,
        Basis.DEADLINE,
    )
    assert record.verdict.advice is Advice.NEW_ATTEMPT
    assert Attention.OVERDUE_REVIEW in {note.reason for note in record.attention}
    assert record.verdict.decided_at is not None
    assert timedelta(0) <= record.verdict.decided_at - record.opened_at - 7 * DAY < HOUR


async def test_the_backend_may_name_the_review_deadline(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.say(IN_REVIEW)
    async with world.workers():
        named = await world.now() + DAY
        await world.register(review_deadline_at=named)
        record = await skipped.result()

    assert record.verdict.decided_at is not None
    assert timedelta(0) <= record.verdict.decided_at - named < HOUR


async def test_a_review_that_ends_in_time_decides(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.say(IN_REVIEW)
    async with world.workers():
        await world.register()
        for _ in range(48):
            await skipped.passes(HOUR)
        waiting = await world.record()
        world.reader.say(DECLINED)
        record = await skipped.result()

    assert (waiting.verdict.stage, waiting.verdict.revision) == (Stage.IN_REVIEW, 0)
    assert (record.verdict.decision, record.verdict.basis, record.attention) == (Decision.DECLINED, Basis.READ, ())


async def test_a_review_that_ends_after_our_deadline_is_another_revision(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.say(IN_REVIEW)
    async with world.workers():
        await world.register()
        await skipped.result()
        world.reader.say(APPROVED)
        await world.hear(final("OK"))
        record = await skipped.result()

    assert [revision.decision for revision in record.verdict.revisions] == [Decision.INCONCLUSIVE, Decision.APPROVED]
    assert record.attention == ()


@dataclass
class Recaller(SaidReader):
    """A provider's reading half whose answers need what its callbacks told."""

    given: list[list[bytes]] = field(default_factory=list)

    async def read_with_callbacks(self, question: ReadRequest, callbacks: Sequence[bytes]) -> ProviderResponse:
        self.given.append(list(callbacks))
        if any(b"details" in body for body in callbacks):
            self.say(APPROVED_WITH_FILE)
        return await self.read(question)


@dataclass
class CallingBack:
    """A provider that calls back once more when it is asked to."""

    asked: list[ReadRequest] = field(default_factory=list)
    failures: int = 0

    async def replay(self, question: ReadRequest) -> None:
        self.asked.append(question)
        if self.failures:
            self.failures -= 1
            raise ProviderUnavailable("http_503", retry_after=timedelta(milliseconds=1))


@pytest.fixture
def detailed(client: Client, tmp_path: Path) -> World:
    world = World(client, tmp_path, account=own_account(), plan=DETAILED, reader=Recaller())
    world.reader.say(APPROVED.model_copy(update={"lacks_details": True}))
    world.replayer = CallingBack()
    return world


async def called_back(world: World, body: bytes, *, is_filed: bool, proof: Proof = Proof.SECRET) -> None:
    """Tell the verification of a callback whose receipt is stored, filed or still to be filed."""
    callback_event = await world.callback_event(final("OK"), proof=proof)
    inbox = Inbox(world.storage)
    receipt = Receipt(
        received_at=callback_event.received_at,
        account=world.account,
        correlation=None,
        proof="secret",
        headers={},
        body=body,
    )
    name = await inbox.keep(receipt)
    path = world.tracker.path(world.key)
    if is_filed:
        await inbox.file_under(name, path)
    filed = f"verifications/{path}/receipts/{name.rpartition('/')[2]}"
    told = {"receipt": filed, "details": world.digester.digest("details", "a reason and a file")}
    await world.tracker.signal_callback(world.key, callback_event.model_copy(update=told), may_start=True)


@pytest.mark.parametrize("is_filed", [True, False])
async def test_details_are_taken_from_a_callback_that_is_kept(detailed: World, *, is_filed: bool) -> None:
    async with detailed.workers():
        await detailed.register()
        await called_back(detailed, b"details", is_filed=is_filed)
        record = await detailed.result()

    assert isinstance(detailed.reader, Recaller)
    assert detailed.reader.given[0] == [b"details"]
    assert [row.name for row in record.evidence] == ["portrait-1"]
    assert isinstance(detailed.replayer, CallingBack)
    assert detailed.replayer.asked == []


async def test_a_verdict_without_details_is_asked_to_be_sent_again_once(detailed: World) -> None:
    assert isinstance(detailed.replayer, CallingBack)
    detailed.replayer.failures = 1
    async with detailed.workers():
        await detailed.register()
        await detailed.hear(final("OK"))
        without = await detailed.result()
        await called_back(detailed, b"details", is_filed=True)
        record = await detailed.result()

    assert (without.verdict.decision, without.evidence) == (Decision.APPROVED, ())
    assert len(detailed.replayer.asked) == 2
    assert [entry.words for entry in without.log.entries if entry.kind is EntryKind.COMMANDED] == [
        ("replay", "details")
    ]
    assert [row.name for row in record.evidence] == ["portrait-1"]
    assert record.verdict.revision == 1


async def test_a_body_that_nothing_covers_explains_a_verdict_once_a_replay_has_confirmed_it(detailed: World) -> None:
    """The verification does not complete before the answer to the replay has come."""
    world = detailed.with_plan(DETAILED.model_copy(update={"replay_answered_within": HOUR}))
    assert isinstance(world.replayer, CallingBack)
    assert isinstance(world.reader, Recaller)
    async with world.workers():
        await world.register()
        await called_back(world, b"details, first", is_filed=True, proof=Proof.UNBOUND)
        await world.until(lambda record: record.reads.replayed == ("details",))
        before = await world.record()
        await called_back(world, b"details, again", is_filed=True, proof=Proof.UNBOUND)
        record = await world.result()

    assert world.reader.given == [[b"details, again"]]
    assert (before.verdict.stage, before.evidence) == (Stage.CONCLUDED, ())
    assert ([row.state for row in record.evidence], record.verdict.stage) == (["stored"], Stage.COMPLETE)
    assert (len(world.replayer.asked), record.callbacks.late, record.attention) == (1, 0, ())


async def test_a_replay_waits_half_an_hour_for_the_sender_and_is_not_spent_on_a_callback_without_a_receipt(
    skipped: SkippedTime,
) -> None:
    """The storage takes no writes while the callback and its replay come, and the sender repeats neither."""
    world = skipped.with_plan(DETAILED)
    world.reader.say(APPROVED.model_copy(update={"lacks_details": True}))
    world.replayer = replayer = CallingBack()

    async def called_back_unstored() -> None:
        unstored = (await world.callback_event(final("OK"))).model_copy(update={"receipt": None})
        await world.tracker.signal_callback(world.key, unstored, may_start=True)

    asked: list[int] = []
    async with world.workers():
        await world.register()
        for _ in range(2):
            await called_back_unstored()
            await world.until(lambda record: record.is_concluded)
            for minutes in (20, 15):
                await skipped.passes(timedelta(minutes=minutes))
                asked.append(len(replayer.asked))
        record = await skipped.result()

    assert [*asked, len(replayer.asked)] == [0, 1, 1, 2, 2]
    assert (record.verdict.decision, record.reads.replayed) == (Decision.APPROVED, ("details",))


async def test_links_that_have_expired_are_asked_for_once(detailed: World) -> None:

    assert isinstance(detailed.replayer, CallingBack)
    detailed.reader.files["portrait-1"] = ArtifactLost(LossReason.LINK_EXPIRED)
    async with detailed.workers():
        await detailed.register()
        await called_back(detailed, b"details", is_filed=True)
        expired = await detailed.result()
        detailed.reader.files["portrait-1"] = b"a portrait"
        await called_back(detailed, b"details, once more", is_filed=True)
        record = await detailed.result()

    assert [row.loss for row in expired.evidence] == [LossReason.LINK_EXPIRED]
    assert len(detailed.replayer.asked) == 1
    assert [row.state for row in record.evidence] == ["stored"]


async def test_details_that_were_reported_once_are_not_taken_back_by_an_answer_without_them(detailed: World) -> None:
    without = APPROVED.model_copy(update={"lacks_details": True})
    reasoned = APPROVED.model_copy(update={"reasons": PROVISIONAL})
    detailed.reader.say(reasoned)
    async with detailed.workers():
        await detailed.register()
        await detailed.hear(final("OK"))
        told = await detailed.result()
        detailed.reader.say(without)
        await detailed.hear(final("OK"))
        record = await detailed.result()

    assert (told.verdict.reasons, told.verdict.revision) == (PROVISIONAL, 1)
    assert (record.verdict.reasons, record.verdict.revision) == (PROVISIONAL, 1)


async def test_no_review_lapses_while_the_provider_gives_no_answer(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.say(IN_REVIEW)
    async with world.workers():
        await world.register(review_deadline_at=await world.now() + DAY)
        await skipped.passes(HOUR)
        world.reader.says = ProviderRefusesUs("http_401")
        await skipped.passes(DAY)
        away = await world.record()
        world.reader.say(APPROVED)
        record = await skipped.result()

    assert (away.verdict.outcome, away.verdict.stage) == (None, Stage.IN_REVIEW)
    assert [revision.decision for revision in record.verdict.revisions] == [Decision.APPROVED]


async def test_a_provisional_answer_after_the_lapse_is_no_second_revision(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.say(IN_REVIEW)
    async with world.workers():
        await world.register(review_deadline_at=await world.now() + DAY)
        await skipped.result()
        world.reader.say(IN_REVIEW.model_copy(update={"word": "0815"}))
        await world.hear(final("OK"))
        record = await skipped.result()

    assert (record.verdict.revision, record.verdict.decision, record.verdict.basis) == (
        1,
        Decision.INCONCLUSIVE,
        Basis.DEADLINE,
    )
