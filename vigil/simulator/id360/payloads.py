"""ID360's JSON, written from what its documents and its traffic show, with an invented person inside."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vigil.simulator.files import File, picture, video
from vigil.simulator.id360.scenario import ExtraCallback, Id360Scenario

CANARIES: Final = {
    "name": "Quorvathsson",
    "first_name": "Zyxelinda",
    "birth_name": "Oakumfeather",
    "email": "zyxelinda.canary@example.invalid",
    "address": "77 Plinthmoor Crossing",
    "zip_code": "ZQ9-7731",
    "city": "Brackenfold-sur-Nulle",
    "phone_number": "+99977310042",
    "birth_date": "1907-10-29",
    "birth_place": "Upper Wexmarsh",
    "id_number": "XQ7731CANARY",
    "mrz_line_1": "IDZZZQUORVATHSSON<<<<<<<<<<<<<<<<<<<",
    "mrz_line_2": "XQ7731CANARYZYXELINDA<<0710290F4",
}
"""The invented person, in words that occur nowhere else: whoever finds one in a log has found a leak."""

# The caller is Python; its version is the one that was seen.
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "python-requests/2.28.2"}

# Which document slots a step looks at. `$` is numbered per kind of step.
_SLOTS: Final = {
    "id_document": ("id_document_image",),
    "fake_photo_id": ("id_document_image",),
    "phone_detection": ("id_document_image",),
    "image_forensics": ("id_document_image",),
    "facecomparison": ("id_document_image", "selfie_image"),
    "liveness": ("liveness_video$",),
    "property_tax_notice": ("property_tax_notice_image",),
    "proof_of_address": ("proof_of_address_image",),
    "pay_slip": ("pay_slip_image",),
}
# Two sides of a card are two pages of one slot.
_PAGES: Final = {"id_document_image": 2}
_KINDS: Final = {"id_document_image": "identity_document", "selfie_image": "selfie", "liveness_video": "liveness"}


def slots(steps: Sequence[str], index: int) -> list[str]:
    """Return the document slots of one step."""
    number = list(steps[:index]).count(steps[index])
    return [f"{slot}{number}" if slot.endswith("$") else slot for slot in _SLOTS.get(steps[index], ())]


def page(reference: int, slot: str, number: int) -> File:
    """Return the file behind one page of a document slot."""
    name = f"{reference}/{slot}/{number}"
    return video(name) if "video" in slot else picture(name)


def documents(steps: Sequence[str], done: int, reference: int) -> dict[int, tuple[str, int]]:
    """Return the documents collected after `done` steps: id of the document → its slot and count of pages."""
    collected = dict.fromkeys(slot for index in range(done) for slot in slots(steps, index))
    return {reference * 100 + position: (slot, _PAGES.get(slot, 1)) for position, slot in enumerate(collected, start=1)}


def intermediate(scenario: Id360Scenario, reference: int, *, step: int, done: int) -> dict[str, Any]:
    """Return the body of an intermediate callback."""
    return {
        "id": reference,
        "status": "STARTED",
        "reason": None,
        "steps_status": {"done": done, "total": len(scenario.steps)},
        "enrollment_step": _step(scenario, step),
    }


def final(scenario: Id360Scenario, reference: int, *, status: str, reason: str | None, done: int) -> dict[str, Any]:
    """Return the body of a final callback. No real one is known; it keeps the types of the intermediates."""
    body: dict[str, Any] = {
        "id": reference,
        "status": status,
        "reason": reason,
        "steps_status": {"done": done, "total": len(scenario.steps)},
    }
    match scenario.final_step:
        case "null":
            body["enrollment_step"] = None
        case "last":
            body["enrollment_step"] = _step(scenario, len(scenario.steps) - 1)
        case "absent":
            pass
    return body


def worded(scenario: Id360Scenario, reference: int, told: ExtraCallback, *, done: int) -> dict[str, Any]:
    """Return the body of a callback that a tester words."""
    body: dict[str, Any] = {
        "id": reference,
        "status": told.status,
        "reason": told.reason,
        "steps_status": {"done": done, "total": len(scenario.steps)},
    }
    if told.step is not None:
        body["enrollment_step"] = _step(scenario, min(told.step, len(scenario.steps) - 1))
    return body


def _step(scenario: Id360Scenario, index: int) -> dict[str, Any]:
    failed = index in scenario.failed_steps
    return {
        scenario.step_outcome_key: "KO" if failed else "OK",
        "errors": ["MDL_CHALLENGE_NOT_MET"] if failed else [],
        "type": "InternalDoNotUse",
        "reason": "challenge not met" if failed else "",
        "name": scenario.steps[index],
        "documents": slots(scenario.steps, index),
    }


def written(moment: datetime) -> str:
    """Write a time as version 2 does: UTC, microseconds, no zone."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def enrollment(scenario: Id360Scenario, reference: int, *, api_key: str, created_at: datetime) -> dict[str, Any]:
    """Return the answer to a creation."""
    return {
        "url": f"/private/enrollment/{reference}",
        "id": reference,
        "process": 4021,
        "api_key": api_key,
        "callback_url": None,
        "browser_callback_url": None,
        "client_reference": scenario.client_reference,
        "status": "NEW",
        "reason": None,
        "creation_time": written(created_at),
        "starting_time": None,
        "finished_time": None,
    }


def report(
    scenario: Id360Scenario,
    reference: int,
    *,
    status: str,
    reason: str | None,
    done: int,
    created_at: datetime,
    base: str,
) -> dict[str, Any]:
    """Return a report of version 2; `base` is the address before `/api/`, for the links to the files."""
    final = status not in {"NEW", "STARTED"}
    codes = [{"code": code, "message": reason or code} for code in _codes(scenario, status)]
    body: dict[str, Any] = {
        "version": 2,
        "environment": "PREPROD",
        "id": reference,
        "status": status,
        "identity_status": status,
        "status_codes": codes,
        "all_status_codes": [{"status_code": code, "where": "ID360"} for code in codes],
        "creation_time": written(created_at),
        "starting_time": None if status == "NEW" else written(created_at + timedelta(seconds=1)),
        "finished_time": written(created_at + timedelta(seconds=2)) if final else None,
        "process_id": 4021,
        "process_name": "simulated",
        "client_reference": scenario.client_reference,
        "level": "LOW",
        "id_verification_service": "SVID_ID360",
        "uses_biometry": True,
        "steps": dict(_reported_steps(scenario, done)),
    }
    if status != "DELETED":
        body["documents"] = _reported_documents(scenario, reference, status=status, done=done, base=base)
    if reason is not None:
        body["reason"] = reason
    if status == "OK":
        body |= {"identity": _identity(), "extracted_data": {"identity": [_extracted()]}}
    return body


def _codes(scenario: Id360Scenario, status: str) -> tuple[str, ...]:
    if status == "KO":
        return scenario.reason_codes
    return {"FAILED": ("ERL_TIMEOUT",), "DELETED": ("ERL_DELETE",)}.get(status, ())


def _reported_steps(scenario: Id360Scenario, done: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, name in enumerate(scenario.steps[:done]):
        repeated = scenario.steps.count(name) > 1
        key = f"{name}${scenario.steps[:index].count(name)}" if repeated else name
        yield key, {"status": "KO" if index in scenario.failed_steps else "OK"}


def _reported_documents(
    scenario: Id360Scenario, reference: int, *, status: str, done: int, base: str
) -> dict[str, list[dict[str, Any]]]:
    kinds: dict[str, list[dict[str, Any]]] = {}
    word = {"OK": "VALID", "KO": "INVALID"}.get(status, "COLLECTED")
    for document, (slot, pages) in documents(scenario.steps, done, reference).items():
        name = slot.partition("$")[0]
        files = [_reported_file(reference, document, slot, number, base) for number in range(pages)]
        row = {"name": slot, "status": word, "files": files}
        kinds.setdefault(_KINDS.get(name, name.removesuffix("_image")), []).append(row)
    return kinds


def _reported_file(reference: int, document: int, slot: str, number: int, base: str) -> dict[str, str]:
    return {
        "url": f"{base}/api/1.0.0/document/{document}/file_contents/?page_number={number}",
        "hash": page(reference, slot, number).md5,
        "hash_algorithm": "MD5",
    }


def _identity() -> dict[str, Any]:
    known = {key: value for key, value in CANARIES.items() if key not in {"id_number", "mrz_line_1", "mrz_line_2"}}
    return known | {
        "first_names": [CANARIES["first_name"]],
        "country": "ZZ",
        "gender": "F",
        "birth_country": "ZZ",
    }


def _extracted() -> dict[str, Any]:
    person = ("name", "first_name", "birth_date", "birth_place")
    return {
        "type": "IDENTITY_DOCUMENT",
        **{key: CANARIES[key] for key in person},
        "first_names": [CANARIES["first_name"]],
        "gender": "F",
        "extra": {
            "from_files": ["id_document_image"],
            "id_number": CANARIES["id_number"],
            "issuing_date": "2029-01-05",
            "expiration_date": "2039-01-05",
            "mrz_line_1": CANARIES["mrz_line_1"],
            "mrz_line_2": CANARIES["mrz_line_2"],
        },
    }
