"""What a record holds, and how large it may become."""

from datetime import timedelta

import pytest

from tests.domain import courses
from tests.domain.samples import (
    APPROVED,
    DIGESTER,
    HOUR_LATER,
    PLAN,
    SECOND,
    STARTED,
    T0,
    callback_event,
    fresh,
    read,
    registration,
    status,
    step,
    told,
)
from vigil.domain.callback_event import StatusSeen
from vigil.domain.callbacks import apply_callback, apply_registration
from vigil.domain.decisions import apply_read
from vigil.domain.evidence import EvidenceRow
from vigil.domain.log import EntryKind
from vigil.domain.progress import merge_checks
from vigil.domain.record import Record
from vigil.domain.record_edits import add_attention, add_log_entry, apply_ledger, complete
from vigil.domain.snapshot import Check
from vigil.domain.summary import Summary, summarize
from vigil.domain.terms import ArtifactState, Attention, CheckKind, CheckStatus, LossReason, Stage
from vigil.domain.verdict import Cause


def _as_stored(row: EvidenceRow) -> EvidenceRow:
    digest = DIGESTER.digest("file", row.name)
    return EvidenceRow(
        name=row.name,
        kind=row.kind,
        locator=row.locator,
        state=ArtifactState.STORED,
        size=2_345_678,
        digest=digest,
        media_type="image/jpeg",
        stored_as=f"verifications/acme/v-1/artifacts/{digest}",
        at=HOUR_LATER,
    )


def _complete() -> Record:
    """One that was registered, heard eight times and twice again, read three times, and brought home."""
    signed = registration(correlation="a" * 32, applicant="b" * 32, notify=("orders",), deadline_at=HOUR_LATER)
    record = apply_registration(fresh(), signed, plan=PLAN)
    for k, one in enumerate((*courses.APPROVED.callback_events(), *courses.APPROVED.callback_events()[-2:])):
        receipt = f"verifications/acme/v-1/receipts/20310304T090000.{k:06}Z-0123456789abcdef"
        record = apply_callback(record, one.model_copy(update={"receipt": receipt}))
    for k, snapshot in enumerate(courses.APPROVED.answers):
        digest = DIGESTER.digest("result", str(k))
        result = {"result": f"verifications/acme/v-1/results/{digest}", "result_digest": digest}
        reading = told(snapshot.model_copy(update=result), at=T0 + k * SECOND)
        record = apply_read(record, reading, plan=PLAN, cause=Cause.CALLBACK)
    record = add_attention(record, Attention.UNPROVEN_CALLBACKS, at=T0)
    stored = apply_ledger(record, tuple(_as_stored(row) for row in record.evidence), at=HOUR_LATER)
    return complete(stored, at=HOUR_LATER)


def test_a_loss_asks_for_a_person_until_the_file_is_there_after_all() -> None:
    record = _complete()
    lost = apply_ledger(record, tuple(row.lost(LossReason.LINK_EXPIRED, T0) for row in record.evidence), at=T0)
    half = apply_ledger(lost, (*record.evidence[:1], *lost.evidence[1:]), at=T0)
    whole = apply_ledger(half, record.evidence, at=T0)

    asked = [Attention.EVIDENCE_LOST in {note.reason for note in each.attention} for each in (lost, half, whole)]
    assert asked == [True, True, False]


def test_a_complete_record_is_under_16_kib_as_json() -> None:
    record = _complete()
    assert (record.verdict.stage, record.verdict.decision, record.steps) == (Stage.COMPLETE, "approved", (7, 7))
    assert len(record.model_dump_json().encode()) < 16 * 1024


def test_a_summary_is_under_2_kib_as_json() -> None:
    assert len(summarize(_complete(), PLAN).model_dump_json().encode()) < 2 * 1024


def test_a_summary_with_every_attention_is_under_2_kib_as_json() -> None:
    record = _complete()
    for reason in Attention:
        record = add_attention(record, reason, at=T0)
    assert len(summarize(record, PLAN).model_dump_json().encode()) < 2 * 1024


def test_a_record_survives_the_way_through_json() -> None:
    record = _complete()
    assert Record.model_validate_json(record.model_dump_json()) == record


def test_a_full_timeline_folds_into_a_count_and_keeps_its_beginning_and_its_end() -> None:
    record = fresh()
    for k in range(1000):
        record = add_log_entry(record, EntryKind.CALLBACK, at=T0, words=(f"word-{k}",))
        assert len(record.log.entries) <= 100
        assert len(record.log.entries) + record.log.folded == k + 2
    assert record.log.entries[0].kind == "opened"
    assert record.log.entries[1].words == ("word-0",)
    assert record.log.entries[-1].words == ("word-999",)


def test_at_most_64_identities_are_kept_and_they_are_the_last_received() -> None:
    record = fresh()
    for k in range(200):
        one = callback_event(step(k, 200, "phone"), at=T0 + k * SECOND)
        record = apply_callback(record, one)
    assert record.callbacks.received == 200
    assert len(record.callbacks.identities) == 64
    assert min(seen.last_at for seen in record.callbacks.identities) == T0 + 136 * SECOND


def test_unknown_fields_are_counted_once_for_each_callback_and_for_at_most_20_names() -> None:
    record = fresh()
    for k in range(30):
        odd = callback_event(step(1, 2, "phone")).model_copy(
            update={"unknown_fields": (f"field-{k}", "field-0", "field-0")}
        )
        record = apply_callback(record, odd)
    assert len(record.callbacks.unknown_fields) == 20
    assert record.callbacks.unknown_fields["field-0"] == 30


def test_at_most_8_announcements_are_kept() -> None:
    record = fresh()
    for k in range(20):
        record = apply_callback(record, callback_event(StatusSeen(word=f"END-{k}", looks="final")))
    assert len(record.callbacks.announcements) == 8


def test_a_record_with_the_most_it_may_hold_can_be_read_again() -> None:
    record = fresh()
    for k in range(120):
        answer = courses.DECLINED.answers[-1] if k % 2 else courses.APPROVED.answers[-1]
        record = read(record, answer, at=T0 + timedelta(minutes=k))
        record = apply_callback(record, callback_event(step(k, 200, f"step-{k}"), at=T0 + timedelta(minutes=k)))
    assert record.verdict.revision == 120
    assert len(record.verdict.revisions) == 100
    assert Record.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    ("one", "other", "stays"),
    [
        (CheckStatus.FAILED, CheckStatus.PASSED, "passed"),
        (CheckStatus.UNRECOGNISED, CheckStatus.FAILED, "failed"),
        (CheckStatus.UNDER_REVIEW, CheckStatus.UNCLEAR, "unclear"),
        (CheckStatus.NOT_DONE, CheckStatus.UNDER_REVIEW, "under_review"),
    ],
)
def test_of_two_statuses_of_a_check_the_later_in_its_life_stays_in_either_order(
    one: CheckStatus, other: CheckStatus, stays: str
) -> None:
    first, second = (Check(kind=CheckKind.LIVENESS, name="liveness", status=says) for says in (one, other))
    assert [check.status for check in merge_checks((first,), (second,))] == [stays]
    assert [check.status for check in merge_checks((second,), (first,))] == [stays]


def test_a_step_without_a_name_adds_to_the_count_and_no_check() -> None:
    progress = fresh().callbacks.progress.add(step(3, 7, "phone").model_copy(update={"name": None}))
    assert (progress.done, progress.total, progress.checks) == (3, 7, ())


def test_an_open_answer_and_callbacks_together_report_of_steps_and_checks() -> None:
    record = apply_callback(fresh(), callback_event(step(2, 7, "phone")))
    record = read(record, STARTED.model_copy(update={"steps_done": 1, "steps_total": 7}))
    assert record.steps == (2, 7)
    assert [check.name for check in record.checks] == ["phone"]


def test_a_concluded_answer_is_the_whole() -> None:
    record = read(apply_callback(fresh(), callback_event(step(2, 7, "phone"))), courses.CANCELED.answers[-1])
    assert (record.judgement().steps, record.checks) == ((0, 0), ())


def test_a_total_never_shrinks() -> None:
    report = courses.CANCELED.answers[-1].model_copy(update={"steps_done": 3, "steps_total": 3})
    record = read(apply_callback(fresh(), callback_event(step(3, 7, "phone"))), report)
    assert (record.steps, record.judgement().steps) == ((3, 7), (3, 3))


def test_a_lone_final_callback_shows_the_steps_that_it_counts() -> None:
    seen = status("OK").model_copy(update={"done": 7, "total": 7})
    record = read(apply_callback(fresh(), callback_event(seen)), APPROVED)
    assert (record.steps, record.judgement().steps) == ((7, 7), (0, 0))


def test_a_record_remembers_what_its_last_question_brought() -> None:
    assert fresh().known is None
    record = read(fresh(), STARTED)
    assert record.known is not None
    assert record.known.snapshot == STARTED


def _published() -> Summary:
    return summarize(_complete(), PLAN)


@pytest.mark.parametrize("changes", [{"sequence": 9}, {"heard": 99}, {"last_callback_at": HOUR_LATER}])
def test_counters_alone_are_no_news(changes: dict[str, object]) -> None:
    assert _published().publishes_the_same_as(_published().model_copy(update=changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": Stage.PROCESSING},
        {"decision": None},
        {"outcome": None},
        {"revision": 2},
        {"attention": ()},
        {"steps": (6, 7)},
        {"evidence": {}},
        {"deadline_at": T0},
        {"registered": False},
        {"timers": {"late_files": T0}},
    ],
)
def test_everything_else_in_a_summary_is_news(changes: dict[str, object]) -> None:
    assert not _published().publishes_the_same_as(_published().model_copy(update=changes))


def test_a_summary_of_a_later_version_is_read_by_this_one() -> None:
    later = _published().model_dump(mode="json") | {"a_field_of_tomorrow": 1}

    assert Summary.model_validate(later) == _published()


def test_timers_alone_are_no_news_after_a_summary_of_a_version_that_published_none() -> None:
    earlier = _published().model_copy(update={"timers": None})

    assert _published().publishes_the_same_as(earlier)


@pytest.mark.parametrize(
    ("asked_for", "kept"),
    [
        (Cause.POLL, Cause.DEADLINE),
        (Cause.DEADLINE, Cause.CALLBACK),
        (Cause.COMMAND, Cause.CALLBACK),
        (Cause.CALLBACK, Cause.CALLBACK),
        (Cause.DISCOVERY, Cause.REGISTRATION),
    ],
)
def test_a_read_that_two_causes_ask_for_has_the_stronger_one_in_either_order(asked_for: Cause, kept: Cause) -> None:
    assert asked_for.or_stronger(kept) is kept
    assert kept.or_stronger(asked_for) is kept
    assert kept.or_stronger(None) is kept
