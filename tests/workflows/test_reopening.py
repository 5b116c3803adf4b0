"""Verdicts that a provider may take back: heard of late, never heard of, and disputed."""

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.workflows.conftest import SkippedTime
from tests.world import APPROVED, APPROVED_WITH_FILE, DECLINED, STARTED, World, final, own_account, quick
from vigil.domain.callback_event import RoomChanged, StatusSeen
from vigil.domain.errors import ArtifactNotReady
from vigil.domain.record import Record
from vigil.domain.snapshot import Artifact, Room, Snapshot
from vigil.domain.terms import ArtifactState, Attention, Decision, EvidenceKind, Outcome, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE
from vigil.providers.id360.senders import CONTRACT
from vigil.providers.identomat.result import snapshot_of
from vigil.providers.identomat.senders import CONTRACT as IDENTOMAT
from vigil.temporal import messages

SECOND = timedelta(seconds=1)
REOPENING = CONTRACT.tracking.model_copy(update={"finals_may_change": True, "reopens": (HOUR, DAY, 7 * DAY)})
SOON_AGAIN = REOPENING.model_copy(update={"reopens": tuple(timedelta(seconds=age) for age in (1, 2, 3))})
BY_CALLBACKS = quick(REOPENING.model_copy(update={"reopens": ()}), factor=600)


@pytest.fixture
def reopening(skipped: SkippedTime) -> SkippedTime:
    skipped.with_plan(REOPENING)
    return skipped


async def concluded(skipped: SkippedTime) -> Record:
    world = skipped.world
    world.reader.say(APPROVED)
    await world.register()
    await world.hear(final("OK"))
    return await skipped.result()


async def test_a_reopening_whose_callback_was_lost_is_found_after_an_hour(reopening: SkippedTime) -> None:
    world = reopening.world
    async with world.workers():
        await concluded(reopening)
        world.reader.say(STARTED)
        await reopening.passes(HOUR + MINUTE)
        reopened = await world.until(lambda record: record.verdict.revision == 2)
        world.reader.say(DECLINED)
        await world.hear(final("KO"))
        record = await reopening.result()

    assert (reopened.verdict.stage, reopened.verdict.outcome, reopened.callbacks.missed) == (
        Stage.AWAITING_APPLICANT,
        None,
        1,
    )
    assert [revision.decision for revision in record.verdict.revisions] == [Decision.APPROVED, None, Decision.DECLINED]
    assert [revision.cause for revision in record.verdict.revisions] == ["callback", "recheck", "callback"]


async def test_a_verdict_that_stays_is_read_three_times_and_makes_no_revision(client: Client, tmp_path: Path) -> None:
    world = World(client, tmp_path, account=own_account(), plan=SOON_AGAIN)
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        reads = world.reader.reads
        rereading = client.get_workflow_handle(f"recheck/{world.tracker.path(world.key)}/1")
        times = await rereading.result()
        record = await world.result()

    assert times == 3
    assert world.reader.reads == reads + 3
    assert record.verdict.revision == 1
    assert record.attention == ()


async def test_another_verdict_is_read_again_by_its_own_age_and_the_earlier_one_no_more(
    client: Client, tmp_path: Path
) -> None:
    world = World(client, tmp_path, account=own_account(), plan=SOON_AGAIN)
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        world.reader.say(DECLINED)
        await world.hear(final("KO"))
        await world.result()
        path = world.tracker.path(world.key)
        earlier = await client.get_workflow_handle(f"recheck/{path}/1").result()
        later = await client.get_workflow_handle(f"recheck/{path}/2").result()

    assert (earlier, later) == (0, 3)


async def test_ages_that_passed_while_files_were_waited_for_cause_one_read_at_completion(
    reopening: SkippedTime,
) -> None:
    world = reopening.world
    world.reader.files["portrait-1"] = ArtifactNotReady("later", retry_after=HOUR)
    world.reader.say(APPROVED_WITH_FILE)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.until(lambda record: record.verdict.revision == 1)
        world.reader.say(DECLINED)
        await reopening.passes(25 * HOUR)
        before = await world.record()
        world.reader.files["portrait-1"] = b"a portrait"
        record = await reopening.result()

    # It was open at the ages of an hour and of a day, and nothing read it.
    assert (before.verdict.decision, before.reads.count) == (Decision.APPROVED, 1)
    assert [(each.decision, each.cause) for each in record.verdict.revisions] == [
        (Decision.APPROVED, "callback"),
        (Decision.DECLINED, "recheck"),
    ]
    assert (record.verdict.stage, record.callbacks.missed, record.reads.count) == (Stage.COMPLETE, 1, 2)


async def test_what_the_backend_withdrew_is_not_read_again(reopening: SkippedTime) -> None:
    world = reopening.world
    async with world.workers():
        await world.register()
        await world.tracker.command(
            world.key, "withdraw", messages.Withdraw(author="anna"), command_id="w", within=timedelta(seconds=10)
        )
        await reopening.result()
        reads = world.reader.reads
        await reopening.passes(2 * HOUR)

    assert world.reader.reads == reads


async def test_a_verdict_that_a_late_callback_takes_back_is_waited_for(client: Client, tmp_path: Path) -> None:
    world = World(client, tmp_path, account=own_account(), plan=BY_CALLBACKS)
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        await world.hear(final("KO"))
        hurried = await world.until(lambda record: world.reader.reads >= 3)
        world.reader.say(DECLINED)
        record = await world.result()

    assert (hurried.verdict.revision, hurried.verdict.decision) == (1, Decision.APPROVED)
    assert (record.verdict.revision, record.verdict.decision) == (2, Decision.DECLINED)
    assert record.attention == ()


@pytest.mark.parametrize(
    ("heard", "attention"),
    [
        (final("KO"), [Attention.CONTRADICTION]),
        (StatusSeen(word="MANUAL_CHECK", looks="open"), []),
        (final("ok"), []),
    ],
)
async def test_a_late_word_that_no_read_confirms_takes_nothing_back(
    client: Client, tmp_path: Path, heard: StatusSeen, attention: list[Attention]
) -> None:
    world = World(client, tmp_path, account=own_account(), plan=BY_CALLBACKS)
    world.reader.say(APPROVED)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.result()
        await world.hear(heard)
        record = await world.result()

    assert (record.verdict.revision, record.verdict.outcome, record.callbacks.late) == (1, Outcome.DECIDED, 1)
    assert [note.reason for note in record.attention] == attention


RECORDING = RoomChanged(room="room-1", room_status="ended", file_ready=True, file_id="vf-1")


async def test_a_recording_that_is_announced_after_the_end_is_brought_home_by_a_follow_up_run(world: World) -> None:
    world.reader.say(APPROVED)
    world.reader.files["recording-vf-1"] = b"a call"
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        first = await world.result()
        await world.hear(RECORDING)
        record = await world.result()

    assert first.evidence == ()
    assert [(row.name, row.locator, row.state) for row in record.evidence] == [
        ("recording-vf-1", "vf-1", ArtifactState.STORED)
    ]
    assert record.verdict.revision == 1


async def test_a_recording_is_brought_home_when_it_is_available_although_the_session_goes_on_for_days(
    world: World,
) -> None:
    world.reader.say(STARTED)
    world.reader.files["recording-vf-1"] = b"a call"
    async with world.workers():
        await world.register()
        await world.hear(RoomChanged(room="room-1", room_status="ended", file_ready=False, file_id="vf-1"))
        waiting = await world.until(lambda record: record.reads.count > 0)
        await world.hear(RECORDING)
        early = await world.until(lambda record: record.evidence[0].state is ArtifactState.STORED)
        world.reader.say(APPROVED)
        await world.hear(final("OK"))
        record = await world.result()

    assert [(row.name, row.state) for row in waiting.evidence] == [("recording-vf-1", ArtifactState.EXPECTED)]
    assert (early.is_concluded, early.verdict.stage) == (False, "awaiting_applicant")
    assert [(row.name, row.state) for row in record.evidence] == [("recording-vf-1", ArtifactState.STORED)]
    assert early.evidence == record.evidence
    assert world.reader.downloads == 1


async def test_a_recording_whose_callback_was_lost_is_found_while_it_is_waited_for(
    client: Client, tmp_path: Path
) -> None:
    world = World(client, tmp_path, account=own_account(), plan=BY_CALLBACKS)
    world.reader.say(APPROVED)
    world.reader.files["recording-vf-1"] = b"a call"
    async with world.workers():
        await world.register()
        await world.hear(RoomChanged(room="room-1", room_status="ended"))
        await world.hear(final("OK"))
        waiting = await world.until(lambda record: record.is_concluded)
        rooms = (Room(room="room-1", status="ended", file_ready=True, file_id="vf-1"),)
        world.reader.say(APPROVED.model_copy(update={"rooms": rooms}))
        record = await world.result()

    assert [(row.name, row.state) for row in waiting.evidence] == [("room-room-1", ArtifactState.EXPECTED)]
    assert [(row.name, row.state) for row in record.evidence] == [("recording-vf-1", ArtifactState.STORED)]


async def test_several_rooms_are_followed_each_by_itself_and_an_empty_one_ends_its_wait(world: World) -> None:
    world.reader.say(APPROVED)
    world.reader.files |= {"recording-vf-1": b"one", "recording-vf-2": b"two"}
    async with world.workers():
        await world.register()
        await world.hear(RoomChanged(room="room-3", room_status="ended"))
        await world.hear(RoomChanged(room="room-2", room_status="ended", file_ready=True, file_id="vf-2"))
        await world.hear(RECORDING)
        await world.hear(final("OK"))
        waiting = await world.until(
            lambda record: sum(row.state is ArtifactState.STORED for row in record.evidence) == 2
        )
        await world.hear(RoomChanged(room="room-3", room_status="empty"))
        record = await world.result()

    assert {row.name for row in waiting.evidence} == {"recording-vf-1", "recording-vf-2", "room-room-3"}
    assert {row.name for row in record.evidence} == {"recording-vf-1", "recording-vf-2"}


async def test_a_recording_that_nothing_names_asks_for_a_person_until_something_does(world: World) -> None:
    spoken_of = APPROVED.model_copy(update={"has_unaddressed_recording": True})
    world.reader.say(spoken_of)
    world.reader.files["recording-vf-1"] = b"a call"
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        before = await world.result()
        named = Artifact(name="recording-vf-1", kind=EvidenceKind.CALL_RECORDING, locator="vf-1")
        world.reader.say(spoken_of.model_copy(update={"artifacts": (named,)}))
        await world.hear(final("OK"))
        after = await world.result()

    assert [note.reason for note in before.attention] == [Attention.RECORDING_UNADDRESSED]
    assert after.attention == ()


def says(word: str) -> Snapshot:
    return snapshot_of({"result": word})


@pytest.fixture
def identomat(skipped: SkippedTime) -> SkippedTime:
    skipped.with_plan(IDENTOMAT.tracking)
    return skipped


async def test_identomat_reopens_what_it_approved_and_rejects_it_as_its_callbacks_announce(world: World) -> None:
    world = world.with_plan(quick(IDENTOMAT.tracking))
    async with world.workers():
        await world.register()
        world.reader.say(says("approved"))
        await world.hear(StatusSeen(word="APPROVED", looks="final"))
        await world.result()
        world.reader.say(says("additional_information_requested"))
        await world.hear(StatusSeen(word="ADDITIONAL_INFORMATION_REQUESTED", looks="open"))
        reopened = await world.until(lambda record: record.verdict.revision == 2)
        world.reader.say(says("in_progress"))
        started_because = await world.until(
            lambda record: record.reads.snapshot is not None and record.reads.snapshot.word == "in_progress"
        )
        world.reader.say(says("rejected"))
        await world.hear(StatusSeen(word="REJECTED", looks="final"))
        record = await world.result()

    assert (reopened.verdict.stage, reopened.verdict.decision, reopened.verdict.outcome) == (
        Stage.AWAITING_APPLICANT,
        None,
        None,
    )
    assert (started_because.verdict.stage, started_because.verdict.revision) == (Stage.AWAITING_APPLICANT, 2)
    assert [revision.decision for revision in record.verdict.revisions] == [Decision.APPROVED, None, Decision.DECLINED]
    assert record.callbacks.missed == 0
    assert record.attention == ()


@pytest.mark.parametrize("age", [HOUR, DAY])
async def test_identomat_reopens_and_rejects_without_a_word_of_it(identomat: SkippedTime, age: timedelta) -> None:
    world = identomat.world
    async with world.workers():
        await _reopened_unheard(identomat, age)
        world.reader.say(says("in_progress"))
        await identomat.passes(10 * MINUTE)
        world.reader.say(says("rejected"))
        record = await identomat.result()

    assert [revision.decision for revision in record.verdict.revisions] == [Decision.APPROVED, None, Decision.DECLINED]
    assert [revision.cause for revision in record.verdict.revisions] == ["poll", "recheck", "poll"]
    assert record.callbacks.received == 0
    assert record.attention == ()


async def test_identomat_is_read_again_after_a_week(identomat: SkippedTime) -> None:
    async with identomat.world.workers():
        reopened = await _reopened_unheard(identomat, 7 * DAY)

    assert (reopened.verdict.stage, reopened.verdict.decision, reopened.verdict.outcome) == (
        Stage.AWAITING_APPLICANT,
        None,
        None,
    )


async def _reopened_unheard(identomat: SkippedTime, age: timedelta) -> Record:
    """Have a session approved, and asked for more shortly before it is as old as it is read again."""
    world = identomat.world
    await world.register()
    world.reader.say(says("approved"))
    decided_at = (await identomat.result()).verdict.decided_at
    assert decided_at is not None
    await identomat.passes(decided_at + age - MINUTE - await world.now())
    world.reader.say(says("additional_information_requested"))
    await identomat.passes(MINUTE + SECOND)
    return await world.until(lambda record: record.verdict.revision == 2)


async def test_an_expiry_that_no_callback_announced_may_be_reopened_unannounced_too(identomat: SkippedTime) -> None:
    world = identomat.world
    async with world.workers():
        await world.register()
        world.reader.say(says("expired"))
        first = await identomat.result()
        world.reader.say(says("in_progress"))
        await identomat.passes(HOUR + MINUTE)
        await world.until(lambda record: record.verdict.revision == 2)
        world.reader.say(says("approved"))
        record = await identomat.result()

    assert (first.verdict.outcome, first.verdict.decision) == (Outcome.EXPIRED, None)
    assert (record.verdict.outcome, record.verdict.decision, record.verdict.revision) == (
        Outcome.DECIDED,
        Decision.APPROVED,
        3,
    )
