"""What happens by time alone, on a server that skips it."""

from datetime import timedelta

import pytest

from tests.workflows.conftest import SkippedTime
from tests.world import APPROVED, APPROVED_WITH_FILE, STARTED, final, step
from vigil.domain.errors import ArtifactNotReady, ProviderRefusesUs, ReferenceUnknown
from vigil.domain.snapshot import Answer
from vigil.domain.terms import ArtifactState, Attention, Basis, Decision, Outcome
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE
from vigil.providers.contract import ProviderResponse
from vigil.providers.id360.senders import CONTRACT
from vigil.temporal import messages

DELETED_AFTER = 15 * MINUTE
WITHOUT_LAG = CONTRACT.tracking.model_copy(update={"deadline_lag": timedelta(0)})
BEFORE_THE_FIRST_POLL = 5 * MINUTE
DELETING = CONTRACT.tracking.model_copy(update={"not_found_is_deleted_after": DELETED_AFTER})


def reasons(record: object) -> set[Attention]:
    return {note.reason for note in record.attention}  # type: ignore[attr-defined]


async def test_a_lost_callback_is_found_by_polling_within_the_time_its_contract_names(skipped: SkippedTime) -> None:
    world = skipped.world
    async with world.workers():
        await world.register()
        started_at = await world.now()
        await skipped.passes(2 * MINUTE)
        world.reader.say(APPROVED)
        record = await skipped.result()

    assert (record.verdict.decision, record.verdict.basis, record.callbacks.missed) == (
        Decision.APPROVED,
        Basis.READ,
        1,
    )
    assert record.verdict.decided_at is not None
    assert record.verdict.decided_at - started_at <= world.plan.found_within()
    assert record.callbacks.received == 0


async def test_nothing_is_asked_before_a_callback_is_overdue(skipped: SkippedTime) -> None:
    world = skipped.world
    async with world.workers():
        await world.register()
        await skipped.passes(world.plan.callback_expected_within - MINUTE)
        asked_early = world.reader.reads
        await skipped.passes(2 * MINUTE)

        assert (asked_early, world.reader.reads) == (0, 1)


async def test_the_deadline_ends_it_only_after_a_last_read(skipped: SkippedTime) -> None:
    world = skipped.with_plan(WITHOUT_LAG)
    async with world.workers():
        deadline_at = await world.now() + BEFORE_THE_FIRST_POLL
        await world.register(deadline_at=deadline_at)
        await skipped.passes(BEFORE_THE_FIRST_POLL - MINUTE)
        reads_before = world.reader.reads
        record = await skipped.result()

    assert (record.verdict.outcome, record.verdict.basis, record.verdict.decision) == (
        Outcome.TIMED_OUT,
        Basis.DEADLINE,
        None,
    )
    assert record.verdict.decided_at is not None
    assert timedelta(0) <= record.verdict.decided_at - deadline_at < MINUTE
    assert (reads_before, world.reader.reads) == (0, 1)
    assert reasons(record) == {Attention.OVERDUE_APPLICANT}
    assert record.verdict.revisions[-1].cause == "deadline"


async def test_what_the_last_read_reports_beats_the_deadline(skipped: SkippedTime) -> None:
    world = skipped.with_plan(WITHOUT_LAG)
    async with world.workers():
        await world.register(deadline_at=await world.now() + BEFORE_THE_FIRST_POLL)
        await skipped.passes(BEFORE_THE_FIRST_POLL - MINUTE)
        world.reader.say(APPROVED)
        record = await skipped.result()

    assert (record.verdict.outcome, record.verdict.decision) == (Outcome.DECIDED, Decision.APPROVED)
    assert world.reader.reads == 1
    # No callback announced the verdict, and our own last read found it.
    assert (record.verdict.revisions[-1].cause, record.callbacks.missed) == ("deadline", 1)


@pytest.mark.parametrize("first", ["callback", "command"])
async def test_a_read_that_a_callback_and_a_person_ask_for_is_caused_by_the_callback(
    skipped: SkippedTime, first: str
) -> None:
    plan = CONTRACT.tracking.model_copy(update={"min_read_interval": MINUTE, "confirmation_every": HOUR})
    world = skipped.with_plan(plan)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await world.until(lambda record: record.reads.count == 1)
        world.reader.say(APPROVED)
        if first == "callback":
            await world.hear(final("OK"))
        await world.tracker.command(
            world.key, "poll_now", messages.PollNow(author="ann"), command_id="1", within=timedelta(seconds=10)
        )
        if first == "command":
            await world.hear(final("OK"))
        record = await skipped.result()

    assert [revision.cause for revision in record.verdict.revisions] == ["callback"]


async def test_an_announced_end_that_no_read_contradicts_is_accepted_after_its_window(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.says = ProviderResponse(snapshot=None, word="http_202")
    async with world.workers():
        await world.register()
        heard_at = await world.now()
        await world.hear(final("CANCELED", ended=Outcome.CANCELED))
        record = await skipped.result()

    assert (record.verdict.outcome, record.verdict.basis) == (Outcome.CANCELED, Basis.CALLBACK)
    assert record.verdict.decided_at is not None
    assert record.verdict.decided_at - heard_at >= world.plan.confirmation_window
    assert Attention.UNCONFIRMED_END in reasons(record)
    # Once a minute for half an hour, and once at its end.
    assert 25 <= world.reader.reads <= 34


async def test_an_announced_decision_is_never_taken_from_the_callback(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.says = ProviderResponse(snapshot=None, word="http_202")
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await skipped.passes(world.plan.confirmation_window + 2 * MINUTE)
        open_record = await world.record()
        world.reader.say(APPROVED)
        record = await skipped.result()

    assert open_record.verdict.outcome is None
    assert reasons(open_record) == {Attention.CONTRADICTION}
    assert (record.verdict.decision, record.verdict.basis) == (Decision.APPROVED, Basis.READ)


async def test_a_lagging_report_is_read_again_at_short_intervals(skipped: SkippedTime) -> None:
    world = skipped.world
    async with world.workers():
        await world.register()
        heard_at = await world.now()
        await world.hear(final("OK"))
        await skipped.passes(timedelta(minutes=3))
        world.reader.say(APPROVED)
        record = await skipped.result()

    assert record.verdict.decided_at is not None
    assert record.verdict.decided_at - heard_at <= timedelta(minutes=4, seconds=10)


async def test_however_many_callbacks_wake_it_the_provider_is_read_once_in_each_interval(skipped: SkippedTime) -> None:
    plan = CONTRACT.tracking.model_copy(update={"min_read_interval": MINUTE, "confirmation_every": HOUR})
    world = skipped.with_plan(plan)
    world.reader.says = ProviderResponse(snapshot=None, word="http_202")
    async with world.workers():
        await world.register()
        reads = []
        for _ in range(4):
            await world.hear(final("OK"))
            await skipped.passes(timedelta(seconds=10))
            reads.append(world.reader.reads)
        await skipped.passes(MINUTE)
        reads.append(world.reader.reads)

    assert reads == [1, 1, 1, 1, 2]


async def test_nobody_registered_and_the_provider_denies_it_so_it_ends_unknown_after_the_grace(
    skipped: SkippedTime,
) -> None:
    world = skipped.world
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.hear(final("OK"))
        record = await skipped.result()

    assert record.verdict.outcome is Outcome.UNKNOWN_TO_PROVIDER
    assert record.verdict.decided_at is not None
    assert record.verdict.decided_at - record.opened_at >= world.plan.registration_grace
    assert Attention.NEVER_REGISTERED in reasons(record)


async def test_an_announced_end_outlives_the_grace_though_the_provider_denies_it(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.hear(final("CANCELED", ended=Outcome.CANCELED))
        await skipped.passes(world.plan.registration_grace + MINUTE)
        before = await world.record()
        await world.register()
        record = await skipped.result()

    assert (before.verdict.outcome, Attention.NEVER_REGISTERED in reasons(before)) == (None, True)
    assert (record.verdict.outcome, record.verdict.revision, record.verdict.basis) == (
        Outcome.CANCELED,
        1,
        Basis.CALLBACK,
    )


async def test_a_registered_one_that_the_provider_does_not_know_yet_goes_on(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.register()
        await skipped.passes(timedelta(hours=5))
        still_open = await world.record()
        world.reader.say(APPROVED)
        record = await skipped.result()

    assert still_open.verdict.outcome is None
    assert still_open.reads.last is not None
    assert still_open.reads.last.answer is Answer.NOT_FOUND
    assert record.verdict.decision is Decision.APPROVED


async def test_an_unregistered_one_that_the_provider_knows_is_followed_and_asks_for_its_registration(
    skipped: SkippedTime,
) -> None:
    world = skipped.world
    async with world.workers():
        await world.hear(step(1, "id_document"))
        await skipped.passes(world.plan.registration_grace + MINUTE)
        followed = await world.record()
        await world.register()
        await skipped.passes(MINUTE)
        registered = await world.record()

    assert followed.verdict.outcome is None
    assert reasons(followed) == {Attention.NEVER_REGISTERED}
    assert reasons(registered) == set()


async def test_a_provider_that_refuses_us_is_an_attention_that_goes_when_it_answers_again(
    skipped: SkippedTime,
) -> None:
    world = skipped.world
    world.reader.says = ProviderRefusesUs("http_403")
    async with world.workers():
        await world.register()
        await skipped.passes(world.plan.callback_expected_within + MINUTE)
        refused = await world.record()
        world.reader.say(APPROVED)
        record = await skipped.result()

    assert reasons(refused) == {Attention.PROVIDER_REFUSES_US}
    assert reasons(record) == set()
    assert record.verdict.decision is Decision.APPROVED


async def test_polls_widen_with_the_age_of_the_stage(skipped: SkippedTime) -> None:
    world = skipped.world
    async with world.workers():
        await world.register()
        await skipped.passes(timedelta(hours=6))
        first = world.reader.reads
        await skipped.passes(timedelta(hours=6))
        second = world.reader.reads - first
        await skipped.passes(3 * DAY)
        before = world.reader.reads
        await skipped.passes(timedelta(hours=12))
        third = world.reader.reads - before

    # Every 5 min with up to a tenth of jitter, then every 15 min, then every hour.
    assert 60 <= first <= 71
    assert 20 <= second <= 26
    assert 10 <= third <= 13


async def test_one_that_a_discovery_found_and_the_provider_denies_ends_with_the_grace(skipped: SkippedTime) -> None:
    world = skipped.with_plan(CONTRACT.tracking.model_copy(update={"callback_expected_within": 2 * MINUTE}))
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.tracker.start_discovered(world.key)
        await skipped.passes(world.plan.registration_grace + MINUTE)
        record = await world.record()

    assert record.verdict.outcome is Outcome.UNKNOWN_TO_PROVIDER


async def test_one_that_is_not_found_for_a_minute_stays_open(skipped: SkippedTime) -> None:
    world = skipped.with_plan(DELETING)
    async with world.workers():
        await world.register()
        await skipped.passes(20 * MINUTE)
        world.reader.says = ReferenceUnknown("http_404")
        await skipped.passes(6 * MINUTE)
        missing = await world.record()
        world.reader.say(STARTED)
        await skipped.passes(HOUR)
        record = await world.record()

    assert reasons(missing) == {Attention.DISAPPEARED}
    assert (record.verdict.outcome, record.verdict.revision, reasons(record)) == (None, 0, set())


async def test_the_backend_is_asked_about_a_reference_that_the_provider_never_knew(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.register()
        await skipped.passes(20 * MINUTE)
        early = await world.record()
        await skipped.passes(DAY)
        late = await world.record()
        world.reader.say(STARTED)
        await skipped.passes(DAY)
        known = await world.record()

    assert [reasons(each) for each in (early, late, known)] == [set(), {Attention.REFERENCE_NOT_FOUND}, set()]
    assert early.verdict.outcome is None


@pytest.mark.parametrize("rings", [False, True])
async def test_one_that_is_not_found_for_long_was_deleted(skipped: SkippedTime, *, rings: bool) -> None:
    world = skipped.with_plan(DELETING)
    async with world.workers():
        await world.register()
        await skipped.passes(20 * MINUTE)
        world.reader.says = ReferenceUnknown("http_404")
        missing_at = await world.now()
        if rings:
            await world.hear(final("OK"))
        record = await skipped.result()

    assert (record.verdict.outcome, record.verdict.revision) == (Outcome.UNKNOWN_TO_PROVIDER, 1)
    assert record.verdict.decided_at is not None
    assert DELETED_AFTER <= record.verdict.decided_at - missing_at <= HOUR


async def test_one_whose_announced_end_no_read_can_confirm_any_longer_has_that_end(skipped: SkippedTime) -> None:
    world = skipped.with_plan(DELETING)
    async with world.workers():
        await world.register()
        await skipped.passes(20 * MINUTE)
        world.reader.says = ReferenceUnknown("http_404")
        await world.hear(final("CANCELED", ended=Outcome.CANCELED))
        record = await skipped.result()

    assert (record.verdict.outcome, record.verdict.basis, record.verdict.revision) == (
        Outcome.CANCELED,
        Basis.CALLBACK,
        1,
    )


async def test_the_files_of_one_that_is_not_found_for_a_minute_still_come(skipped: SkippedTime) -> None:
    world = skipped.with_plan(DELETING)
    world.reader.say(APPROVED_WITH_FILE)
    world.reader.files["portrait-1"] = ArtifactNotReady("http_204", retry_after=MINUTE)
    async with world.workers():
        await world.register()
        await world.hear(final("OK"))
        await skipped.passes(2 * MINUTE)
        world.reader.says = ReferenceUnknown("http_404")
        await world.hear(final("OK"))
        await skipped.passes(2 * MINUTE)
        world.reader.files["portrait-1"] = b"a portrait"
        record = await skipped.result()

    assert [row.state for row in record.evidence] == [ArtifactState.STORED]


async def test_one_that_we_gave_up_is_asked_about_at_once_when_it_is_registered(skipped: SkippedTime) -> None:
    world = skipped.world
    world.reader.says = ReferenceUnknown("http_404")
    async with world.workers():
        await world.hear(final("OK"))
        given_up = await skipped.result()
        world.reader.say(APPROVED)
        registered_at = await world.now()
        await world.register()
        record = await skipped.result()

    assert given_up.verdict.outcome is Outcome.UNKNOWN_TO_PROVIDER
    assert (record.verdict.decision, record.callbacks.missed) == (Decision.APPROVED, 0)
    assert [revision.cause for revision in record.verdict.revisions] == ["deadline", "registration", "registration"]
    assert record.verdict.decided_at is not None
    assert record.verdict.decided_at - registered_at < MINUTE
