"""What a report says in our words, however odd it is."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.any_json import JSON
from tests.providers.id360.samples import report
from vigil.domain.snapshot import Snapshot
from vigil.providers.id360.documents import find_file
from vigil.providers.id360.report import snapshot_of


def read(**changes: Any) -> Snapshot:
    return snapshot_of(report(**changes), reference="700102")


def test_checks_keep_the_names_by_which_the_report_keys_them() -> None:
    snapshot = read(
        steps={
            "id_document": {"status": "OK"},
            "liveness$0": {"status": "KO"},
            "liveness$1": {"status": "OK"},
            "facecomparison": {"status": None},
            "someone's own step": {"status": "OK"},
        }
    )

    assert [(check.name, check.kind, check.status) for check in snapshot.checks] == [
        ("id_document", "document", "passed"),
        ("liveness$0", "liveness", "failed"),
        ("liveness$1", "liveness", "passed"),
        ("facecomparison", "face_match", "not_done"),
    ]
    assert (snapshot.steps_done, snapshot.steps_total) == (4, 5)
    assert [(each.field, each.value) for each in snapshot.unrecognised] == [("steps", "unnamed")]


def test_passed_steps_do_not_make_a_refused_file_accepted() -> None:
    assert read(status="KO", steps={"id_document": {"status": "OK"}}).decision == "declined"


@pytest.mark.parametrize(
    ("steps", "stage"),
    [
        ({"id_document": {"status": "OK"}, "liveness": {"status": "KO"}}, "processing"),
        ({"id_document": {"status": "OK"}, "liveness": {"finished_time": "2031-03-04T09:00:00"}}, "processing"),
        ({"id_document": {"status": "OK"}, "liveness": {"status": None}}, "awaiting_applicant"),
        ({}, "awaiting_applicant"),
    ],
)
def test_a_started_file_whose_steps_are_all_done_is_being_processed(steps: dict[str, Any], stage: str) -> None:
    assert read(status="STARTED", steps=steps).stage == stage


def test_times_without_a_zone_are_utc() -> None:
    snapshot = read(creation_time="2031-03-04T09:00:00.000001", finished_time="2031-03-04T11:04:41+02:00")

    assert snapshot.provider_created_at == datetime(2031, 3, 4, 9, 0, 0, 1, tzinfo=UTC)
    assert snapshot.provider_finished_at == datetime(2031, 3, 4, 11, 4, 41, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize("odd", ["yesterday", "", 7, None, [], "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_left_out(odd: object) -> None:
    assert read(creation_time=odd).provider_created_at is None


def test_files_are_named_by_their_slot_and_found_again_by_that_name() -> None:
    def document(name: object, *links: str) -> dict[str, Any]:
        return {"name": name, "files": [{"url": link, "hash": "", "hash_algorithm": "MD5"} for link in links]}

    content = report(
        documents={
            "identity_document": [document("id_document_image", "https://a/1", "https://a/2")],
            "liveness": [document("liveness_video$1", "https://a/3"), document("Jean's video", "https://a/4")],
            "identity_again": [document("id_document_image", "https://a/5")],
            "Scan de Jean": [document(None, "https://a/6")],
        }
    )

    artifacts = snapshot_of(content, reference="700102").artifacts

    assert [(each.name, each.kind) for each in artifacts] == [
        ("id_document_image-0", "document_front"),
        ("id_document_image-1", "document_back"),
        ("liveness_video$1-0", "liveness_video"),
        ("liveness-0", "liveness_video"),
        ("id_document_image-2", "document_back"),
        ("document-0", "supporting_document"),
    ]
    found = [find_file(json.dumps(content).encode(), each.locator) for each in artifacts]
    assert [file.url if file else None for file in found] == [f"https://a/{n}" for n in range(1, 7)]


def test_a_file_without_a_link_is_not_ready() -> None:
    artifacts = read(documents={"selfie": [{"name": "selfie_image", "files": [{"url": None}]}]}).artifacts

    assert [(each.name, each.ready) for each in artifacts] == [("selfie_image-0", False)]


def test_more_than_a_snapshot_holds_is_cut_and_said() -> None:
    snapshot = read(
        status="KO",
        all_status_codes=[{"status_code": {"code": f"CODE_{n}"}} for n in range(500)],
        steps={f"step_{n}": {"status": "OK"} for n in range(500)},
        documents={"kind": [{"name": "slot", "files": [{"url": "https://a/"}] * 500}]},
    )

    assert (len(snapshot.reasons), len(snapshot.checks), len(snapshot.artifacts)) == (19, 60, 200)
    assert [(each.field, each.value) for each in snapshot.unrecognised] == [("documents", "more_than_200")]


FIELDS = [
    "id",
    "status",
    "status_codes",
    "all_status_codes",
    "steps",
    "documents",
    "level",
    "creation_time",
    "finished_time",
]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
def test_no_value_of_any_field_raises(changes: dict[str, Any]) -> None:
    snapshot = read(**changes)

    assert Snapshot.model_validate_json(snapshot.model_dump_json()) == snapshot


NAMES = st.text(max_size=70)
ENTRIES = st.lists(st.fixed_dictionaries({"name": JSON, "files": st.lists(JSON, max_size=3)}) | JSON, max_size=3)
CODES = st.lists(st.fixed_dictionaries({"status_code": JSON, "code": JSON}) | JSON, max_size=3)


@given(
    steps=st.dictionaries(NAMES, JSON, max_size=3),
    documents=st.dictionaries(NAMES, ENTRIES, max_size=3),
    all_status_codes=CODES,
    status_codes=CODES,
)
def test_no_value_inside_a_field_raises_or_changes_the_verdict(**changes: object) -> None:
    snapshot = read(**changes)

    assert (snapshot.stage, snapshot.decision) == ("concluded", "approved")
    assert len({each.name for each in snapshot.artifacts}) == len(snapshot.artifacts)


@given(JSON)
def test_no_report_that_is_something_else_raises_or_decides(content: object) -> None:
    assert snapshot_of(content, reference="700102").decision is None
