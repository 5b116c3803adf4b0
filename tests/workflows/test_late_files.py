"""Files that come late, never, or many at once, on a server that skips time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.workflows.conftest import SkippedTime
from tests.world import APPROVED, APPROVED_WITH_FILE, FILE, SaidReader, World, final
from vigil.domain.errors import ArtifactLost, ArtifactSpoiled, ProviderUnavailable
from vigil.domain.record import Record
from vigil.domain.snapshot import Artifact, ReadRequest, Snapshot
from vigil.domain.terms import ArtifactState, Attention, Decision, EvidenceKind, LossReason, Stage
from vigil.domain.tracking_plan import DAY, HOUR
from vigil.providers.contract import ArtifactStream

RECORDING = Artifact(name="call-1", kind=EvidenceKind.CALL_RECORDING, locator="call-1", ready=False)


def approved_with(*files: Artifact) -> Snapshot:
    return APPROVED.model_copy(update={"artifacts": files})


def ledger(record: Record) -> list[tuple[str, ArtifactState, str | None]]:
    return [(row.name, row.state, row.loss) for row in record.evidence]


def reasons(record: Record) -> list[Attention | str]:
    return [note.reason for note in record.attention]


async def published(world: World) -> tuple[str, str | None] | None:
    """What anybody sees of it without a worker."""
    seen = await world.tracker.describe(world.key)
    return (seen.summary.stage, seen.summary.decision) if seen and seen.summary else None


async def decided(world: World, **registration: object) -> Record:
    """Register it, hear of its end, and wait for the decision."""
    await world.register(**registration)
    await world.hear(final("OK"))
    return await world.until(lambda record: record.is_concluded)


async def test_an_expected_recording_that_nobody_lists_is_lost_in_time_and_the_decision_does_not_wait(
    skipped: SkippedTime,
) -> None:
    world = skipped.world
    world.reader.say(APPROVED)
    async with world.workers():
        at_first = await decided(world, expects=(EvidenceKind.CALL_RECORDING,))
        seen = await published(world)
        reads = world.reader.reads
        await skipped.passes(world.plan.late_files_within - HOUR)
        almost = await world.record()
        record = await skipped.result()

    assert seen == (Stage.CONCLUDED, Decision.APPROVED)
    assert ledger(at_first) == ledger(almost) == [("expected-call_recording", ArtifactState.EXPECTED, None)]
    assert ledger(record) == [("expected-call_recording", ArtifactState.LOST, LossReason.NOT_DELIVERED)]
    assert reasons(record) == [Attention.EVIDENCE_LOST]
    assert (record.verdict.decision, record.verdict.revision, record.verdict.stage) == (
        Decision.APPROVED,
        1,
        Stage.COMPLETE,
    )
    assert record.verdict.completed_at is not None
    assert record.verdict.decided_at is not None
    assert 2 * DAY <= record.verdict.completed_at - record.verdict.decided_at <= 2 * DAY + HOUR
    assert world.reader.reads == reads


async def test_a_recording_that_becomes_ready_later_is_brought_home(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.files["call-1"] = b"a long talk"
    world.reader.say(approved_with(RECORDING))
    async with world.workers():
        at_first = await decided(world, expects=(EvidenceKind.CALL_RECORDING,))
        await skipped.passes(5 * HOUR)
        downloads = world.reader.downloads
        world.reader.say(approved_with(RECORDING.model_copy(update={"ready": True})))
        record = await skipped.result()

    assert ledger(at_first) == [("call-1", ArtifactState.EXPECTED, None)]
    assert downloads == 0
    assert ledger(record) == [("call-1", ArtifactState.STORED, None)]
    assert await world.storage.read(record.evidence[0].stored_as or "") == b"a long talk"
    assert (record.verdict.revision, reasons(record)) == (1, [])


async def test_a_listed_recording_that_never_becomes_ready_is_lost_in_time(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.say(approved_with(RECORDING))
    async with world.workers():
        await decided(world)
        record = await skipped.result()

    assert ledger(record) == [("call-1", ArtifactState.LOST, LossReason.NOT_DELIVERED)]
    assert reasons(record) == [Attention.EVIDENCE_LOST]


async def test_a_file_whose_download_still_goes_on_is_not_given_up_with_those_that_never_came(
    skipped: SkippedTime,
) -> None:
    world = skipped.world
    content, world.reader.files["portrait-1"] = world.reader.files["portrait-1"], ProviderUnavailable("http_503")
    world.reader.say(approved_with(RECORDING, FILE))
    async with world.workers():
        await decided(world)
        await skipped.passes(world.plan.late_files_within + HOUR)
        then = await world.record()
        world.reader.files["portrait-1"] = content
        record = await skipped.result()

    assert ledger(then) == [
        ("call-1", ArtifactState.LOST, LossReason.NOT_DELIVERED),
        ("portrait-1", ArtifactState.AVAILABLE, None),
    ]
    assert ledger(record)[1] == ("portrait-1", ArtifactState.STORED, None)


async def test_a_recording_that_appears_after_it_was_given_up_is_still_brought_home(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.files["call-1"] = b"a long talk"
    world.reader.say(approved_with(RECORDING))
    async with world.workers():
        await decided(world)
        given_up = await skipped.result()
        world.reader.say(approved_with(RECORDING.model_copy(update={"ready": True})))
        await world.hear(final("OK"))
        record = await skipped.result()

    assert ledger(given_up) == [("call-1", ArtifactState.LOST, LossReason.NOT_DELIVERED)]
    assert ledger(record) == [("call-1", ArtifactState.STORED, None)]
    assert record.verdict.revision == 1


async def test_evidence_that_nobody_wants_is_never_downloaded(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers():
        await decided(world, evidence="none", expects=(EvidenceKind.CALL_RECORDING,))
        record = await skipped.result()

    assert ledger(record) == [
        ("expected-call_recording", ArtifactState.LOST, LossReason.NOT_WANTED),
        ("portrait-1", ArtifactState.LOST, LossReason.NOT_WANTED),
    ]
    assert world.reader.downloads == 0
    assert reasons(record) == []


async def test_only_the_wanted_kinds_are_downloaded(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.files["call-1"] = b"a long talk"
    world.reader.say(
        APPROVED_WITH_FILE.model_copy(
            update={"artifacts": (*APPROVED_WITH_FILE.artifacts, RECORDING.model_copy(update={"ready": True}))}
        )
    )
    async with world.workers():
        await decided(world, evidence=(EvidenceKind.PORTRAIT,))
        record = await skipped.result()

    assert ledger(record) == [
        ("call-1", ArtifactState.LOST, LossReason.NOT_WANTED),
        ("portrait-1", ArtifactState.STORED, None),
    ]
    assert world.reader.downloads == 1


async def test_a_download_that_never_succeeds_is_given_up_in_time(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.files["portrait-1"] = ProviderUnavailable("http_503")
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers():
        at_first = await decided(world)
        record = await skipped.result()

    assert at_first.verdict.decision is Decision.APPROVED
    assert ledger(record) == [("portrait-1", ArtifactState.LOST, LossReason.UNREACHABLE)]
    assert reasons(record) == [Attention.EVIDENCE_LOST]
    assert record.verdict.completed_at is not None
    assert record.verdict.decided_at is not None
    assert world.plan.download_within - HOUR <= record.verdict.completed_at - record.verdict.decided_at
    assert record.verdict.completed_at - record.verdict.decided_at <= world.plan.download_within + HOUR


async def test_a_download_that_heals_after_a_day_is_brought_home(skipped: SkippedTime) -> None:
    world = skipped.world
    content, world.reader.files["portrait-1"] = world.reader.files["portrait-1"], ProviderUnavailable("http_503")
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers():
        await decided(world)
        await skipped.passes(DAY)
        world.reader.files["portrait-1"] = content
        record = await skipped.result()

    assert ledger(record) == [("portrait-1", ArtifactState.STORED, None)]
    assert reasons(record) == []


async def test_a_file_that_is_spoiled_every_time_is_given_up_after_five_downloads(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.files["portrait-1"] = ArtifactSpoiled("hash_mismatch", loss=LossReason.HASH_MISMATCH)
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers():
        await decided(world)
        record = await skipped.result()

    assert ledger(record) == [("portrait-1", ArtifactState.LOST, LossReason.HASH_MISMATCH)]
    assert world.reader.downloads == 5


async def test_a_lost_file_keeps_no_other_from_coming_home(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.files["call-1"] = ArtifactLost(LossReason.GONE)
    ready = RECORDING.model_copy(update={"ready": True})
    world.reader.say(approved_with(ready, *APPROVED_WITH_FILE.artifacts))
    async with world.workers():
        await decided(world)
        record = await skipped.result()

    assert ledger(record) == [
        ("call-1", ArtifactState.LOST, LossReason.GONE),
        ("portrait-1", ArtifactState.STORED, None),
    ]
    assert reasons(record) == [Attention.EVIDENCE_LOST]


class CountingReader(SaidReader):
    """Counts how many downloads are open at one time."""

    open_now = 0
    most_open = 0

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await asyncio.sleep(0.05)
            async with super().open_artifact(question, artifact, result) as stream:
                yield stream
        finally:
            self.open_now -= 1


async def test_of_many_files_at_most_four_are_downloaded_at_a_time(skipped: SkippedTime) -> None:
    world = skipped.world
    names = [f"page-{number:02}" for number in range(11)]
    files = [Artifact(name=name, kind=EvidenceKind.SUPPORTING_DOCUMENT, locator=name) for name in names]
    world.reader = reader = CountingReader(files={file.name: file.name.encode() for file in files})
    world.reader.say(approved_with(*files))
    async with world.workers():
        await decided(world)
        record = await skipped.result()

    assert ledger(record) == [(file.name, ArtifactState.STORED, None) for file in files]
    assert (reader.most_open, reader.downloads) == (4, 11)
