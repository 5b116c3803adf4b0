"""Identomat's JSON, written from its documents and from its integrators' code, about an invented person."""

from datetime import timedelta
from typing import Any, Final

from vigil.simulator.identomat.scenario import IdentomatScenario, Message, Room

MARKERS: Final = {
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
"""The invented person, in words that occur nowhere else, so that one in a log proves a leak."""

MESSAGE_TEXTS: Final = {
    "password": "708342 is your Quenmarsh code",
    "greeting": "Dear Ottoliveen, open the link to finish your check.",
    "link": "https://widget.example.invalid/?session_token=",
    "subject": "For the guest from Quenmarsh",
}
"""The texts of the messages that we must send; no result holds them."""

SESSION_NOT_FOUND: Final = "SESSION_NOT_FOUND"


def session_change(scenario: IdentomatScenario, result: str) -> dict[str, Any]:
    """Return the callback about another status, without the company's key and the session."""
    kind = {} if scenario.session_type is None else {"sessionType": scenario.session_type}
    return {"type": "session-change", "result": result.upper(), **kind}


def video_call(room: Room, *, age: timedelta) -> dict[str, Any]:
    """Return the callback about a video call at an age of the session."""
    return {"type": "video-call-status-update", **_call(room, age=age)}


def message(message: Message) -> dict[str, Any]:
    """Return the request to send a message. Of e-mail requests all field names but that of the text are guesses."""
    is_link = message.kind.startswith("share-")
    body: dict[str, Any] = {"type": message.kind, "text": MESSAGE_TEXTS["greeting" if is_link else "password"]}
    if message.is_by_email:
        body |= {"subject": MESSAGE_TEXTS["subject"], "email": message.address or MARKERS["email"]}
    else:
        body["phoneNumber"] = message.address or MARKERS["phone"]
    if is_link:
        # The token in a link is not the id of the session.
        body["sessionLink"] = f"{MESSAGE_TEXTS['link']}{'z9' * 20}"
    return body


def argument_error(field: str) -> dict[str, Any]:
    """Return the answer to a request with a wrong argument."""
    return {"argumentError": {"field": field, "description": "missing or invalid"}}


def result(scenario: IdentomatScenario, status: str, *, age: timedelta, is_submitted: bool) -> dict[str, Any]:
    """Return the result of a session of this age."""
    calls = [_call(room, age=age) for room in scenario.rooms if room.at <= age]
    body = {
        "result": status,
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
        "videoCallStatus": calls if calls and scenario.call_status == "list" else None,
    }
    return {**body, **_submitted(scenario, status)} if is_submitted else body


def _submitted(scenario: IdentomatScenario, status: str) -> dict[str, Any]:
    is_rejected = status == "rejected"
    page = {"typeId": "front", "final": {"address": MARKERS["address"]}, "documentPages": [{"pageNumber": 1}]}
    body = {
        "similarity": float(MARKERS["similarity"]) if scenario.face else 0,
        "live": scenario.face,
        "document_type": "" if scenario.document == "none" else scenario.document,
        "generalDocuments": [
            {"documentType": "proof_of_address", "typeId": "invented", "pages": [page], "statuses": []}
            for _ in range(scenario.general_documents)
        ],
        "reject_reason": {
            "value": "face_mismatch" if is_rejected else "",
            "description": MARKERS["remark"] if is_rejected else "",
        },
        "result_comment": MARKERS["remark"],
        "name": f"{MARKERS['first_name']} {MARKERS['last_name']}",
        "face_images": int(scenario.face),
        "person": {
            **{name: text for name, text in MARKERS.items() if name not in {"similarity", "remark"}},
            "age": 120,
            "sex": "F",
            "document_expires_time": "2039-01-05T00:00:00.000Z",
        },
    }
    if scenario.document == "id":
        body["id_card_front"] = {"Surname_en_US": MARKERS["last_name"], "Date_of_Expiry_ISO": "2039-01-05"}
        body["id_card_back"] = {"mrz": MARKERS["mrz"]}
    return body


def _call(room: Room, *, age: timedelta) -> dict[str, Any]:
    is_ready = room.ends == "recorded" and age >= room.complete_at
    status = "available" if is_ready else None
    return {
        "roomId": room.room,
        "roomStatus": "empty" if room.ends == "empty" else "ended",
        "compositionStatus": status,
        "videoFileStatus": status,
        "videoFileId": room.file if is_ready else None,
    }
