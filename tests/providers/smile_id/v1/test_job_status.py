"""What an answer to `job_status` says: one answer decides a job, or nothing does."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from tests.providers.any_json import JSON
from tests.providers.smile_id.v1.samples import BIOMETRIC, IDENTITY, frame, past, result, snapshot
from vigil.domain.snapshot import Check, Drift, Part, Reason, ReviewExpiry, Snapshot
from vigil.domain.terms import Advice, CheckKind, CheckStatus, Decision, Outcome, ReasonCode, SessionKind, Stage
from vigil.providers.smile_id.v1.job_status import snapshot_of

APPROVED, DECLINED, INCONCLUSIVE = Decision.APPROVED, Decision.DECLINED, Decision.INCONCLUSIVE
Verdict = tuple[Stage, Decision | None, Outcome | None, Advice]
WAITING: Verdict = (Stage.PROCESSING, None, None, Advice.NONE)
IN_REVIEW: Verdict = (Stage.IN_REVIEW, None, None, Advice.NONE)

_PATIENT = given_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def decided(decision: Decision, advice: Advice = Advice.NONE) -> Verdict:
    return (Stage.CONCLUDED, decision, None, advice)


def failed(advice: Advice) -> Verdict:
    return (Stage.CONCLUDED, None, Outcome.FAILED, advice)


def verdict(found: Snapshot) -> Verdict:
    return (found.stage, found.decision, found.ended, found.advice)


def of_type_1(*codes: str, is_complete: bool = True) -> Snapshot:
    """An answer about the first code whose history holds all of them, the newest first."""
    return snapshot(frame(result(codes[0]), is_complete=is_complete, history=past(*codes)))


@pytest.mark.parametrize(
    ("job_type", "code", "expected"),
    [
        (2, "0820", decided(APPROVED)),
        (2, "0821", decided(DECLINED)),
        (2, "0822", IN_REVIEW),
        (2, "1221", decided(DECLINED)),
        (4, "0840", decided(APPROVED)),
        (4, "0846", IN_REVIEW),
        (4, "0941", decided(DECLINED, Advice.NEW_ATTEMPT)),
        (5, "1012", decided(APPROVED)),
        (5, "1013", decided(DECLINED)),
        (5, "1014", failed(Advice.FIX_INPUT)),
        (5, "1015", (Stage.PROCESSING, None, None, Advice.ASK_AGAIN)),
        (5, "1016", failed(Advice.FIX_CONFIGURATION)),
        (5, "1021", decided(APPROVED)),
        (5, "1022", decided(DECLINED)),
        (6, "0810", decided(APPROVED)),
        (6, "0812", decided(DECLINED)),
        (6, "0817", decided(INCONCLUSIVE)),
        (7, "1012", decided(APPROVED)),
        (10, "1030", decided(DECLINED)),
        (10, "1031", decided(APPROVED)),
        (11, "0810", decided(APPROVED)),
        (11, "0816", decided(DECLINED)),
        (11, "1012", WAITING),
        (11, "1014", failed(Advice.FIX_INPUT)),
    ],
)
def test_a_job_of_one_part_is_decided_by_its_code_and_its_type(job_type: int, code: str, expected: Verdict) -> None:
    assert verdict(snapshot(frame(result(code, job_type)))) == expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("0810", "1012"), decided(APPROVED)),
        (("1210", "0814", "1012"), decided(APPROVED)),
        (("1211", "0810", "1012"), decided(DECLINED)),
        (("1213", "0815", "1012"), decided(INCONCLUSIVE)),
        (("0811", "1012"), decided(DECLINED)),
        (("0911", "1012"), decided(DECLINED, Advice.NEW_ATTEMPT)),
        (("0810", "1013"), decided(DECLINED)),
        (("1210", "1013"), decided(DECLINED)),
        (("1013",), decided(DECLINED)),
        (("0811",), decided(DECLINED)),
        (("0810", "1014"), failed(Advice.FIX_INPUT)),
        (("1016",), failed(Advice.FIX_CONFIGURATION)),
        (("0811", "1014"), decided(DECLINED)),
        (("1012",), WAITING),
        (("0810",), WAITING),
        (("1210",), WAITING),
        (("0814",), WAITING),
        (("0810", "1015"), (Stage.PROCESSING, None, None, Advice.ASK_AGAIN)),
        (("0814", "1015"), (Stage.PROCESSING, None, None, Advice.ASK_AGAIN)),
        (("0908", "1012"), (Stage.PROCESSING, None, None, Advice.ASK_AGAIN)),
        (("0814", "1012"), IN_REVIEW),
        (("0812", "1012"), IN_REVIEW),
    ],
)
def test_biometric_kyc_is_decided_by_both_parts_or_by_one_that_fails(codes: tuple[str, ...], expected: Verdict) -> None:
    assert verdict(of_type_1(*codes)) == expected


@pytest.mark.parametrize("order", list(permutations(["1012", "0814", "1210"])))
def test_a_reviewer_overrules_a_machine_whatever_the_order(order: tuple[str, ...]) -> None:
    assert verdict(of_type_1(*order)) == decided(APPROVED)


@pytest.mark.parametrize("order", list(permutations(["1012", "0810", "1211"])))
def test_a_machine_never_overrules_a_reviewer(order: tuple[str, ...]) -> None:
    assert verdict(of_type_1(*order)) == decided(DECLINED)


@pytest.mark.parametrize("order", [("1012", "1015", "0810"), ("1015", "1012", "0810")])
def test_an_authority_that_answered_at_last_has_answered(order: tuple[str, ...]) -> None:
    assert verdict(of_type_1(*order)) == decided(APPROVED)


def test_of_two_verdicts_of_machines_the_newer_one_counts() -> None:
    assert verdict(of_type_1("0811", "0810", "1012")) == decided(DECLINED)
    assert verdict(of_type_1("0810", "0811", "1012")) == decided(APPROVED)


def test_a_reviewer_overrules_a_machine_in_jobs_of_one_part_too() -> None:
    found = snapshot(frame(result("0820", 2), history=past("0820", "1221")))

    assert verdict(found) == decided(DECLINED)


def test_both_parts_are_shown() -> None:
    assert of_type_1("1210", "0814", "1012").parts == (
        Part(name="identity", code="1012", decision=APPROVED),
        Part(name="biometric", code="1210", decision=APPROVED, reviewed=True),
    )
    assert of_type_1("0814", "1012").parts[1] == Part(name="biometric", code="0814", provisional=True)
    assert snapshot(frame(result("0810", 6))).parts == ()


@pytest.mark.parametrize(("job_type", "code"), [(1, "1210"), (5, "1012"), (5, "1013"), (5, "1014"), (6, "0817")])
def test_what_is_not_complete_is_never_decided(job_type: int, code: str) -> None:
    found = snapshot(frame(result(code, job_type), is_complete=False, history=past("1012")), of_6_0817="approved")

    assert (found.stage, found.decision, found.ended, found.review_expires_to) == (Stage.PROCESSING, None, None, None)
    assert found.artifacts == ()


def test_a_review_that_the_vendor_does_not_call_complete_lapses_to_nothing() -> None:
    found = of_type_1("0814", "1012", is_complete=False)

    assert (found.stage, found.word, found.code, found.review_expires_to) == (Stage.IN_REVIEW, "0814", "0814", None)


@pytest.mark.parametrize(
    "content",
    [
        frame("No zip file received", is_complete=False, code="2314"),
        frame("No zip uploaded yet", is_complete=False),
        frame(None, is_complete=False),
        frame(result("0810", 6), is_complete=False, code="2314"),
    ],
)
def test_a_job_that_nobody_has_uploaded_waits_for_the_applicant(content: dict[str, Any]) -> None:
    assert snapshot(content, 1).stage is Stage.AWAITING_APPLICANT


@pytest.mark.parametrize("is_success", [True, False])
def test_success_says_nothing(is_success: object) -> None:
    found = frame(result("1012", 5)) | {"job_success": is_success}

    assert verdict(snapshot(found)) == decided(APPROVED)


@pytest.mark.parametrize("is_final", ["false", "true", None])
def test_the_word_final_is_no_gate(is_final: str | None) -> None:
    assert verdict(snapshot(frame(result("1012", 5, IsFinalResult=is_final)))) == decided(APPROVED)


def test_a_provisional_result_lapses_to_inconclusive() -> None:
    found = of_type_1("0814", "1012")

    reasons = (Reason(code=ReasonCode.PROVISIONAL, word="0814"),)
    assert found.reasons == reasons
    assert found.review_expires_to == ReviewExpiry(decision=INCONCLUSIVE, reasons=reasons)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (snapshot(frame(result("1015", 5))), "1015"),
        (snapshot(frame(result("1015", 7), is_complete=False)), "1015"),
        (of_type_1("0810", "1015"), "1015"),
        (of_type_1("0908", "1012"), "0908"),
    ],
)
def test_an_authority_that_stays_away_lapses_to_a_failure(found: Snapshot, code: str) -> None:
    reasons = (Reason(code=ReasonCode.AUTHORITY_UNAVAILABLE, word=code),)
    assert found.stage is Stage.PROCESSING
    assert found.review_expires_to == ReviewExpiry(ended=Outcome.FAILED, advice=Advice.NEW_ATTEMPT, reasons=reasons)


def test_a_part_that_is_missing_lapses_to_nothing() -> None:
    assert of_type_1("0814").review_expires_to is None
    assert of_type_1("1012").review_expires_to is None


@pytest.mark.parametrize("decision", ["approved", "declined", "inconclusive"])
def test_a_policy_decides_what_is_the_partners_to_decide_and_says_so(decision: str) -> None:
    found = snapshot(frame(result("0817", 6)), of_6_0817=decision)

    assert verdict(found) == decided(Decision(decision))
    assert found.reasons == (
        Reason(code=ReasonCode.DOCUMENT_EXPIRED, word="0817"),
        Reason(code=ReasonCode.OTHER, word="policy:6.0817"),
    )


def test_a_policy_holds_for_its_own_row_only() -> None:
    assert verdict(snapshot(frame(result("0817", 11)), of_6_0817="approved")) == decided(INCONCLUSIVE)


def test_a_policy_makes_a_provisional_result_a_verdict_that_a_reviewer_may_reverse() -> None:
    before = snapshot(frame(result("0814"), history=past("0814", "1012")), of_1_0814="approved")
    after = snapshot(frame(result("0814"), history=past("0814", "1211", "1012")), of_1_0814="approved")

    assert (verdict(before), verdict(after)) == (decided(APPROVED), decided(DECLINED))
    assert before.parts[1] == Part(name="biometric", code="0814", decision=APPROVED, provisional=True)


@pytest.mark.parametrize("identity", [(), ("1015",), ("1013",), ("1014",)])
def test_a_policy_approves_nobody_whose_identity_did_not_pass(identity: tuple[str, ...]) -> None:
    found = snapshot(frame(result("0814"), history=past("0814", *identity)), of_1_0814="approved")

    assert found.decision is not APPROVED
    assert found.review_expires_to is None or found.review_expires_to.decision is None


@pytest.mark.parametrize(
    ("content", "field", "value"),
    [
        (frame(result("9999", 6)), "ResultCode", "9999"),
        (frame(result("0810", 9)), "ResultCode", "0810"),
        (frame(result("0810", "a new one")), "ResultCode", "0810"),
        (frame(result(None, 6)), "ResultCode", None),
        (frame(result("0810", 6)) | {"job_complete": "true"}, "job_complete", "true"),
        (frame(result("0810", 6)) | {"job_complete": None}, "job_complete", None),
        (frame(result("0810", 6), code="2399"), "code", "2399"),
        (frame(result("0810", 6)) | {"code": ["2302"]}, "code", None),
        (frame("Some words"), "result", None),
        ([], "job_complete", None),
    ],
)
def test_what_no_table_knows_is_no_verdict(content: object, field: str, value: str | None) -> None:
    found = snapshot(content)

    assert (found.stage, found.decision, found.review_expires_to) == (Stage.UNRECOGNISED, None, None)
    assert found.unrecognised == (Drift(field=field, value=value),)


def test_an_unknown_code_that_is_newer_than_a_verdict_holds_it_back() -> None:
    found = snapshot(frame(result("1012"), history=past("9999", "0810", "1012")))

    assert (found.stage, found.decision) == (Stage.UNRECOGNISED, None)
    assert found.unrecognised == (Drift(field="ResultCode", value="9999"),)


def test_an_unknown_code_that_is_older_is_noted_and_holds_nothing_back() -> None:
    found = of_type_1("1210", "1012", "9999")

    assert verdict(found) == decided(APPROVED)
    assert found.unrecognised == (Drift(field="ResultCode", value="9999"),)


def test_the_type_of_job_is_the_answers_own_and_else_the_one_that_we_were_given() -> None:
    bare = {"ResultCode": "0812"}

    assert snapshot(frame(bare), 6).decision is DECLINED
    assert snapshot(frame(bare | {"PartnerParams": {"job_type": "1"}}), 6).stage is Stage.PROCESSING


def test_an_answer_says_whom_it_is_about() -> None:
    business = snapshot(frame(result("1012", 7)))

    assert (business.sender, business.session_kind) == ("v1", SessionKind.BUSINESS)
    assert (business.word, business.code) == ("1012", "1012")


def test_what_was_looked_at_is_reported_without_scores() -> None:
    found = snapshot(frame(BIOMETRIC, history=past("0814", "1012")))

    assert found.checks == (
        Check(kind=CheckKind.REVIEW, name="Human_Review_Compare", status=CheckStatus.NOT_APPLICABLE),
        Check(kind=CheckKind.LIVENESS, name="Liveness_Check", status=CheckStatus.UNDER_REVIEW),
        Check(kind=CheckKind.OTHER, name="Selfie_Check", status=CheckStatus.PASSED),
    )
    assert "93" not in found.model_dump_json()


def test_what_both_parts_looked_at_is_reported_together() -> None:
    found = snapshot(frame(IDENTITY, history=[BIOMETRIC, IDENTITY]))

    assert {each.name for each in found.checks} == {
        "Human_Review_Compare",
        "Liveness_Check",
        "Return_Personal_Info",
        "Selfie_Check",
        "Verify_ID_Number",
    }


@pytest.mark.parametrize(
    ("value", "status"),
    [
        *((value, CheckStatus.PASSED) for value in ("Passed", "Completed", "Approved", "Verified", "Returned")),
        ("Exact Match", CheckStatus.PASSED),
        *((value, CheckStatus.FAILED) for value in ("Failed", "Rejected", "Not Verified", "No Match")),
        *((value, CheckStatus.UNCLEAR) for value in ("Provisionally Approved", "Unable To Determine")),
        *((value, CheckStatus.UNCLEAR) for value in ("Partial Match", "Transposed")),
        *((value, CheckStatus.UNDER_REVIEW) for value in ("Under Review", "Sent to Human Review")),
        *((value, CheckStatus.NOT_DONE) for value in ("Not Returned", "Not Done", "Issuer Unavailable")),
        *((value, CheckStatus.NOT_DONE) for value in ("ID Authority Photo Not Available", "Not Provided")),
        ("Not Applicable", CheckStatus.NOT_APPLICABLE),
    ],
)
def test_every_known_value_of_an_action_has_its_status(value: str, status: CheckStatus) -> None:
    found = snapshot(frame(result("0810", 6, Actions={"Liveness_Check": value})))

    assert found.checks == (Check(kind=CheckKind.LIVENESS, name="Liveness_Check", status=status),)
    assert found.unrecognised == ()


@pytest.mark.parametrize(
    ("value", "kept"), [("Vanished", "Vanished"), ("Somebody's words", None), (7, "7"), (None, None)]
)
def test_an_unknown_value_of_an_action_is_named_and_holds_nothing_back(value: object, kept: str | None) -> None:
    found = snapshot(frame(result("0810", 6, Actions={"Liveness_Check": value})))

    assert verdict(found) == decided(APPROVED)
    assert found.checks[0].status is CheckStatus.UNRECOGNISED
    assert found.unrecognised == (Drift(field="Actions.Liveness_Check", value=kept),)


def test_an_unknown_action_is_named() -> None:
    found = snapshot(frame(result("0810", 6, Actions={"Mood_Check": "Passed", "two words": "Passed"})))

    assert found.checks == (Check(kind=CheckKind.OTHER, name="Mood_Check", status=CheckStatus.PASSED),)
    assert found.unrecognised == (Drift(field="Actions", value="Mood_Check"),)


@_PATIENT
@given(
    st.fixed_dictionaries(
        {"job_complete": st.booleans(), "code": st.just("2302") | JSON},
        optional={
            "result": JSON
            | st.dictionaries(st.sampled_from(["PartnerParams", "ResultCode", "Actions", "Photo"]), JSON),
            "history": JSON,
            "image_links": JSON,
        },
    )
)
def test_no_content_makes_reading_fail_or_decides(content: dict[str, Any]) -> None:
    assert snapshot(content, 8).decision is None


@_PATIENT
@given(JSON)
def test_no_answer_makes_reading_fail(content: Any) -> None:
    assert snapshot(content, 1).decision is None


def test_results_beyond_our_limit_are_not_left_out_in_silence() -> None:
    whole = snapshot_of(frame(result("0810", 6), history=past("0810") * 99), job_type=6, policy={})
    cut = snapshot_of(frame(result("0810", 6), history=past("0810") * 100), job_type=6, policy={})

    assert whole.unrecognised == ()
    assert (cut.decision, cut.unrecognised) == (Decision.APPROVED, (Drift(field="history", value="more_than_100"),))
