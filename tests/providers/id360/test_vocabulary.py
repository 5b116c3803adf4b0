"""ID360's words in ours: the expected rows, written out."""

from typing import Any

import pytest

from tests.providers.id360.samples import report, with_codes
from vigil.domain.snapshot import Snapshot
from vigil.providers.id360.report import snapshot_of
from vigil.providers.id360.vocabulary import CODES, STATUSES, STEPS, check_kind, evidence_kind, step_status


def read(content: dict[str, Any]) -> Snapshot:
    return snapshot_of(content, reference="700102")


ROWS = [
    # status, stage, decision, ended, advice, reasons
    ("NEW", "awaiting_applicant", None, None, "none", []),
    ("STARTED", "awaiting_applicant", None, None, "none", []),
    ("started", "awaiting_applicant", None, None, "none", []),
    ("OK", "concluded", "approved", None, "none", []),
    ("Ok", "concluded", "approved", None, "none", []),
    ("KO", "concluded", "declined", None, "none", ["other"]),
    ("FAILED", "concluded", None, "failed", "new_attempt", ["technical"]),
    ("CANCELED", "concluded", None, "canceled", "none", ["time_ran_out"]),
]
DOUBTFUL_SPELLINGS = [
    ("CANCELLED", "concluded", None, "canceled", "none", ["time_ran_out"]),
    ("DISCONTINUED", "concluded", None, "canceled", "none", []),
    ("Discontinued", "concluded", None, "canceled", "none", []),
]


@pytest.mark.parametrize(("status", "stage", "decision", "ended", "advice", "reasons"), [*ROWS, *DOUBTFUL_SPELLINGS])
def test_a_status_of_a_report_means_this(
    status: str, stage: str, *, decision: str | None, ended: str | None, advice: str, reasons: list[str]
) -> None:
    snapshot = read(report(status=status))

    assert (snapshot.stage, snapshot.decision, snapshot.ended, snapshot.advice) == (stage, decision, ended, advice)
    assert [reason.code for reason in snapshot.reasons] == reasons
    assert snapshot.word == status


@pytest.mark.parametrize(
    ("status", "word", "stage"),
    [
        ("UP", "UP", "awaiting_applicant"),
        ("sp", "sp", "processing"),
        ("MIE User Processing", "MIE_USER_PROCESSING", "awaiting_applicant"),
        ("MIE Sys Processing", "MIE_SYS_PROCESSING", "processing"),
        ("EIM_SYS_PROCESSING", "EIM_SYS_PROCESSING", "processing"),
        ("mie-user-processing", "mie-user-processing", "awaiting_applicant"),
    ],
)
def test_the_names_of_the_phases_at_an_external_means_are_understood(status: str, word: str, stage: str) -> None:
    snapshot = read(report(status=status))

    assert (snapshot.stage, snapshot.word, snapshot.unrecognised) == (stage, word, ())


def test_no_status_has_a_meaning_without_a_row_here() -> None:
    assert set(STATUSES) == {row[0].upper() for row in [*ROWS, *DOUBTFUL_SPELLINGS]}


@pytest.mark.parametrize("status", ["IN_REVIEW", "APPROVED", "OK2", "MIE OK", "MIE_", "O K", "", "✓"])
def test_an_unlisted_status_is_never_a_verdict(status: str) -> None:
    snapshot = read(report(status=status))

    assert (snapshot.stage, snapshot.decision, snapshot.ended) == ("unrecognised", None, None)
    assert [each.field for each in snapshot.unrecognised] == ["status"]


CODE_ROWS = [
    ("VLD_DOCUMENT_INVALID", "document_rejected"),
    ("VLD_VALIDATION_KO", "document_rejected"),
    ("VLD_ID_INVALID", "document_rejected"),
    ("MDL_CHALLENGE_NOT_MET", "other"),
    ("MDL_INPUT_INVALID", "image_unusable"),
    ("MDL_RESPONSE_INVALID", "technical"),
    ("EIM_RESPONSE_KO", "not_permitted"),
    ("EIM_WRONG_CREDENTIAL", "not_permitted"),
    ("ERL_DELETE", "applicant_stopped"),
    ("SEC_DATA_INJECTION", "spoof"),
    ("VLD_SYNTAX_ERROR", "other"),
    ("ACCOUNT_MISSING_EMAIL", "other"),
    ("COV_FAILED", "other"),
    ("NEVER_SEEN_BEFORE", "other"),
]


@pytest.mark.parametrize(("code", "reason"), CODE_ROWS)
def test_a_code_of_a_refusal_is_this_reason(code: str, reason: str) -> None:
    snapshot = read(with_codes("KO", code))

    assert [(each.code, each.word) for each in snapshot.reasons] == [(reason, code)]
    assert (snapshot.decision, snapshot.code, snapshot.advice) == ("declined", code, "none")


@pytest.mark.parametrize("code", ["EIM_TIMEOUT", "ERL_TIMEOUT"])
def test_a_time_out_among_other_codes_is_time_that_ran_out(code: str) -> None:
    snapshot = read(with_codes("KO", "VLD_ID_INVALID", code))

    assert [each.code for each in snapshot.reasons] == ["document_rejected", "time_ran_out"]


@pytest.mark.parametrize(
    "code", ["SVC_RESPONSE_INVALID", "EIM_TIMEOUT", "VLD_SCRIPT_ERROR", "UNKNOWN_ERROR", "ERL_TIMEOUT"]
)
def test_a_refusal_for_technical_causes_only_stays_one_and_advises_another_attempt(code: str) -> None:
    snapshot = read(with_codes("KO", code))

    assert (snapshot.decision, snapshot.advice) == ("declined", "new_attempt")
    assert [(each.code, each.word) for each in snapshot.reasons] == [("technical", code)]


def test_one_cause_that_is_not_technical_takes_the_advice_away() -> None:
    snapshot = read(with_codes("KO", "UNKNOWN_ERROR", "SEC_DATA_INJECTION"))

    assert (snapshot.decision, snapshot.advice) == ("declined", "none")
    assert [each.code for each in snapshot.reasons] == ["other", "spoof"]


@pytest.mark.parametrize(
    ("status", "codes", "reasons"),
    [
        ("FAILED", ["ERL_TIMEOUT"], ["time_ran_out"]),
        ("FAILED", ["MDL_RESPONSE_INVALID"], ["technical"]),
        ("FAILED", ["UNKNOWN_ERROR"], ["technical", "other"]),
        ("CANCELED", ["ERL_DELETE"], ["applicant_stopped"]),
        ("CANCELED", ["ERL_TIMEOUT"], ["time_ran_out"]),
        ("OK", ["MDL_INPUT_INVALID"], []),
        ("STARTED", ["MDL_INPUT_INVALID"], []),
    ],
)
def test_the_reasons_of_an_end_fit_the_end(status: str, codes: list[str], reasons: list[str]) -> None:
    assert [each.code for each in read(with_codes(status, *codes)).reasons] == reasons


def test_every_code_of_the_table_has_a_row_here() -> None:
    assert set(CODES) == {code for code, _ in CODE_ROWS if code in CODES} | {"EIM_TIMEOUT", "ERL_TIMEOUT"}


STEP_ROWS = {
    "document": ["id_document", "id_document_mandate", "id_document_mandat", "ID_Document", "id_document$1"],
    "document_authenticity": ["fake_photo_id", "phone_detection", "image_forensics"],
    "external_identity": ["ar24", "france_connect", "france_connect_plus", "id_num"],
    "face_match": ["facecomparison"],
    "liveness": ["liveness", "liveness$0", "liveness$1"],
    "supporting_document": [
        "property_tax_notice",
        "proof_of_address",
        "pay_slip",
        "kbis",
        "income_tax_notice",
        "bank_details",
        "free_document",
        "mandate",
    ],
    "contact": ["phone", "otp", "email"],
    "other": ["profile_data", "$1", "", "livenessx"],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in STEP_ROWS.items() for name in names])
def test_a_step_of_this_name_is_this_kind_of_check(kind: str, name: str) -> None:
    assert check_kind(name) == kind


def test_every_step_of_the_table_has_a_row_here() -> None:
    assert set(STEPS) <= {name for names in STEP_ROWS.values() for name in names}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("OK", "passed"),
        ("ok", "passed"),
        ("KO", "failed"),
        (None, "not_done"),
        ("SKIPPED", "unrecognised"),
        (True, "unrecognised"),
        (["OK"], "unrecognised"),
    ],
)
def test_the_outcome_of_a_step_means_this(raw: object, status: str) -> None:
    assert step_status(raw) == status


@pytest.mark.parametrize(
    ("slot", "page", "kind"),
    [
        ("id_document_image", 0, "document_front"),
        ("id_document_image", 1, "document_back"),
        ("selfie_image", 0, "selfie"),
        ("selfie_image", 1, "selfie"),
        ("liveness_video$1", 0, "liveness_video"),
        ("proof_of_address_image", 0, "supporting_document"),
        ("kbis", 1, "supporting_document"),
    ],
)
def test_a_file_of_this_slot_shows_this(slot: str, page: int, kind: str) -> None:
    assert evidence_kind(slot, page) == kind
