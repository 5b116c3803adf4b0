"""Smile ID's JSON of the first generation, written from its documents and libraries, about an invented person."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vigil.simulator.smile_id.files import DOCUMENTS, RECEIPTS, Link, image_names, photo
from vigil.simulator.smile_id.payloads import MARKERS
from vigil.simulator.smile_id.scenario import Ids, SmileIdScenario
from vigil.simulator.smile_id.script import AUTHORITY_DOWN, PROVISIONAL, Event, Kind

NOT_AVAILABLE: Final = "Not Available"
NOT_SUBMITTED: Final = {
    "job_complete": False,
    "job_success": False,
    "code": "2314",
    "result": "No zip file received",
}
"""The reply about a job whose applicant has not submitted everything, without its signature."""
PASSING: Final = frozenset({"0810", "0817", "0820", "0840", "1012", "1031", "1210", "1220", "1240"})
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


def result(ids: Ids, scenario: SmileIdScenario, event: Event, link: Link) -> dict[str, Any]:
    """Return one result without its signature, as callbacks and job_status have it."""
    code = event.word
    body: dict[str, Any] = {
        "JSONVersion": "1.0.0",
        "SmileJobID": ids.smile_job,
        "PartnerParams": {
            "job_id": ids.job,
            "user_id": ids.user,
            "job_type": scenario.job_type,
            **scenario.partner_params,
        },
        "ResultCode": code,
        "ResultText": _TEXTS.get(code, "See the documents"),
        "Source": "WebAPI",
        "Actions": _actions(scenario, event),
        **_details(ids, scenario, event, link),
    }
    # Documents have no such flag (documented by their samples).
    if event.is_settled and scenario.job_type not in DOCUMENTS:
        body["IsFinalResult"] = "true"
    return body


def job_status(ids: Ids, scenario: SmileIdScenario, results: Sequence[Event], link: Link) -> dict[str, Any]:
    """Return the reply about a submitted job without its signature; results come oldest first."""
    body: dict[str, Any] = {"code": "2302", "job_complete": False, "job_success": False}
    if results:
        last = results[-1]
        is_complete = last.is_settled or (last.is_final and scenario.unsettled_is_complete)
        newest = next((event for event in reversed(results) if event.kind is not Kind.IDENTITY), last)
        body["job_complete"] = is_complete
        body["job_success"] = is_complete and _is_success(results)
        body["result"] = result(ids, scenario, newest, link)
        if scenario.job_type in RECEIPTS:
            receipt = RECEIPTS[scenario.job_type]
            body[receipt] = link(receipt)
    return body


def image_links(scenario: SmileIdScenario, link: Link) -> dict[str, str]:
    """Return the links to the job's images, by name."""
    return {name: link(name) for name in image_names(scenario)}


def _is_success(results: Iterable[Event]) -> bool:
    newest = {event.kind: event.word for event in results}
    return all(code in PASSING for code in newest.values())


def _actions(scenario: SmileIdScenario, event: Event) -> dict[str, str]:
    match scenario.job_type, event.kind:
        case (5, _) | (_, Kind.IDENTITY):
            return _looked_up(event.word)
        case 7, _:
            is_found = event.word == "1012"
            return {
                "Verify_Business": "Verified" if is_found else "Not Verified",
                "Return_Business_Info": "Returned" if is_found else "Not Returned",
            }
        case 10, _:
            return {"Listed": "Not Listed"}
        case _:
            return _examined(scenario.job_type, event.word)


def _looked_up(code: str) -> dict[str, str]:
    if code in AUTHORITY_DOWN:
        return {"Verify_ID_Number": "Issuer Unavailable", "Return_Personal_Info": "Not Returned"}
    if code == "1012":
        return {"Verify_ID_Number": "Verified", "Return_Personal_Info": "Returned"}
    return {"Verify_ID_Number": "Not Verified", "Return_Personal_Info": "Not Returned"}


def _examined(job_type: int, code: str) -> dict[str, str]:
    """Return the outcome of each check of the face, and of the document if there is one."""
    word = _word(job_type, code)
    actions = dict.fromkeys(_FACE, "Not Applicable")
    actions |= {"Selfie_Provided": "Passed", "Selfie_Check": "Passed"}
    actions |= {"Liveness_Check": word, "Register_Selfie": {"Passed": "Approved", "Failed": "Rejected"}.get(word, word)}
    compared = {1: "Selfie_To_ID_Authority_Compare", 2: "Selfie_To_Registered_Selfie_Compare"}
    actions[compared.get(job_type, "Selfie_To_ID_Card_Compare")] = "Completed" if word == "Passed" else word
    if code.startswith("12"):
        actions |= {"Human_Review_Compare": word, "Human_Review_Liveness_Check": word}
    if job_type in DOCUMENTS:
        actions |= {"Document_Check": word, "Verify_Document": word, "Human_Review_Document_Check": word}
    is_returned = job_type == 1 or (job_type in DOCUMENTS and word == "Passed")
    return {
        **actions,
        "Return_Personal_Info": "Returned" if is_returned else "Not Applicable",
        "Verify_ID_Number": "Verified" if job_type == 1 else "Not Applicable",
    }


def _word(job_type: int, code: str) -> str:
    if code in PROVISIONAL.get(job_type, ()):
        return "Under Review"
    if code == "1213":
        return "Unable To Determine"
    return "Passed" if code in PASSING else "Failed"


def _details(ids: Ids, scenario: SmileIdScenario, event: Event, link: Link) -> dict[str, Any]:
    """Return the fields that not all results have."""
    match scenario.job_type, event.kind:
        case (5, _) | (_, Kind.IDENTITY):
            return {"ResultType": "ID Verification", **_person(ids, scenario, event.word)}
        case ((6 | 11), _):
            return _document(ids, scenario, event.word, link)
        case 7, _:
            return {"ResultType": "Business Verification", **_business(link, is_known=event.word == "1012")}
        case 10, _:
            return {"StrictMatch": True, "no_of_persons_found": 0, "people": []}
        case _:
            return {"ConfidenceValue": MARKERS["confidence"]}


def _person(ids: Ids, scenario: SmileIdScenario, code: str) -> dict[str, Any]:
    requested = {"Country": "NG", "IDType": "VOTER_ID", "IDNumber": MARKERS["id_number"]}
    person = {
        "FullName": MARKERS["full_name"],
        "FirstName": MARKERS["first_name"],
        "LastName": MARKERS["last_name"],
        "DOB": MARKERS["birth_date"],
        "Address": MARKERS["address"],
        "PhoneNumber": MARKERS["phone"],
        "Gender": "F",
        "Photo": NOT_AVAILABLE,
        "ExpirationDate": NOT_AVAILABLE,
    }
    if code != "1012":
        return {**requested, **dict.fromkeys(person, NOT_AVAILABLE)}
    if scenario.photo_size is not None:
        person["Photo"] = base64.b64encode(photo(ids.job, scenario.photo_size)).decode()
    return {
        **requested,
        **person,
        "FullData": {"StateOfOrigin": MARKERS["birth_place"], "PollingUnitCode": "0-0-0"},
        "IDNumberPreviouslyRegistered": False,
        "UserIDsOfPreviousRegistrants": [],
    }


def _document(ids: Ids, scenario: SmileIdScenario, code: str, link: Link) -> dict[str, Any]:
    body = {
        "Country": "GH",
        "IDType": "PASSPORT",
        "ImageLinks": image_links(scenario, link),
        "KYCReceipt": link("kyc_receipt"),
    }
    if code not in PASSING:
        return body
    return {
        **body,
        "IDNumber": MARKERS["id_number"],
        "FullName": MARKERS["full_name"],
        "DOB": MARKERS["birth_date"],
        "Gender": "F",
        "Address": MARKERS["address"],
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
        "address": MARKERS["address"],
    }
    return {
        "company_information": company if is_known else {},
        "directors": [{"name": MARKERS["full_name"]}] if is_known else [],
        "proprietors": [],
        "beneficial_owners": [],
        "fiduciaries": [],
        "documents": {"search_certificate": link("search_certificate")} if is_known else {},
        "success": is_known,
    }
