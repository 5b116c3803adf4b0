"""What an answer about a process says, and what it can never say."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.any_json import JSON
from tests.providers.signicat.samples import PROCESS, process
from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Decision, Stage
from vigil.providers.signicat.process import snapshot_of

FIELDS = (
    *("processId", "provider", "processType", "failReason", "statusReasons", "depictions"),
    *("providerSpecific", "createdAt", "updatedAt"),
)
DECIDED = ("accepted", "rejected", "inconclusive")


def read_process(**changes: Any) -> Snapshot:
    return snapshot_of(process(**changes), process_id=PROCESS)


def files(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [(each.name, each.kind) for each in snapshot.artifacts]


def test_an_accepted_process_says_everything_once() -> None:
    snapshot = read_process(
        depictions=["front", "selfie", "front"],
        finalResult={"firstName": "Testa"},
        providerSpecific={
            "documentVerification": {"result": "clear", "subResult": "clear"},
            "facialSimilarity": {"result": "consider"},
            "somethingNew": {"result": "splendid"},
            "ocr": {"firstName": "Testa"},
        },
    )

    assert (snapshot.stage, snapshot.decision, snapshot.word) == (Stage.CONCLUDED, Decision.APPROVED, "accepted")
    assert (snapshot.sender, snapshot.reasons) == ("onfido", ())
    assert [(each.name, each.kind, each.status) for each in snapshot.checks] == [
        ("documentVerification", "document", "passed"),
        ("facialSimilarity", "face_match", "unclear"),
        ("somethingNew", "other", "unrecognised"),
    ]
    assert files(snapshot) == [("image-front", "document_front"), ("image-selfie", "selfie"), ("bundle", "bundle")]
    assert all(each.ready and each.locator == each.name for each in snapshot.artifacts)
    assert snapshot.provider_created_at == datetime(2031, 3, 4, 10, 0, tzinfo=UTC)
    assert snapshot.provider_finished_at == datetime(2031, 3, 4, 10, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "process_type", "stage"),
    [
        ("signicatvideoid", "high", "in_review"),
        ("eid", "attended", "in_review"),
        ("signicatvideoid", "substantial", "processing"),
        ("eid", "unattended", "processing"),
        ("signicatvideoid", None, "processing"),
        ("signicatvideoid", ["high"], "processing"),
        ("onfido", "high", "processing"),
    ],
)
def test_processing_is_a_review_where_an_agent_does_it(provider: str, process_type: object, stage: str) -> None:
    snapshot = read_process(provider=provider, processType=process_type, status="processing")

    assert (snapshot.stage, snapshot.decision, snapshot.provider_finished_at) == (stage, None, None)


def test_a_pending_process_of_an_agent_still_waits_for_the_applicant() -> None:
    assert (
        read_process(provider="signicatvideoid", processType="high", status="pending").stage is Stage.AWAITING_APPLICANT
    )


@pytest.mark.parametrize(
    ("status", "told_of", "reasons", "code"),
    [
        ("failed", {}, [("technical", None)], None),
        (
            "failed",
            {"failReason": {"type": "system_requirements", "message": "camera not available"}},
            [("technical", "system_requirements")],
            "system_requirements",
        ),
        (
            "failed",
            {"failReason": {"category": "client", "reason": "closed_tab", "message": "free text"}},
            [("technical", "client"), ("technical", "closed_tab")],
            "client",
        ),
        ("failed", {"failReason": "in free text"}, [("technical", None)], None),
        ("canceled", {}, [], None),
        ("canceled", {"failReason": {"type": "mobile_handover"}}, [("other", "mobile_handover")], "mobile_handover"),
        (
            "rejected",
            {"statusReasons": [{"type": "t", "category": "face", "subCategory": "s", "message": "free text"}]},
            [("other", "face")],
            None,
        ),
        (
            "inconclusive",
            {"statusReasons": [{"category": "image"}, {"category": "image"}, {"category": "in words"}, 7]},
            [("other", "image")],
            None,
        ),
        ("accepted", {"statusReasons": [{"category": "image"}]}, [], None),
        ("pending", {"failReason": {"type": "early"}}, [], None),
    ],
)
def test_reasons_are_words_only(
    status: str, told_of: dict[str, Any], reasons: list[tuple[str, str | None]], code: str | None
) -> None:
    snapshot = read_process(status=status, **told_of)

    assert [(each.code, each.word) for each in snapshot.reasons] == reasons
    assert snapshot.code == code


@pytest.mark.parametrize("status", DECIDED)
@pytest.mark.parametrize(
    ("provider", "process_type", "extra"),
    [
        ("signicatvideoid", "substantial", ["video", "bundle"]),
        ("eid", None, ["video", "bundle"]),
        ("onfido", "documentVideo", ["video", "bundle"]),
        ("onfido", "documentSelfie", ["bundle"]),
        ("readid", "sdk", ["bundle", "raw"]),
        ("signicatpaper", None, ["bundle"]),
        ("facetec", "documentVideo", ["bundle"]),
    ],
)
def test_a_decided_process_has_the_files_of_its_provider(
    status: str, provider: str, process_type: str | None, extra: list[str]
) -> None:
    snapshot = read_process(status=status, provider=provider, processType=process_type, depictions=["back", "portrait"])

    assert [each.name for each in snapshot.artifacts] == ["image-back", "image-portrait", *extra]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_an_undecided_end_has_only_the_pictures_that_it_lists(status: str) -> None:
    assert files(read_process(status=status, provider="readid", depictions=["portrait"])) == [
        ("image-portrait", "portrait")
    ]


@pytest.mark.parametrize("status", ["pending", "processing", "not_matched"])
def test_an_open_process_has_no_files(status: str) -> None:
    assert read_process(status=status, provider="readid", depictions=["front"]).artifacts == ()


def test_a_picture_that_no_table_knows_is_named() -> None:
    snapshot = read_process(depictions=["front", "hologram", "left ear", 7, ["back"]])

    assert files(snapshot) == [("image-front", "document_front"), ("bundle", "bundle")]
    assert [(each.field, each.value) for each in snapshot.unrecognised] == [
        ("depictions", "hologram"),
        ("depictions", None),
        ("depictions", "7"),
    ]


@pytest.mark.parametrize(
    ("answer", "drift"),
    [
        ([], ("process", "list")),
        (None, ("process", "NoneType")),
        ({}, ("status", "NoneType")),
        (process(status=7), ("status", "int")),
        (process(status="not_matched"), ("status", "not_matched")),
        (process(status="accepted (mostly)"), ("status", None)),
        (process(processId="c0d9a3b4-0c54-4d3e-8d40-2f3f4e5a6b02"), ("processId", None)),
        (process(processId=7), ("processId", None)),
    ],
)
def test_an_answer_without_a_sense_is_never_a_verdict(answer: object, drift: tuple[str, str | None]) -> None:
    snapshot = snapshot_of(answer, process_id=PROCESS)

    assert (snapshot.stage, snapshot.decision, snapshot.ended) == (Stage.UNRECOGNISED, None, None)
    assert [(each.field, each.value) for each in snapshot.unrecognised] == [drift]


def test_an_unknown_word_still_says_whose_process_it_is() -> None:
    snapshot = read_process(status="not_matched", provider="connect:idmethod")

    assert (snapshot.word, snapshot.sender) == ("not_matched", "connect")


@pytest.mark.parametrize("process_id", [PROCESS.upper(), PROCESS.lower(), None])
def test_an_id_may_be_spelled_otherwise_or_be_left_out(process_id: str | None) -> None:
    assert read_process(processId=process_id).decision is Decision.APPROVED


def test_a_channel_stands_in_for_the_provider() -> None:
    assert snapshot_of(process(), process_id=PROCESS, channel="events").sender == "events"


def test_what_is_reported_without_measure_is_bounded() -> None:
    snapshot = read_process(
        status="rejected",
        statusReasons=[{"category": f"c{n}"} for n in range(100)],
        providerSpecific={f"check{n}": {"result": "clear"} for n in range(100)},
        depictions=[f"d{n}" for n in range(100)],
    )

    assert (len(snapshot.reasons), len(snapshot.checks), len(snapshot.unrecognised)) == (20, 60, 20)


@given(
    answer=JSON
    | st.fixed_dictionaries(
        {"status": st.sampled_from(["accepted", "failed", "processing", "odd"])},
        optional=dict.fromkeys(FIELDS, JSON),
    )
)
def test_no_answer_is_too_odd_to_be_reported(answer: object) -> None:
    snapshot = snapshot_of(answer, process_id=PROCESS)

    assert snapshot.stage is not Stage.CONCLUDED or snapshot.word in {"accepted", "failed"}
