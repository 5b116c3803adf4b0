"""Smile ID's JSON of the first generation, written from its documents and libraries, with an invented person inside."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from vigil.simulator.smile_id.files import RECEIPTS, image_names, photo
from vigil.simulator.smile_id.person import CANARIES, NOT_AVAILABLE
from vigil.simulator.smile_id.scenario import Ids, SmileIdScenario
from vigil.simulator.smile_id.script import AUTHORITY_DOWN, PROVISIONAL, Beat, Kind

Link = Callable[[str], str]
"""Makes a link to a file of the job by its name."""

PASSING: Final = frozenset(
    {"0810", "0817", "0820", "0840", "1012", "1020", "1021", "1031", "1210", "1220", "1240"},
)
BASIC: Final = frozenset({"1020", "1021", "1022", "1023"})
_TEXTS: Final[Mapping[str, str]] = {
    "0810": "Passed",
    "0811": "Failed, faces differ",
    "0812": "Provisional, face undecided",
    "0814": "Provisional, possible spoof",
    "0816": "Document not supported",
    "0817": "Verified, document expired",
    "1012": "ID looked up",
    "1013": "ID number not validated",
    "1014": "ID number format not supported",
    "1015": "ID authority not reachable",
    "1210": "Approved after human review",
    "1211": "Rejected after human review",
    "1213": "Reviewer not sure",
}
_FACE: Final = (
    "Liveness_Check",
    "Selfie_Check",
    "Selfie_Provided",
    "Register_Selfie",
    "Selfie_To_ID_Authority_Compare",
    "Selfie_To_ID_Card_Compare",
    "Selfie_To_Registered_Selfie_Compare",
    "Update_Registered_Selfie_On_File",
    "Human_Review_Compare",
    "Human_Review_Liveness_Check",
    "Human_Review_Selfie_Check",
    "Human_Review_Update_Selfie",
)


def result(ids: Ids, scenario: SmileIdScenario, beat: Beat, link: Link) -> dict[str, Any]:
    """Return one result, as a callback has it and as job_status has it but for the signature."""
    code = beat.word or ""
    told: dict[str, Any] = {
        "JSONVersion": "1.0.0",
        "SmileJobID": ids.smile_job,
        "PartnerParams": _partner_params(ids, scenario),
        "ResultCode": int(code) if scenario.code_as == "integer" else code,
        "ResultText": _TEXTS.get(code, "See the documents"),
        "Source": "WebAPI",
    }
    if scenario.has_actions:
        told["Actions"] = _actions(scenario, beat, code)
    flagged = scenario.final_flag == "always" or (scenario.final_flag == "at the end" and beat.is_settled)
    # Documents have none (documented by their samples).
    if flagged and scenario.job_type not in {6, 11}:
        told["IsFinalResult"] = "true" if beat.is_settled else "false"
    return {**told, **_more(ids, scenario, beat, code, link)}


def job_status(
    ids: Ids, scenario: SmileIdScenario, results: Sequence[Beat], link: Link, *, history: bool, image_links: bool
) -> dict[str, Any]:
    """Return the reply about a job whose applicant is done, but for its signature; results come oldest first."""
    is_complete = bool(results) and (
        results[-1].is_settled or (results[-1].is_final and scenario.unsettled_is_complete)
    )
    told: dict[str, Any] = {"code": "2302", "job_complete": is_complete, "job_success": False}
    if results:
        newest = next((beat for beat in reversed(results) if beat.kind is not Kind.IDENTITY), results[-1])
        told["result"] = result(ids, scenario, newest, link)
        told["job_success"] = is_complete and scenario.success_is_told and _is_success(results)
    if history:
        rows = results if scenario.history_order == "oldest first" else results[::-1]
        told["history"] = [result(ids, scenario, beat, link) for beat in rows]
    if image_links:
        told |= _image_links(scenario, link)
    if results and scenario.job_type in RECEIPTS:
        receipt = RECEIPTS[scenario.job_type]
        told[receipt] = link(receipt)
    return told


def _image_links(scenario: SmileIdScenario, link: Link) -> dict[str, Any]:
    if names := image_names(scenario):
        return {"image_links": {name: link(name) for name in names}}
    if scenario.no_images_as == "absent":
        return {}
    return {"image_links": {"error": "No images"} if scenario.no_images_as == "error" else {}}


def _is_success(results: Iterable[Beat]) -> bool:
    newest = {beat.kind: beat.word for beat in results}
    return all(code in PASSING for code in newest.values())


def not_submitted(scenario: SmileIdScenario) -> dict[str, Any]:
    """Return the reply about a job whose applicant is not done, but for its signature."""
    text = "No zip file received" if scenario.before_upload == "2314" else "No job found"
    return {"job_complete": False, "job_success": False, "code": scenario.before_upload, "result": text}


def _partner_params(ids: Ids, scenario: SmileIdScenario) -> dict[str, Any]:
    forms: Mapping[str, Any] = {"text": str(scenario.job_type), "decimal": float(scenario.job_type)}
    job_type = forms.get(scenario.job_type_as, scenario.job_type)
    return {"job_id": ids.job, "user_id": ids.user, "job_type": job_type, **scenario.partner_params}


def _actions(scenario: SmileIdScenario, beat: Beat, code: str) -> dict[str, str]:
    if code in BASIC:
        return _matches(code)
    match scenario.job_type, beat.kind:
        case (5, _) | (_, Kind.IDENTITY):
            return _looked_up(code)
        case 7, _:
            found = code == "1012"
            return {
                "Verify_Business": "Verified" if found else "Not Verified",
                "Return_Business_Info": "Returned" if found else "Not Returned",
            }
        case 10, _:
            return {"Listed": "Listed" if code == "1030" else "Not Listed"}
        case _:
            return _seen(scenario, code)


def _matches(code: str) -> dict[str, str]:
    names = {"1020": "Exact Match", "1021": "Partial Match"}.get(code, "No Match")
    return {
        "Names": names,
        "DOB": "Exact Match" if code in PASSING else "No Match",
        "Gender": "Not Provided",
        "Phone_Number": "Not Provided",
        "ID_Verification": "Completed",
        "Verify_ID_Number": "Verified" if code in PASSING else "Not Verified",
        "Return_Personal_Info": "Not Applicable",
    }


def _looked_up(code: str) -> dict[str, str]:
    if code in AUTHORITY_DOWN:
        return {"Verify_ID_Number": "Issuer Unavailable", "Return_Personal_Info": "Not Returned"}
    if code == "1012":
        return {"Verify_ID_Number": "Verified", "Return_Personal_Info": "Returned"}
    return {"Verify_ID_Number": "Not Verified", "Return_Personal_Info": "Not Returned"}


def _seen(scenario: SmileIdScenario, code: str) -> dict[str, str]:
    """Return what was made of the face, and of the document where there is one."""
    is_document = scenario.job_type in {6, 11}
    is_reviewed = code.startswith("12")
    word = _word(scenario.job_type, code)
    told = dict.fromkeys(_FACE, "Not Applicable")
    told |= {"Selfie_Provided": "Passed", "Selfie_Check": "Passed"}
    told |= {"Liveness_Check": word, "Register_Selfie": {"Passed": "Approved", "Failed": "Rejected"}.get(word, word)}
    compared = {1: "Selfie_To_ID_Authority_Compare", 2: "Selfie_To_Registered_Selfie_Compare"}
    told[compared.get(scenario.job_type, "Selfie_To_ID_Card_Compare")] = "Completed" if word == "Passed" else word
    if is_reviewed:
        told |= {"Human_Review_Compare": word, "Human_Review_Liveness_Check": word}
    if is_document:
        told |= {"Document_Check": word, "Verify_Document": word, "Human_Review_Document_Check": word}
    returned = "Returned" if scenario.job_type == 1 or (is_document and word == "Passed") else "Not Applicable"
    verified = "Verified" if scenario.job_type == 1 else "Not Applicable"
    return {**told, "Return_Personal_Info": returned, "Verify_ID_Number": verified}


def _word(job_type: int, code: str) -> str:
    if code in PROVISIONAL.get(job_type, ()):
        return "Under Review"
    if code == "1213":
        return "Unable To Determine"
    return "Passed" if code in PASSING else "Failed"


def _more(ids: Ids, scenario: SmileIdScenario, beat: Beat, code: str, link: Link) -> dict[str, Any]:
    """Return what a result has beside the fields that all have."""
    match scenario.job_type, beat.kind:
        case (5, _) | (_, Kind.IDENTITY):
            return {"ResultType": "ID Verification", **_person(ids, scenario, code)}
        case ((6 | 11), _):
            return _document(ids, scenario, code, link)
        case 7, _:
            return {"ResultType": "Business Verification", **_business(link, is_known=code == "1012")}
        case 10, _:
            people = [{"name": CANARIES["full_name"], "sanctions": []}] if code == "1030" else []
            return {"StrictMatch": True, "no_of_persons_found": len(people), "people": people}
        case _:
            return {"ConfidenceValue": CANARIES["confidence"]}


def _person(ids: Ids, scenario: SmileIdScenario, code: str) -> dict[str, Any]:
    asked = {"Country": "NG", "IDType": "VOTER_ID", "IDNumber": CANARIES["id_number"]}
    names = {
        "FullName": "full_name",
        "FirstName": "first_name",
        "LastName": "last_name",
        "DOB": "birth_date",
        "Address": "address",
        "PhoneNumber": "phone",
    }
    if code in BASIC:
        return asked
    if code != "1012":
        return {**asked, **dict.fromkeys((*names, "Gender", "Photo", "ExpirationDate"), NOT_AVAILABLE)}
    return {
        **asked,
        **{field: CANARIES[name] for field, name in names.items()},
        "Gender": "F",
        "ExpirationDate": NOT_AVAILABLE,
        "Photo": _photo(ids, scenario),
        "FullData": {"StateOfOrigin": CANARIES["birth_place"], "PollingUnitCode": "0-0-0"},
        "IDNumberPreviouslyRegistered": False,
        "UserIDsOfPreviousRegistrants": [],
    }


def _photo(ids: Ids, scenario: SmileIdScenario) -> str:
    if scenario.photo_size is None:
        return NOT_AVAILABLE
    return base64.b64encode(photo(ids.job, scenario.photo_size)).decode()


def _document(ids: Ids, scenario: SmileIdScenario, code: str, link: Link) -> dict[str, Any]:
    links = {name: link(name) for name in image_names(scenario)}
    told = {"Country": "GH", "IDType": "PASSPORT", "ImageLinks": links, "KYCReceipt": link("kyc_receipt")}
    if code not in PASSING:
        return told
    return {
        **told,
        "IDNumber": CANARIES["id_number"],
        "FullName": CANARIES["full_name"],
        "DOB": CANARIES["birth_date"],
        "Gender": "F",
        "Address": CANARIES["address"],
        "IssuanceDate": "2029-01-05",
        "ExpirationDate": "2024-01-01" if code == "0817" else "2039-01-05",
        "SecondaryIDNumber": NOT_AVAILABLE,
        "Document": base64.b64encode(photo(f"{ids.job}/document", scenario.photo_size)).decode(),
    }


def _business(link: Link, *, is_known: bool) -> dict[str, Any]:
    company = {
        "legal_name": "Invented Trading Ltd",
        "registration_number": "RC000001",
        "company_type": "PRIVATE",
        "status": "ACTIVE",
        "country": "Nigeria",
        "address": CANARIES["address"],
    }
    return {
        "company_information": company if is_known else {},
        "directors": [{"name": CANARIES["full_name"]}] if is_known else [],
        "proprietors": [],
        "beneficial_owners": [],
        "fiduciaries": [],
        "documents": {"search_certificate": link("search_certificate")} if is_known else {},
        "success": is_known,
    }
