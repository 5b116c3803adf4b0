"""Invented jobs and callbacks, written from what is known of the third generation's wire, and settings."""

import json
from datetime import UTC, datetime
from typing import Any

from vigil.domain.snapshot import ReadRequest
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import CallbackRequest
from vigil.providers.smile_id.settings import SmileIdSettings

KEY = "demo-key-not-real-0001"
PARTNER = "2041"
JOB = "job_01kj0000000000000000000001"
QUESTION = ReadRequest(key=VerificationKey(account="smile", reference=JOB))
SIGNED_AT = "2026-10-01T09:00:03.500Z"
SIGNATURE = "/+06w9rH/rJTIwtjy6XzRc2yYKggiD8Mmci+9xArDJY="
"""Over that time and that partner's id, under that key; made with the vendor's library."""
RECEIVED_AT = datetime(2026, 10, 1, 9, 0, 4, tzinfo=UTC)
HEADERS = {"response-signature": SIGNATURE, "response-timestamp": SIGNED_AT, "job-id": JOB}


def settings(**given: Any) -> SmileIdSettings:
    shape = {"provider": "smile_id", "generations": ["v3"], "partner_id": PARTNER, "api_key": KEY}
    return SmileIdSettings.model_validate(shape | given)


def callback(body: object, headers: dict[str, str] | None = None) -> CallbackRequest:
    return CallbackRequest(
        account="smile",
        correlation=None,
        headers=HEADERS if headers is None else headers,
        body=as_bytes(body),
        received_at=RECEIVED_AT,
    )


def as_bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def status(word: object = "clear", **changes: Any) -> dict[str, Any]:
    return {
        "status": word,
        "job_id": JOB,
        "user_id": "cust-38",
        "message": "Job completed",
        "created_at": "2026-10-01T09:20:00.000Z",
    } | changes


def clear(**changes: Any) -> dict[str, Any]:
    return {
        "status": "clear",
        "message": "Checked",
        "reason": None,
        "created_at": "2026-10-01T09:00:00.000Z",
        "completed_at": "2026-10-01T09:00:03.000Z",
        "product": "enhanced_kyc",
        "partner_params": {"order_ref": "chk-8a01"},
        "kyc_receipt": "https://files.invalid/receipt/8a01",
        "user_provided_info": {"given_names": "Zuri", "last_name": "Example", "email": None, "phone_number": None},
        "id_fields": {"country": "NG", "id_type": "VOTER_ID", "id_number": "INVENTED0005"},
        "consent": {},
        "antifraud": None,
        "device_signals": None,
    } | changes


def attention(**changes: Any) -> dict[str, Any]:
    return (
        clear(
            status="attention",
            reason="document_expired",
            product="document_verification",
            image_links={
                "selfie_image": "https://files.invalid/a",
                "id_card_image": "https://files.invalid/b",
                "id_card_back_image": None,
            },
            antifraud={
                "fraud_risk": {"risk_level": "low", "risk_score": 4},
                "smile_secure": {"status": "clear", "suspect_users": []},
                "summary": {"fraud_detected": False},
            },
        )
        | changes
    )


def block(**changes: Any) -> dict[str, Any]:
    found = clear(status="block", reason="face_verification_failed", product="biometric_kyc") | changes
    return {name: value for name, value in found.items() if name != "id_fields" or "id_fields" in changes}


def error(**changes: Any) -> dict[str, Any]:
    found = clear(status="error", reason="service_unavailable", kyc_receipt=None, partner_params=None) | changes
    return {name: value for name, value in found.items() if name not in {"id_fields", "completed_at"}}
