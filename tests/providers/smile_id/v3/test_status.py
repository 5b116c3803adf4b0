"""What a status and the callback that explains it mean in our words."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.any_json import JSON
from tests.providers.smile_id.v3.samples import as_bytes, attention, block, clear, error, status
from vigil.domain.snapshot import Check, Drift, Reason, Snapshot
from vigil.domain.terms import Advice, CheckKind, CheckStatus, Decision, Outcome, ReasonCode, Stage
from vigil.providers.smile_id.policy import PolicyDecision
from vigil.providers.smile_id.v3.details import Details, details_of
from vigil.providers.smile_id.v3.status import snapshot_of


def snapshot(
    word: object,
    body: dict[str, Any] | None = None,
    *,
    has_ended: bool = True,
    product: str | None = None,
    policy: dict[str, Any] | None = None,
) -> Snapshot:
    details = None if body is None else Details(body)
    return snapshot_of(status(word), has_ended=has_ended, product=product, details=details, policy=policy or {})


@pytest.mark.parametrize(
    ("word", "decision", "ended"),
    [
        ("clear", Decision.APPROVED, None),
        ("block", Decision.DECLINED, None),
        ("attention", Decision.INCONCLUSIVE, None),
        ("error", None, Outcome.FAILED),
    ],
)
def test_a_status_alone_shows_the_verdict_and_lacks_the_rest(
    word: str, decision: Decision | None, ended: Outcome | None
) -> None:
    read = snapshot(word)

    assert (read.stage, read.decision, read.ended, read.word) == (Stage.CONCLUDED, decision, ended, word)
    assert read.lacks_details
    assert (read.reasons, read.checks, read.artifacts, read.advice) == ((), (), (), Advice.NONE)


@pytest.mark.parametrize(
    ("product", "stage"),
    [
        (None, Stage.PROCESSING),
        ("document_verification", Stage.PROCESSING),
        ("residency_document_verification", Stage.IN_REVIEW),
    ],
)
def test_a_job_that_is_not_over_waits_for_a_machine_or_for_a_person(product: str | None, stage: Stage) -> None:
    for has_ended in (False, True):
        read = snapshot("processing", has_ended=has_ended, product=product)
        assert (read.stage, read.word, read.decision, read.ended, read.lacks_details) == (
            (stage, "processing", None, None, False)
        )


def test_a_job_that_is_complete_has_no_verdict_and_asks_for_a_person() -> None:
    read = snapshot("complete", clear(status="complete"))

    assert (read.stage, read.decision, read.ended, read.lacks_details) == (Stage.UNRECOGNISED, None, None, False)
    assert read.unrecognised == (Drift(field="status", value="complete"),)


@pytest.mark.parametrize("word", ["clear", "block", "attention", "error", "complete"])
def test_a_verdict_that_is_said_not_to_be_one_yet_is_none(word: str) -> None:
    read = snapshot(word, clear(status=word), has_ended=False)

    assert (read.stage, read.decision, read.ended) == (Stage.UNRECOGNISED, None, None)
    assert read.unrecognised == (Drift(field="status", value=word),)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("approved", "approved"),
        ("pending", "pending"),
        ("rejected", "rejected"),
        ("Clear", "Clear"),
        ("CLEAR", "CLEAR"),
        (" clear", None),
        ("not_found", "not_found"),
        ("", None),
        (None, "NoneType"),
        (1, "int"),
        (["clear"], "list"),
    ],
)
def test_any_other_word_decides_nothing(word: object, value: str | None) -> None:
    read = snapshot(word)

    assert (read.stage, read.decision, read.ended, read.lacks_details) == (Stage.UNRECOGNISED, None, None, False)
    assert read.unrecognised == (Drift(field="status", value=value),)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("document_expired", ReasonCode.DOCUMENT_EXPIRED),
        ("document_copy_detected", ReasonCode.DOCUMENT_REJECTED),
        ("age_requirement_not_met", ReasonCode.AGE),
        ("news_media_match", ReasonCode.ON_A_LIST),
        ("medium_risk", ReasonCode.OTHER),
        ("information_outdated", ReasonCode.OTHER),
        ("high_risk", ReasonCode.OTHER),
        ("identifier_not_found", ReasonCode.NOT_FOUND_IN_REGISTER),
        ("face_verification_failed", ReasonCode.FACE_MISMATCH),
        ("spoof_detected", ReasonCode.SPOOF),
        ("document_check_failed", ReasonCode.DOCUMENT_REJECTED),
        ("unsupported_document", ReasonCode.DOCUMENT_UNSUPPORTED),
        ("aml_match_found", ReasonCode.ON_A_LIST),
        ("account_locked_fraud", ReasonCode.OTHER),
        ("address_out_of_range", ReasonCode.DATA_MISMATCH),
        ("name_mismatch", ReasonCode.DATA_MISMATCH),
        ("no_address_on_record", ReasonCode.NOT_FOUND_IN_REGISTER),
        ("service_unavailable", ReasonCode.AUTHORITY_UNAVAILABLE),
        ("internal_error", ReasonCode.TECHNICAL),
        ("image_unavailable_or_invalid", ReasonCode.IMAGE_UNUSABLE),
        ("document_unclassifiable", ReasonCode.IMAGE_UNUSABLE),
        ("invalid_id_number", ReasonCode.OTHER),
        ("content_policy_violated", ReasonCode.OTHER),
        ("something_new", ReasonCode.OTHER),
    ],
)
def test_a_reason_explains_and_never_decides(reason: str, code: ReasonCode) -> None:
    decided = {"clear": Decision.APPROVED, "block": Decision.DECLINED, "attention": Decision.INCONCLUSIVE}
    for word, decision in decided.items():
        read = snapshot(word, clear(status=word, reason=reason))
        assert (read.decision, read.code, read.reasons) == (decision, reason, (Reason(code=code, word=reason),))
        assert (read.advice, read.lacks_details) == (Advice.NONE, False)


@pytest.mark.parametrize("reason", [None, "", 7, ["document_expired"]])
def test_no_reason_is_none(reason: object) -> None:
    assert snapshot("block", block(reason=reason)).reasons == ()


def test_a_reason_in_somebodys_own_words_is_other_without_them() -> None:
    read = snapshot("block", block(reason="Zuri did not look up"))

    assert (read.reasons, read.code) == ((Reason(code=ReasonCode.OTHER),), None)


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("service_unavailable", Advice.NEW_ATTEMPT),
        ("internal_error", Advice.NEW_ATTEMPT),
        ("image_unavailable_or_invalid", Advice.FIX_INPUT),
        ("document_unclassifiable", Advice.FIX_INPUT),
        ("invalid_id_number", Advice.FIX_INPUT),
        ("content_policy_violated", Advice.FIX_INPUT),
        ("something_new", Advice.FIX_INPUT),
        (None, Advice.NONE),
    ],
)
def test_an_error_is_no_verdict_and_says_what_may_help(reason: str | None, advice: Advice) -> None:
    read = snapshot("error", error(reason=reason))

    assert (read.decision, read.ended, read.advice) == (None, Outcome.FAILED, advice)


def test_an_account_may_rule_what_attention_for_one_reason_counts_for() -> None:
    policy = {"attention/document_expired": "approved", "attention/medium_risk": "declined"}
    read = snapshot("attention", attention(), policy=policy)

    assert read.decision is Decision.APPROVED
    assert read.reasons == (
        Reason(code=ReasonCode.DOCUMENT_EXPIRED, word="document_expired"),
        Reason(code=ReasonCode.OTHER, word="policy:attention.document_expired"),
    )
    assert snapshot("attention", attention(reason="medium_risk"), policy=policy).decision is Decision.DECLINED
    for other in ("news_media_match", None, "Document_expired"):
        assert snapshot("attention", attention(reason=other), policy=policy).decision is Decision.INCONCLUSIVE


@pytest.mark.parametrize(("word", "decision"), [("block", Decision.DECLINED), ("clear", Decision.APPROVED)])
def test_no_account_may_rule_on_a_verdict(word: str, decision: Decision) -> None:
    policy = {f"{word}/document_expired": "inconclusive", "attention/document_expired": "inconclusive"}

    assert snapshot(word, attention(status=word), policy=policy).decision is decision


def test_attention_without_its_callback_is_not_ruled_on() -> None:
    assert snapshot("attention", policy={"attention/document_expired": "approved"}).decision is Decision.INCONCLUSIVE


def checks(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    found: tuple[Check, ...] = Details(body).checks()
    return {check.name: (check.kind, check.status) for check in found}


def test_checks_report_what_was_looked_at() -> None:
    assert checks(attention()) == {
        "id_fields": (CheckKind.OTHER, CheckStatus.PASSED),
        "fraud": (CheckKind.OTHER, CheckStatus.PASSED),
        "smile_secure": (CheckKind.OTHER, CheckStatus.PASSED),
    }
    assert checks(block()) == {}
    assert checks(clear(id_fields={})) == {"id_fields": (CheckKind.OTHER, CheckStatus.NOT_DONE)}
    assert checks(
        block(
            antifraud={
                "summary": {"fraud_detected": True},
                "smile_secure": {"status": "block", "suspect_users": [{"user_id": "cust-9"}]},
            }
        )
    ) == {
        "fraud": (CheckKind.OTHER, CheckStatus.FAILED),
        "smile_secure": (CheckKind.OTHER, CheckStatus.FAILED),
    }


@pytest.mark.parametrize(
    ("known_faces", "expected"),
    [("attention", CheckStatus.UNCLEAR), ("pending", CheckStatus.UNRECOGNISED)],
)
def test_a_part_that_is_not_clear_is_not_passed(known_faces: str, expected: CheckStatus) -> None:
    assert checks(block(antifraud={"smile_secure": {"status": known_faces}})) == {
        "smile_secure": (CheckKind.OTHER, expected)
    }


def test_the_other_shape_of_antifraud_is_not_misread() -> None:
    levels = {"fraud_risk_level": "high", "fraud_risk_score": 92, "fraud_risk_indicator_groups": ["device_risk"]}

    assert checks(block(antifraud=levels)) == {}


@pytest.mark.parametrize(
    ("word", "persons", "expected"),
    [
        ("clear", 0, CheckStatus.PASSED),
        ("block", 1, CheckStatus.UNCLEAR),
        ("attention", 3, CheckStatus.UNCLEAR),
        ("error", 0, None),
        ("clear", True, None),
        ("clear", "0", None),
    ],
)
def test_a_name_on_a_list_is_a_flag_and_no_proof(word: str, persons: object, expected: CheckStatus | None) -> None:
    found = checks({"status": word, "product": "one_time_aml", "no_of_persons_found": persons, "people": []})

    assert found == ({} if expected is None else {"watchlist": (CheckKind.WATCHLIST, expected)})


def test_files_are_listed_where_there_is_a_link() -> None:
    documents = [{"image_link": "https://files.invalid/v", "full_name": "Zuri"}, {"image_link": None}, "x"]
    body = attention(additional_documents=[*documents, {"image_link": "https://files.invalid/w"}])

    assert [(each.name, str(each.kind), each.locator) for each in Details(body).artifacts()] == [
        ("selfie", "selfie", "selfie_image"),
        ("id-card-front", "document_front", "id_card_image"),
        ("kyc-receipt", "receipt", "kyc_receipt"),
        ("additional-document-1", "supporting_document", "additional_documents.1"),
        ("additional-document-4", "supporting_document", "additional_documents.4"),
    ]
    assert Details(body).link("additional_documents.4") == "https://files.invalid/w"
    assert Details(body).link("id_card_back_image") is None


def test_times_come_from_the_callback() -> None:
    read = snapshot("clear", clear(), product="somebody_said")

    assert read.provider_created_at is not None
    assert read.provider_finished_at is not None
    assert read.provider_created_at.isoformat() == "2026-10-01T09:00:00+00:00"
    assert read.provider_finished_at.isoformat() == "2026-10-01T09:00:03+00:00"
    # The reply's own `created_at` is the time of the reply.
    assert snapshot("clear").provider_created_at is None


def choose(word: str, *bodies: dict[str, Any]) -> str | None:
    found = details_of(word, [as_bytes(body) for body in bodies])
    return None if found is None else str(found.body["message"])


def test_the_first_callback_that_says_the_same_explains_a_status() -> None:
    newest, older, other = clear(message="newest"), clear(message="older"), block(message="other")

    assert choose("clear", newest, older, other) == "newest"
    assert choose("clear", other, older) == "older"
    assert choose("clear", other) is None
    assert choose("clear") is None
    assert choose("clear", clear(status="Clear", message="shouting")) is None


def test_a_jobs_own_callback_goes_before_news_of_a_list_it_is_watched_on() -> None:
    update = clear(message="update", product="aml_monitoring_update")

    assert choose("clear", update, clear(message="own")) == "own"
    assert choose("clear", update, block(message="own")) == "update"


def test_a_callback_that_cannot_be_read_explains_nothing() -> None:
    assert details_of("clear", [b"{", b"[]", b'"clear"', as_bytes(clear())]) == Details(clear())


@given(field=st.sampled_from(sorted({**attention(), "additional_documents": 0, "no_of_persons_found": 0})), value=JSON)
def test_no_field_of_a_callback_changes_a_verdict_or_makes_reading_fail(field: str, value: Any) -> None:
    assert snapshot("block", attention(**{field: value})).decision is Decision.DECLINED


def test_a_policy_does_not_act_on_later_news() -> None:
    policy: Mapping[str, PolicyDecision] = {"attention/document_expired": "approved"}
    decided = []
    for body in (attention(), attention(product="aml_monitoring_update")):
        details = details_of("attention", [as_bytes(body)])
        read = snapshot_of({"status": "attention"}, has_ended=True, product=None, details=details, policy=policy)
        decided.append(read.decision)

    assert decided == [Decision.APPROVED, Decision.INCONCLUSIVE]


def test_a_file_that_cannot_be_fetched_is_shown_and_asks_a_person() -> None:
    body = {
        "status": "clear",
        "image_links": {"selfie_image": "https://files.invalid/s", "hologram_image": "https://files.invalid/h"},
        "additional_documents": [{"image_link": ""}, *({"image_link": "https://files.invalid/d"} for _ in range(20))],
    }
    found = snapshot_of({"status": "clear"}, has_ended=True, product=None, details=Details(body), policy={})

    assert found.decision is Decision.APPROVED
    assert found.unrecognised == (
        Drift(field="image_links", value="hologram_image"),
        Drift(field="additional_documents", value="more_than_20"),
        Drift(field="additional_documents", value="without_link"),
    )
