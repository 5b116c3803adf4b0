"""No edit makes a record, or what is asked of a provider, larger than its own JSON may be."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.domain.samples import APPROVED, PLAN, SECOND, T0, callback_event, fresh, read, registration, status, step
from vigil.domain.callback_event import RoomChanged
from vigil.domain.callbacks import apply_callback, apply_registration, note_replay
from vigil.domain.record import Record, Replay
from vigil.domain.snapshot import ReadRequest
from vigil.domain.terms import Instant

INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
MANY = [f"name-{number:02}" for number in range(12)]


def survives(record: Record) -> bool:
    """Whether the next run, and an activity, can read what this one writes."""
    question = record.question(PLAN.model_copy(update={"details_in_callbacks": True}))
    is_read = Record.model_validate_json(record.model_dump_json()) == record
    return is_read and ReadRequest.model_validate_json(question.model_dump_json()) == question


def test_contradicting_coordinates_are_bounded() -> None:
    record = fresh()
    for number in range(9):
        told = dict.fromkeys(MANY, f"x-{number}")
        record = apply_callback(
            record, callback_event(status("OK")).model_copy(update={"coordinates": dict(list(told.items())[:8])})
        )
    assert len(record.question(PLAN).alternatives) == 3
    assert survives(record)


def test_of_many_coordinates_the_eight_least_are_kept_in_any_order() -> None:
    one, other = (
        callback_event(status("OK")).model_copy(update={"coordinates": dict.fromkeys(names, "x")})
        for names in (MANY[4:12], MANY[0:8])
    )
    records = [apply_callback(apply_callback(fresh(), first), second) for first, second in permutations([one, other])]
    assert [list(record.subject.coordinates) for record in records] == [MANY[:8], MANY[:8]]
    assert all(map(survives, records))


def test_registered_coordinates_leave_room_for_as_many_others_as_a_question_holds() -> None:
    told = callback_event(status("OK")).model_copy(update={"coordinates": {"user_id": "u-1", "job_type": "6"}})
    record = apply_registration(
        apply_callback(fresh(), told), registration(coordinates=dict.fromkeys(MANY[:7], "x")), plan=PLAN
    )
    assert sorted(record.question(PLAN).coordinates) == ["job_type", *MANY[:7]]
    assert survives(record)


def test_what_is_replayed_again_is_remembered_once() -> None:
    record = fresh()
    for what in (Replay.LINKS, Replay.DETAILS, Replay.LINKS):
        record = note_replay(record, what, at=T0)
    assert record.reads.replayed == (Replay.LINKS, Replay.DETAILS)
    assert survives(record)


def test_a_record_of_more_than_it_can_hold_survives_its_json() -> None:
    record = read(fresh(), APPROVED)
    for number in range(250):
        at = T0 + number * SECOND
        room = RoomChanged(room=f"r-{number}", room_status="ended", file_ready=True, file_id=f"vf-{number}")
        seen = callback_event(room, at=at).model_copy(
            update={"receipt": f"receipts/{number}", "unknown_fields": (f"field-{number}",)}
        )
        record = apply_callback(record, seen)
        record = apply_callback(record, callback_event(step(number, 250, f"step-{number}"), at=at))
    assert survives(record)


@pytest.mark.parametrize(
    "instant",
    [
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-5))),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
        datetime(9000, 1, 1, tzinfo=UTC),
    ],
)
def test_an_instant_to_which_no_duration_can_be_added_is_refused(instant: datetime) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(instant)


def test_the_latest_deadline_with_the_lag_of_a_provider_is_still_an_instant() -> None:
    lagging = PLAN.model_copy(update={"deadline_lag": timedelta(days=14)})
    latest = datetime(8999, 12, 31, 23, 59, tzinfo=UTC)
    record = apply_registration(fresh(), registration(deadline_at=latest), plan=lagging)
    assert record.verdict.deadline_at == datetime(8999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert Record.model_validate_json(record.model_dump_json()) == record
