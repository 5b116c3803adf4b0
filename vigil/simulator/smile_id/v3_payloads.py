"""Smile ID's JSON of the third generation, written from its documents and its integrators, with the person inside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from vigil.simulator.smile_id.files import image_names
from vigil.simulator.smile_id.person import CANARIES
from vigil.simulator.smile_id.scenario import Ids, SmileIdScenario
from vigil.simulator.smile_id.script import Beat
from vigil.simulator.smile_id.signing import written
from vigil.simulator.smile_id.v1_payloads import Link

API_VERSION: Final = "v3.952.0"
NOT_FOUND: Final = "not_found"
_OVER: Final = frozenset({"clear", "attention"})
_MESSAGES: Final[Mapping[str, str]] = {"processing": "Job is still processing", NOT_FOUND: "Job not found"}


def webhook(ids: Ids, scenario: SmileIdScenario, beat: Beat, link: Link, *, ended_at: datetime) -> dict[str, Any]:
    """Return the body that tells how a job ended, or what changed about it since."""
    status = beat.word or ""
    is_error = status == "error"
    told: dict[str, Any] = {
        "status": status,
        "reason": beat.reason,
        "message": "Checked",
        "product": beat.product or scenario.product,
        "created_at": written(ended_at - scenario.step_every),
        "partner_params": _partner_params(ids, scenario),
        "kyc_receipt": None if is_error else link("kyc_receipt"),
        "user_provided_info": {
            "given_names": CANARIES["first_name"],
            "last_name": CANARIES["last_name"],
            "email": None,
            "phone_number": CANARIES["phone"],
        },
        "consent": {},
        "antifraud": None if is_error else _antifraud(),
        "device_signals": None if is_error else {},
    }
    if scenario.tells_completed_at:
        told["completed_at"] = written(ended_at)
    if status in _OVER and beat.product is None:
        told["id_fields"] = _id_fields(scenario)
    if (names := image_names(scenario)) and not is_error:
        told["image_links"] = {name: link(name) for name in names}
    return told


def headers(ids: Ids, scenario: SmileIdScenario) -> dict[str, str]:
    """Return the headers that name the job."""
    named = {"Job-ID": ids.job, "User-ID": ids.user} if scenario.job_id_header else {}
    return {**named, "Api-Version": API_VERSION}


def standing(job: str, user: str, status: str, *, at: datetime) -> dict[str, Any]:
    """Return how a job stands: no reason, no fields, no pictures."""
    message = _MESSAGES.get(status, "Job completed")
    return {"status": status, "job_id": job, "user_id": user, "message": message, "created_at": written(at)}


def _partner_params(ids: Ids, scenario: SmileIdScenario) -> dict[str, str] | None:
    own = {"job_id": ids.job, "user_id": ids.user} if scenario.tells_ids else {}
    return {**own, **scenario.partner_params} or None


def _antifraud() -> dict[str, Any]:
    return {
        "fraud_risk": {"risk_level": "low", "risk_score": 4},
        "smile_secure": {"status": "clear", "suspect_users": []},
        "summary": {"fraud_detected": False},
    }


def _id_fields(scenario: SmileIdScenario) -> dict[str, Any]:
    is_expired = scenario.reason == "document_expired" or scenario.status == "attention"
    return {
        "country": "GH",
        "id_type": "PASSPORT",
        "id_number": CANARIES["id_number"],
        "full_name": CANARIES["full_name"],
        "date_of_birth": CANARIES["birth_date"],
        "expiration_date": "2024-01-01" if is_expired else "2039-01-05",
    }
