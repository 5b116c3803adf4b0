"""Smile ID's JSON of the third generation, written from its documents and its integrators."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from vigil.simulator.smile_id.files import Link, image_names
from vigil.simulator.smile_id.payloads import MARKERS
from vigil.simulator.smile_id.scenario import Ids, SmileIdScenario
from vigil.simulator.smile_id.script import Event
from vigil.simulator.smile_id.signing import written

API_VERSION: Final = "v3.952.0"
NOT_FOUND: Final = "not_found"
_ANTIFRAUD: Final = {
    "fraud_risk": {"risk_level": "low", "risk_score": 4},
    "smile_secure": {"status": "clear", "suspect_users": []},
    "summary": {"fraud_detected": False},
}
_MESSAGES: Final[Mapping[str, str]] = {"processing": "Job is still processing", NOT_FOUND: "Job not found"}
_REASONS: Final[Mapping[str, str]] = {
    "block": "face_verification_failed",
    "attention": "document_expired",
    "error": "service_unavailable",
}


def webhook(scenario: SmileIdScenario, event: Event, link: Link, *, ended_at: datetime) -> dict[str, Any]:
    """Return the body about the end of a job, or about a later change."""
    body: dict[str, Any] = {
        "status": event.word,
        "reason": _REASONS.get(event.word),
        "message": "Checked",
        "product": "aml_monitoring_update" if event.is_update else scenario.product,
        "created_at": written(ended_at - scenario.step_every),
        "completed_at": written(ended_at),
        "partner_params": dict(scenario.partner_params) or None,
        "kyc_receipt": None,
        "user_provided_info": {
            "given_names": MARKERS["first_name"],
            "last_name": MARKERS["last_name"],
            "email": None,
            "phone_number": MARKERS["phone"],
        },
        "consent": {},
        "antifraud": None,
        "device_signals": None,
    }
    if event.word != "error":
        body |= {"kyc_receipt": link("kyc_receipt"), "antifraud": _ANTIFRAUD, "device_signals": {}}
        body["image_links"] = {name: link(name) for name in image_names(scenario)}
    if event.word in {"clear", "attention"} and not event.is_update:
        body["id_fields"] = _id_fields(is_expired=event.word == "attention")
    return body


def headers(ids: Ids, scenario: SmileIdScenario) -> dict[str, str]:
    """Return the headers that name the job."""
    named = {"Job-ID": ids.job, "User-ID": ids.user} if scenario.job_id_header else {}
    return {**named, "Api-Version": API_VERSION}


def status_body(job: str, user: str, status: str, *, at: datetime) -> dict[str, Any]:
    """Return the status of a job; it has no reason, no fields and no images."""
    message = _MESSAGES.get(status, "Job completed")
    return {"status": status, "job_id": job, "user_id": user, "message": message, "created_at": written(at)}


def _id_fields(*, is_expired: bool) -> dict[str, Any]:
    return {
        "country": "GH",
        "id_type": "PASSPORT",
        "id_number": MARKERS["id_number"],
        "full_name": MARKERS["full_name"],
        "date_of_birth": MARKERS["birth_date"],
        "expiration_date": "2024-01-01" if is_expired else "2039-01-05",
    }
