"""The ledger of files."""

import pytest

from tests.domain.samples import APPROVED, MINUTE_LATER, PORTRAIT, T0, callback_event, fresh, read
from vigil.domain.callback_event import RoomChanged
from vigil.domain.callbacks import apply_callback
from vigil.domain.evidence import (
    UNLISTED,
    EvidenceRow,
    Ledger,
    count_states,
    expect_kinds,
    has_losses,
    limit_to_wanted,
    list_artifacts,
    mark_unsettled_lost,
    replace_row,
)
from vigil.domain.record import Record
from vigil.domain.registration import Wanted
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import ArtifactState, EvidenceKind, LossReason

VIDEO = Artifact(name="video-1", kind=EvidenceKind.CALL_RECORDING, locator="v1", ready=False)


def rows(ledger: Ledger) -> list[tuple[str, str, str | None]]:
    return [(row.name, row.state, row.loss) for row in ledger]


def row(state: ArtifactState, loss: LossReason | None = None) -> EvidenceRow:
    return EvidenceRow(name="portrait-1", kind=EvidenceKind.PORTRAIT, locator="old", state=state, loss=loss, at=T0)


def test_listed_files_are_available_or_expected_as_the_provider_says() -> None:
    ledger = list_artifacts((), (VIDEO, PORTRAIT), wanted="all", at=T0)
    assert rows(ledger) == [("portrait-1", "available", None), ("video-1", "expected", None)]


@pytest.mark.parametrize(
    ("wanted", "loss"),
    [("all", None), ("none", "not_wanted"), ((EvidenceKind.PORTRAIT,), None), ((EvidenceKind.SELFIE,), "not_wanted")],
)
def test_only_wanted_kinds_of_file_are_brought_home(wanted: Wanted, loss: str | None) -> None:
    assert list_artifacts((), (PORTRAIT,), wanted=wanted, at=T0)[0].loss == loss


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (row(ArtifactState.EXPECTED), "available"),
        (row(ArtifactState.AVAILABLE), "available"),
        (row(ArtifactState.STORED), "stored"),
        (row(ArtifactState.LOST, LossReason.NEVER_CAPTURED), "available"),
        (row(ArtifactState.LOST, LossReason.NOT_DELIVERED), "available"),
        (row(ArtifactState.LOST, LossReason.UNREACHABLE), "available"),
        (row(ArtifactState.LOST, LossReason.LINK_EXPIRED), "available"),
        (row(ArtifactState.LOST, LossReason.GONE), "lost"),
        (row(ArtifactState.LOST, LossReason.HASH_MISMATCH), "lost"),
        (row(ArtifactState.LOST, LossReason.TOO_LARGE), "available"),
        (row(ArtifactState.LOST, LossReason.WRONG_TYPE), "lost"),
        (row(ArtifactState.LOST, LossReason.REFUSED), "lost"),
        (row(ArtifactState.LOST, LossReason.NOT_WANTED), "lost"),
    ],
)
def test_a_file_that_is_listed_again_returns_only_if_its_loss_can_heal(known: EvidenceRow, state: str) -> None:
    assert [row.state for row in list_artifacts((known,), (PORTRAIT,), wanted="all", at=T0)] == [state]


def test_a_file_without_an_address_is_lost_until_it_has_one() -> None:
    lost = list_artifacts((), (PORTRAIT.model_copy(update={"has_address": False}),), wanted="all", at=T0)
    assert rows(lost) == [("portrait-1", "lost", "unaddressed")]
    assert has_losses(lost)
    assert rows(list_artifacts(lost, (PORTRAIT,), wanted="all", at=T0)) == [("portrait-1", "available", None)]


@pytest.mark.parametrize(
    ("known", "stays"),
    [
        (row(ArtifactState.STORED), True),
        (row(ArtifactState.LOST, LossReason.GONE), True),
        (row(ArtifactState.LOST, LossReason.NOT_WANTED), False),
        (row(ArtifactState.LOST, LossReason.UNADDRESSED), False),
        (row(ArtifactState.AVAILABLE), False),
        (row(ArtifactState.EXPECTED), False),
    ],
)
def test_of_a_draft_only_what_was_requested_stays(known: EvidenceRow, *, stays: bool) -> None:
    assert list_artifacts((known,), (), wanted="all", at=T0, is_draft=True) == ((known,) if stays else ())


def test_a_file_that_is_listed_as_not_ready_does_not_return() -> None:
    gone = row(ArtifactState.LOST, LossReason.UNREACHABLE)
    not_ready = PORTRAIT.model_copy(update={"ready": False})
    assert list_artifacts((gone,), (not_ready,), wanted="all", at=T0) == (gone,)


def test_a_file_that_is_not_listed_any_more_stays_in_the_ledger_after_the_first_verdict() -> None:
    known = row(ArtifactState.AVAILABLE)
    assert list_artifacts((known,), (), wanted="all", at=T0) == (known,)


def test_a_draft_is_replaced_by_the_next_listing() -> None:
    draft = list_artifacts((), (PORTRAIT, VIDEO), wanted="all", at=T0, is_draft=True)
    moved = PORTRAIT.model_copy(update={"locator": "elsewhere"})
    ledger = list_artifacts(draft, (moved,), wanted="all", at=MINUTE_LATER, is_draft=True)
    assert [(row.name, row.locator) for row in ledger] == [("portrait-1", "elsewhere")]


CALL = (EvidenceKind.CALL_RECORDING,)


def test_a_draft_keeps_what_somebody_expects() -> None:
    waiting = expect_kinds((), CALL, wanted="all", at=T0)
    assert list_artifacts(waiting, (), wanted="all", at=T0, is_draft=True) == waiting


def test_a_kind_that_is_expected_twice_has_one_row() -> None:
    waiting = expect_kinds((), (*CALL, *CALL), wanted="all", at=T0)
    assert [(row.name, row.locator, row.state) for row in waiting] == [
        ("expected-call_recording", UNLISTED, "expected")
    ]


def test_an_expected_file_gives_way_to_a_listed_one_of_its_kind_and_returns_when_that_one_goes() -> None:
    ledger = list_artifacts(expect_kinds((), CALL, wanted="all", at=T0), (VIDEO,), wanted="all", at=T0, is_draft=True)
    with_it = expect_kinds(ledger, CALL, wanted="all", at=T0)
    without_it = expect_kinds(
        list_artifacts(with_it, (), wanted="all", at=T0, is_draft=True), CALL, wanted="all", at=MINUTE_LATER
    )
    assert rows(with_it) == [("video-1", "expected", None)]
    assert rows(without_it) == [("expected-call_recording", "expected", None)]


def test_an_expected_file_of_an_unwanted_kind_is_not_waited_for() -> None:
    assert rows(expect_kinds((), CALL, wanted="none", at=T0)) == [("expected-call_recording", "lost", "not_wanted")]


def test_an_expected_file_that_was_lost_stays_lost() -> None:
    lost = mark_unsettled_lost(expect_kinds((), CALL, wanted="all", at=T0), LossReason.NOT_DELIVERED, at=T0)
    assert expect_kinds(lost, CALL, wanted="all", at=MINUTE_LATER) == lost


def test_narrowing_gives_up_the_unwanted_and_leaves_what_is_stored() -> None:
    stored = row(ArtifactState.STORED)
    ledger = (stored, *list_artifacts((), (VIDEO,), wanted="all", at=T0))
    assert rows(limit_to_wanted(ledger, "none", at=T0)) == [
        ("portrait-1", "stored", None),
        ("video-1", "lost", "not_wanted"),
    ]


def test_replacing_a_row_that_is_not_in_the_ledger_adds_none() -> None:
    ledger = list_artifacts((), (VIDEO,), wanted="all", at=T0)
    assert replace_row(ledger, row(ArtifactState.STORED)) == ledger


def test_giving_up_leaves_settled_rows_as_they_are() -> None:
    stored = row(ArtifactState.STORED)
    ledger = (stored, *list_artifacts((), (VIDEO,), wanted="all", at=T0))
    assert rows(mark_unsettled_lost(ledger, LossReason.GONE, at=T0)) == [
        ("portrait-1", "stored", None),
        ("video-1", "lost", "gone"),
    ]


@pytest.mark.parametrize(
    ("known", "expects", "is_loss"),
    [
        (row(ArtifactState.LOST, LossReason.GONE), (), True),
        (row(ArtifactState.LOST, LossReason.NOT_DELIVERED), (), True),
        (row(ArtifactState.LOST, LossReason.NEVER_CAPTURED), (), False),
        (row(ArtifactState.LOST, LossReason.NEVER_CAPTURED), (EvidenceKind.PORTRAIT,), True),
        (row(ArtifactState.LOST, LossReason.NOT_WANTED), (EvidenceKind.PORTRAIT,), False),
        (row(ArtifactState.AVAILABLE), (EvidenceKind.PORTRAIT,), False),
    ],
)
def test_a_loss_is_a_file_that_was_wanted_and_that_exists_or_is_expected(
    known: EvidenceRow, expects: tuple[EvidenceKind, ...], *, is_loss: bool
) -> None:
    assert has_losses((known,), expects) is is_loss


def test_every_recording_of_two_hundred_calls_that_callbacks_announced_is_in_the_ledger() -> None:
    record = read(fresh(), APPROVED)
    for number in range(200):
        seen = RoomChanged(room=f"r-{number}", room_status="ended", file_ready=True, file_id=f"vf-{number}")
        record = apply_callback(record, callback_event(seen))

    assert {row.locator for row in record.evidence} == {f"vf-{number}" for number in range(200)}
    # The next run begins with what this one wrote.
    assert Record.model_validate_json(record.model_dump_json()) == record


def test_counting_names_only_states_that_occur() -> None:
    assert count_states(list_artifacts((), (PORTRAIT, VIDEO), wanted="all", at=T0)) == {"available": 1, "expected": 1}


def test_the_ledger_holds_at_most_two_hundred_files() -> None:
    many = tuple(PORTRAIT.model_copy(update={"name": f"portrait-{k:03}"}) for k in range(150))
    more = tuple(PORTRAIT.model_copy(update={"name": f"selfie-{k:03}"}) for k in range(150))
    assert len(list_artifacts(list_artifacts((), many, wanted="all", at=T0), more, wanted="all", at=T0)) == 200


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("image/jpeg", "image/jpeg"),
        ("application/vnd.oasis+zip", "application/vnd.oasis+zip"),
        ('image/jpeg; filename="ada lovelace.jpg"', None),
        ("a picture of ada", None),
    ],
)
def test_only_a_bare_media_type_is_noted_of_a_file(sent: str, kept: str | None) -> None:
    stored = EvidenceRow(
        name="portrait-1",
        kind=EvidenceKind.PORTRAIT,
        locator="x",
        state=ArtifactState.STORED,
        media_type=sent,
        at=T0,
    )
    assert stored.media_type == kept
