"""What a result says, in our words; an odd one says nothing that could be taken for a verdict."""

from typing import Any

import pytest
from hypothesis import given

from tests.providers.any_json import JSON
from tests.providers.identomat.samples import result
from vigil.domain.snapshot import Check, Drift, Reason, Snapshot
from vigil.domain.terms import CheckKind, CheckStatus, Decision, EvidenceKind, Outcome, ReasonCode, Stage
from vigil.providers.identomat.result import snapshot_of

MISSING = object()


def read_result(word: str = "approved", **fields: Any) -> Snapshot:
    return snapshot_of({name: held for name, held in result(word, **fields).items() if held is not MISSING})


def names(snapshot: Snapshot) -> list[str]:
    return [artifact.name for artifact in snapshot.artifacts]


@pytest.mark.parametrize(
    ("word", "stage", "decision", "ended", "reasons"),
    [
        ("in_progress", Stage.AWAITING_APPLICANT, None, None, ()),
        ("manual_check", Stage.IN_REVIEW, None, None, ()),
        (
            "additional_information_requested",
            Stage.AWAITING_APPLICANT,
            None,
            None,
            (Reason(code=ReasonCode.MORE_INFORMATION),),
        ),
        ("approved", Stage.CONCLUDED, Decision.APPROVED, None, ()),
        ("APPROVED", Stage.CONCLUDED, Decision.APPROVED, None, ()),
        ("rejected", Stage.CONCLUDED, Decision.DECLINED, None, ()),
        ("expired", Stage.CONCLUDED, None, Outcome.EXPIRED, ()),
        ("disagreed", Stage.CONCLUDED, None, Outcome.CANCELED, ()),
    ],
)
def test_a_word_shows_where_it_stands(
    word: str, stage: Stage, decision: Decision | None, ended: Outcome | None, reasons: tuple[Reason, ...]
) -> None:
    snapshot = read_result(word)

    assert (snapshot.stage, snapshot.decision, snapshot.ended) == (stage, decision, ended)
    assert (snapshot.word, snapshot.reasons, snapshot.unrecognised) == (word, reasons, ())


@pytest.mark.parametrize(
    ("answer", "drift"),
    [
        ("TOO_MANY_REQUESTS", Drift(field="answer", value="TOO_MANY_REQUESTS")),
        ("Ada Example", Drift(field="answer")),
        (["approved"], Drift(field="answer", value="list")),
        (7, Drift(field="answer", value="int")),
        (None, Drift(field="answer", value="NoneType")),
        ({}, Drift(field="result", value="NoneType")),
        ({"result": True}, Drift(field="result", value="bool")),
        ({"result": ["approved"]}, Drift(field="result", value="list")),
        ({"result": "escalated"}, Drift(field="result", value="escalated")),
        ({"result": "approved by Ada"}, Drift(field="result")),
        ({"Result": "approved"}, Drift(field="result", value="NoneType")),
    ],
)
def test_what_no_table_knows_is_no_verdict(answer: object, drift: Drift) -> None:
    snapshot = snapshot_of(answer)

    assert (snapshot.stage, snapshot.decision, snapshot.ended) == (Stage.UNRECOGNISED, None, None)
    assert snapshot.unrecognised == (drift,)


@pytest.mark.parametrize(
    ("word", "value", "reasons"),
    [
        ("rejected", "face_mismatch", (Reason(code=ReasonCode.FACE_MISMATCH, word="face_mismatch"),)),
        ("rejected", "blurred", (Reason(code=ReasonCode.OTHER, word="blurred"),)),
        ("rejected", "portrait of Ada differs", (Reason(code=ReasonCode.OTHER),)),
        ("rejected", "", ()),
        ("rejected", None, ()),
        ("approved", "face_mismatch", ()),
        ("in_progress", "face_mismatch", ()),
    ],
)
def test_a_rejection_shows_why(word: str, value: object, reasons: tuple[Reason, ...]) -> None:
    assert read_result(word, reject_reason={"value": value, "description": "Ada"}).reasons == reasons


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"live": True}, CheckStatus.PASSED),
        ({"live": True, "face_images": 0}, CheckStatus.PASSED),
        ({"live": False}, CheckStatus.FAILED),
        ({"live": False, "face_images": MISSING}, CheckStatus.FAILED),
        ({"live": False, "face_images": 0}, CheckStatus.NOT_DONE),
    ],
)
def test_liveness_is_a_check(fields: dict[str, Any], status: CheckStatus) -> None:
    assert read_result(**fields).checks == (Check(kind=CheckKind.LIVENESS, name="live", status=status),)


@pytest.mark.parametrize("live", [MISSING, None, "true", 1])
def test_no_word_on_liveness_is_no_check(live: object) -> None:
    assert read_result(live=live).checks == ()


def test_fields_that_differ_are_a_check_and_no_verdict() -> None:
    snapshot = read_result("approved", live=None, person={"status": "FIELDS_MISMATCH"})

    assert snapshot.decision is Decision.APPROVED
    assert snapshot.checks == (Check(kind=CheckKind.DOCUMENT, name="data_mismatch", status=CheckStatus.UNCLEAR),)


@pytest.mark.parametrize("similarity", [0, 0.0001, 0.4213, 1])
def test_how_alike_the_faces_are_is_not_reported(similarity: float) -> None:
    assert read_result(similarity=similarity) == read_result(similarity=0.91)
    assert "0.91" not in read_result(similarity=0.91).model_dump_json()


@pytest.mark.parametrize(
    ("fields", "listed"),
    [
        ({}, ["card-front", "card-back", "face", "face-video"]),
        ({"id_card_back": MISSING}, ["card-front", "face", "face-video"]),
        ({"id_card_front": MISSING, "id_card_back": MISSING}, ["card-front", "card-back", "face", "face-video"]),
        ({"document_type": "passport"}, ["passport", "face", "face-video"]),
        ({"document_type": "PASSPORT", "live": None}, ["passport", "face"]),
        ({"document_type": "", "id_card_front": MISSING, "id_card_back": MISSING}, ["face", "face-video"]),
        ({"document_type": MISSING, "id_card_back": MISSING}, ["card-front", "face", "face-video"]),
        ({"face_images": 0, "live": False}, ["card-front", "card-back"]),
        ({"face_images": MISSING, "live": MISSING}, ["card-front", "card-back"]),
        ({"face_images": MISSING, "live": True}, ["card-front", "card-back", "face", "face-video"]),
        ({"document_type": 7, "id_card_front": [], "id_card_back": "x", "face_images": "1", "live": 1}, []),
    ],
)
def test_a_concluded_result_lists_the_pictures_that_it_speaks_of(fields: dict[str, Any], listed: list[str]) -> None:
    assert names(read_result(**fields)) == listed


@pytest.mark.parametrize("word", ["in_progress", "manual_check", "additional_information_requested"])
def test_an_open_result_lists_no_pictures(word: str) -> None:
    assert names(read_result(word)) == []


def test_each_picture_has_its_kind_and_is_found_by_its_name() -> None:
    assert [(artifact.kind, artifact.locator, artifact.ready) for artifact in read_result().artifacts] == [
        (EvidenceKind.DOCUMENT_FRONT, "card-front", True),
        (EvidenceKind.DOCUMENT_BACK, "card-back", True),
        (EvidenceKind.SELFIE, "face", True),
        (EvidenceKind.LIVENESS_VIDEO, "face-video", True),
    ]


BILL = {"documentType": "utility_bill", "typeId": "t", "pages": [{"typeId": "front", "final": {}}], "statuses": []}


@pytest.mark.parametrize(
    ("documents", "pages"),
    [
        ([BILL], ["general-document-0-0"]),
        ([BILL, BILL | {"pages": [{}, {}]}], ["general-document-0-0", "general-document-1-0", "general-document-1-1"]),
        ([BILL | {"pages": MISSING}], ["general-document-0-0"]),
        (BILL, ["general-document-0-0"]),
        ("a bill", ["general-document-0-0"]),
        ([], []),
        (None, []),
        (MISSING, []),
    ],
)
@pytest.mark.parametrize("field", ["generalDocuments", "general_document"])
def test_a_page_of_another_document_is_a_file_that_cannot_be_requested(
    field: str, documents: Any, pages: list[str]
) -> None:
    listed = [artifact for artifact in read_result(**{field: documents}).artifacts if not artifact.has_address]

    assert [artifact.name for artifact in listed] == pages
    assert {artifact.kind for artifact in listed} <= {EvidenceKind.SUPPORTING_DOCUMENT}


def test_pictures_have_one_address_for_all_rounds_and_recordings_have_not() -> None:
    call = {"roomId": "r-1", "videoFileStatus": "available", "videoFileId": "vf-1"}

    assert [(each.name, each.per_round) for each in read_result(videoCallStatus=call).artifacts] == [
        ("card-front", True),
        ("card-back", True),
        ("face", True),
        ("face-video", True),
        ("recording-vf-1", False),
    ]


@given(JSON)
def test_no_content_makes_it_fail(content: Any) -> None:
    snapshot_of(content)
    for name in result():
        snapshot_of(result(**{name: content}))
    snapshot_of(result(videoCallStatus=content))


def test_a_result_with_more_rooms_than_we_keep_is_read() -> None:
    snapshot = snapshot_of(result(videoCallStatus=[{"roomId": f"r{n}", "roomStatus": "ended"} for n in range(201)]))

    assert len(snapshot.rooms) == 200


@given(JSON)
def test_no_odd_word_is_a_verdict(content: Any) -> None:
    snapshot = snapshot_of(result() | {"result": content})

    assert (snapshot.decision, snapshot.ended) == (None, None)


def test_files_beyond_our_limit_are_not_left_out_in_silence() -> None:
    calls = [{"roomId": f"RM{n}", "roomStatus": "ended", "videoFileId": f"f-{n}"} for n in range(201)]
    found = snapshot_of({"result": "approved", "videoCallStatus": calls})

    assert len(found.artifacts) == 200
    assert found.unrecognised == (Drift(field="files", value="more_than_200"),)
