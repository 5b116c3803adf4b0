"""What callbacks, reads and a registration make of the ledger, in any order, and which losses ask a person."""

from itertools import permutations

import pytest

from tests.domain.samples import (
    APPROVED,
    PLAN,
    PORTRAIT,
    REOPENING_PLAN,
    STARTED,
    T0,
    callback_event,
    fresh,
    read,
    registration,
)
from vigil.domain.callback_event import RoomChanged
from vigil.domain.callbacks import apply_callback, apply_registration
from vigil.domain.record import Record
from vigil.domain.record_edits import apply_ledger, give_up_files
from vigil.domain.registration import Registration
from vigil.domain.snapshot import Artifact, Room, Snapshot
from vigil.domain.terms import ArtifactState, Attention, EvidenceKind, LossReason
from vigil.domain.tracking_plan import DAY, HOUR

EXPECTING = registration(expects=(EvidenceKind.CALL_RECORDING,))
ENDED = RoomChanged(room="r1", room_status="ended")
EMPTY = RoomChanged(room="r1", room_status="empty")
FILE = RoomChanged(room="r1", room_status="ended", file_ready=True, file_id="vf-1")
NOT_READY = Artifact(name="call-1", kind=EvidenceKind.CALL_RECORDING, locator="call-1", ready=False)
AWAITED = [("expected-call_recording", "expected", None)]
Event = Registration | RoomChanged | Snapshot


def after(*events: Event) -> Record:
    record = fresh()
    for event in events:
        match event:
            case Registration():
                record = apply_registration(record, event, plan=PLAN)
            case RoomChanged():
                record = apply_callback(record, callback_event(event))
            case Snapshot():
                record = read(record, event)
    return record


def ledger(record: Record) -> list[tuple[str, str, str | None]]:
    return [(row.name, row.state, row.loss) for row in record.evidence]


def is_asked_for_a_loss(record: Record) -> bool:
    return Attention.EVIDENCE_LOST in {note.reason for note in record.attention}


def stored(record: Record, name: str) -> Record:
    """Return the record after the download of one file."""
    rows = tuple(
        row.model_copy(update={"state": ArtifactState.STORED, "loss": None}) if row.name == name else row
        for row in record.evidence
    )
    return apply_ledger(record, rows, at=T0)


@pytest.mark.parametrize(
    ("room", "state"),
    [
        (FILE, "available"),
        (FILE.model_copy(update={"file_ready": None}), "available"),
        (FILE.model_copy(update={"file_ready": False}), "expected"),
    ],
)
def test_a_named_recording_is_downloaded_unless_it_is_said_not_to_be_ready(room: RoomChanged, state: str) -> None:
    assert ledger(after(room)) == [("recording-vf-1", state, None)]
    assert ledger(after(room, FILE)) == [("recording-vf-1", "available", None)]


def test_a_recording_that_was_not_delivered_is_requested_again_when_it_is_listed_again() -> None:
    record = give_up_files(after(FILE), LossReason.NOT_DELIVERED, at=T0)
    assert ledger(record) == [("recording-vf-1", "lost", "not_delivered")]
    assert ledger(apply_callback(record, callback_event(FILE))) == [("recording-vf-1", "available", None)]


def test_a_recording_that_was_stored_while_the_session_was_open_stays_stored() -> None:
    record = stored(after(FILE), "recording-vf-1")
    assert ledger(read(read(record, STARTED), APPROVED)) == [("recording-vf-1", "stored", None)]


PICTURE = Artifact(name="card-front", kind=EvidenceKind.DOCUMENT_FRONT, locator="card-front", per_round=True)
FOUND = APPROVED.model_copy(update={"artifacts": (PICTURE, PORTRAIT)})


def second_round(record: Record) -> Record:
    return read(read(record, STARTED, plan=REOPENING_PLAN), FOUND, plan=REOPENING_PLAN)


def test_the_pictures_of_a_second_round_stand_beside_those_of_the_first() -> None:
    first = stored(stored(after(FOUND), "card-front"), "portrait-1")
    again = second_round(read(first, FOUND))
    assert [(row.name, row.locator, row.state) for row in again.evidence] == [
        ("card-front", "card-front", "stored"),
        ("card-front.round-2", "card-front", "available"),
        ("portrait-1", "portrait-1", "stored"),
    ]
    assert "card-front.round-3" in [row.name for row in second_round(again).evidence]


@pytest.mark.parametrize("events", list(permutations([EXPECTING, ENDED, EMPTY, APPROVED])))
def test_an_empty_room_leaves_the_expected_recording_awaited_in_any_order(events: tuple[Event, ...]) -> None:
    assert ledger(after(*events)) == AWAITED


def test_an_expected_recording_is_awaited_again_when_the_next_answer_does_not_list_it() -> None:
    listing = STARTED.model_copy(update={"artifacts": (NOT_READY,)})
    assert ledger(after(EXPECTING, listing, APPROVED)) == ledger(after(EXPECTING, APPROVED)) == AWAITED


def test_an_expected_recording_is_awaited_again_beside_another_file_when_its_own_is_not_listed_any_more() -> None:
    listing = STARTED.model_copy(update={"artifacts": (NOT_READY,)})
    approved = APPROVED.model_copy(update={"artifacts": (PORTRAIT,)})
    assert ledger(after(EXPECTING, listing, approved)) == [*AWAITED, ("portrait-1", "available", None)]


@pytest.mark.parametrize("events", list(permutations([EXPECTING, ENDED, FILE])))
def test_a_recording_that_has_a_name_is_not_awaited_under_another(events: tuple[Event, ...]) -> None:
    assert ledger(after(*events)) == [("recording-vf-1", "available", None)]


@pytest.mark.parametrize("heard_at", [1, 2])
def test_an_unwanted_recording_of_an_empty_room_leaves_no_row_in_any_order(heard_at: int) -> None:
    only_portrait = registration(evidence=(EvidenceKind.PORTRAIT,))
    with_room = STARTED.model_copy(update={"rooms": (Room(room="r1", status="ended"),)})
    events: list[Event] = [only_portrait, with_room]
    events.insert(heard_at, EMPTY)
    assert ledger(after(*events)) == []


def test_an_unwanted_recording_is_not_downloaded() -> None:
    record = after(registration(evidence=(EvidenceKind.PORTRAIT,)), FILE, APPROVED)
    assert ledger(record) == [("recording-vf-1", "lost", "not_wanted")]
    assert not is_asked_for_a_loss(record)


def test_a_lost_file_that_comes_after_all_asks_nobody_though_another_was_never_wanted() -> None:
    video = Artifact(name="video-1", kind=EvidenceKind.LIVENESS_VIDEO, locator="v1")
    approved = APPROVED.model_copy(update={"artifacts": (PORTRAIT, video)})
    record = after(registration(evidence=(EvidenceKind.PORTRAIT,)), approved)
    lost = give_up_files(record, LossReason.LINK_EXPIRED, at=T0)
    there = stored(read(lost, approved, at=T0 + HOUR), "portrait-1")
    assert (is_asked_for_a_loss(lost), is_asked_for_a_loss(there)) == (True, False)
    assert ledger(there) == [("portrait-1", "stored", None), ("video-1", "lost", "not_wanted")]


def test_a_recording_that_comes_after_it_was_given_up_is_no_loss_any_more() -> None:
    given_up = give_up_files(after(ENDED, APPROVED), LossReason.NOT_DELIVERED, at=T0 + 2 * DAY)
    there = stored(apply_callback(given_up, callback_event(FILE, at=T0 + 3 * DAY)), "recording-vf-1")
    assert (is_asked_for_a_loss(given_up), is_asked_for_a_loss(there)) == (True, False)
    assert ledger(there) == [("recording-vf-1", "stored", None)]


def test_a_file_that_was_never_made_asks_a_person_only_where_its_kind_is_expected() -> None:
    approved = APPROVED.model_copy(update={"artifacts": (PORTRAIT,)})
    for backend, is_asked in ((registration(), False), (registration(expects=(EvidenceKind.PORTRAIT,)), True)):
        record = after(backend, approved)
        rows = tuple(row.lost(LossReason.NEVER_CAPTURED, T0) for row in record.evidence)
        assert is_asked_for_a_loss(apply_ledger(record, rows, at=T0)) is is_asked


def test_details_that_come_do_not_make_up_for_a_lost_file() -> None:
    bare = APPROVED.model_copy(update={"lacks_details": True})
    lost = give_up_files(after(registration(expects=(EvidenceKind.RECEIPT,)), bare), LossReason.NOT_DELIVERED, at=T0)
    assert is_asked_for_a_loss(lost)
    assert is_asked_for_a_loss(read(lost, APPROVED, at=T0 + HOUR))
