"""Identomat's JSON, written from what its documents and its integrators show, with an invented person inside."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from vigil.simulator.identomat.scenario import IdentomatScenario, Message, Room

CANARIES: Final = {
    "first_name": "Ottoliveen",
    "last_name": "Braxenthwaite",
    "local_first_name": "Otolivina-Q",
    "birthday": "3/17/1911",
    "birthday_time": "1911-03-17T00:00:00.000Z",
    "birth_place": "Upper Quenmarsh",
    "document_number": "KQ7719CANARY",
    "personal_number": "60009-1188Q",
    "address": "Pellwinder Lane 71",
    "email": "ottoliveen@quenmarsh.example",
    "phone": "+995599771845",
    "mrz": "I<ZZZKQ7719CANARY<<<<<<<<<<<<",
    "similarity": "0.937142658",
    "remark": "the guest from Quenmarsh hesitated",
}
"""The invented person, in words that occur nowhere else: whoever finds one in a log has found a leak."""

MESSAGE_CANARIES: Final = {
    "password": "708342 is your Quenmarsh code",
    "greeting": "Dear Ottoliveen, open the link to finish your check.",
    "link": "https://widget.example.invalid/?session_token=",
    "subject": "For the guest from Quenmarsh",
}
"""What messages say that we are asked to send; no result holds it."""

WRONG_KEY: Final = "not-the-agreed-key"
SESSION_NOT_FOUND: Final = "SESSION_NOT_FOUND"


def signed(body: Mapping[str, Any], session: str, key: str) -> dict[str, Any]:
    """Return a callback as it travels, with the company's key and the session inside."""
    return {"callbackApiKey": key, "type": body["type"], "sessionId": session, **body}


def session_change(scenario: IdentomatScenario, result: str) -> dict[str, Any]:
    """Return what is told of another status."""
    kind = {} if scenario.session_type is None else {"sessionType": scenario.session_type}
    return {"type": "session-change", "result": result, **kind}


def video_call(scenario: IdentomatScenario, room: Room, *, age: timedelta) -> dict[str, Any]:
    """Return what is told of a call when the session has this age."""
    return {"type": "video-call-status-update", **_call(scenario, room, age=age)}


def message(scenario: IdentomatScenario, message: Message) -> dict[str, Any]:
    """Return the request to send a message. For e-mail all names but that of the text are guesses."""
    is_link = message.kind.startswith("share-")
    text = message.text or MESSAGE_CANARIES["greeting" if is_link else "password"]
    told: dict[str, Any] = {"type": message.kind, "text": text}
    if message.is_by_email:
        told |= {"subject": MESSAGE_CANARIES["subject"]} if scenario.has_subject else {}
        told[scenario.email_field] = message.address or CANARIES["email"]
    else:
        told["phoneNumber"] = message.address or CANARIES["phone"]
    # A link holds another token than the session's id.
    return told | ({"sessionLink": f"{MESSAGE_CANARIES['link']}{'z9' * 20}"} if is_link else {})


def argument_error(field: str) -> dict[str, Any]:
    """Return what stands in the place of an answer where the question was wrong."""
    return {"argumentError": {"field": field, "description": "missing or invalid"}}


def result(scenario: IdentomatScenario, status: str, *, age: timedelta, is_submitted: bool) -> dict[str, Any]:
    """Return the result of a session of this age."""
    calls = _call_status(scenario, age)
    if not is_submitted:
        rest = _empty() if scenario.open_result == "whole" else {}
        return {"result": status, **rest, **calls}
    reason = scenario.reject_reason if status == "rejected" else ""
    return {
        "result": status,
        **_empty(),
        "similarity": float(CANARIES["similarity"]) if scenario.face else 0,
        "live": scenario.face,
        "document_type": "" if scenario.document == "none" else scenario.document,
        "generalDocuments": _general_documents(),
        "reject_reason": {"value": reason, "description": CANARIES["remark"] if reason else ""},
        "result_comment": CANARIES["remark"],
        "name": _name(),
        "face_images": int(scenario.face),
        **_cards(scenario),
        "person": _person(scenario),
        **calls,
    }


def _empty() -> dict[str, Any]:
    return {
        "similarity": 0,
        "live": False,
        "document_type": "",
        "generalDocuments": [],
        "reject_reason": {"value": "", "description": ""},
        "result_comment": "",
        "name": "",
        "face_images": 0,
        "suggested": {},
        "person": {},
        "technicalDetails": {"remoteAddress": "192.0.2.71", "userAgent": "invented/1", "countryCode": "GE"},
    }


def _name() -> str:
    return f"{CANARIES['first_name']} {CANARIES['last_name']}"


def _general_documents() -> list[dict[str, Any]]:
    page = {"typeId": "front", "final": {"address": CANARIES["address"]}, "documentPages": [{"pageNumber": 1}]}
    return [{"documentType": "proof_of_address", "typeId": "invented", "pages": [page], "statuses": []}]


def _cards(scenario: IdentomatScenario) -> dict[str, Any]:
    if scenario.document != "id":
        return {}
    front = {"Surname_en_US": CANARIES["last_name"], "Date_of_Expiry_ISO": "2039-01-05"}
    return {"id_card_front": front, "id_card_back": {"mrz": CANARIES["mrz"]}}


def _person(scenario: IdentomatScenario) -> dict[str, Any]:
    told = {name: text for name, text in CANARIES.items() if name not in {"similarity", "remark"}}
    status = {"status": "FIELDS_MISMATCH"} if scenario.fields_mismatch else {}
    return {**told, "age": 120, "sex": "F", "document_expires_time": "2039-01-05T00:00:00.000Z", **status}


def _call(scenario: IdentomatScenario, room: Room, *, age: timedelta) -> dict[str, Any]:
    is_ready = room.ends == "recorded" and age >= room.told_at
    status = "available" if is_ready else None
    told = {
        "roomId": room.room,
        "roomStatus": "empty" if room.ends == "empty" else "ended",
        "compositionStatus": status,
        "videoFileStatus": status,
        "videoFileId": room.file if is_ready else None,
    }
    return {name: held for name, held in told.items() if held is not None or scenario.untold == "null"}


def _call_status(scenario: IdentomatScenario, age: timedelta) -> dict[str, Any]:
    """Return the field about calls, in the shape that the scenario asks for, since none is published."""
    calls = [_call(scenario, room, age=age) for room in scenario.rooms if room.at <= age]
    if not calls or scenario.call_status == "absent":
        return {"videoCallStatus": None} if scenario.untold == "null" else {}
    match scenario.call_status:
        case "object":
            return {"videoCallStatus": {"rooms": {call["roomId"]: call for call in calls}}}
        case "one":
            return {"videoCallStatus": calls[-1]}
        case "snake_case":
            return {"video_call_status": [{_snake(name): held for name, held in call.items()} for call in calls]}
        case "word":
            return {"videoCallStatus": calls[-1].get("videoFileStatus") or calls[-1]["roomStatus"]}
        case _:
            return {"videoCallStatus": calls}


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
