"""Invented processes, callbacks and events, written from what is known of Signicat's wire, and settings."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.providers.signicat.fake_signicat import CLIENT, SECRET
from vigil.domain.snapshot import ReadRequest
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import CallbackRequest
from vigil.providers.signicat.settings import SignicatSettings

DOSSIER = "0b9e9f6e-7f55-4a0c-9a52-3c0a7d1b2e10"
PROCESS = "a1f6c7d2-52d1-4a55-9f0d-6f0a6a5b1e01"
REFERENCE = f"{DOSSIER}:{PROCESS}"
PLACE = f"/dossiers/{DOSSIER}/processes/{PROCESS}"
QUESTION = ReadRequest(key=VerificationKey(account="assure", reference=REFERENCE))
AUTHORIZATION = "Bearer of news"


def settings(**given: Any) -> SignicatSettings:
    """Settings that take both generations; `generations` and what goes with them can be given anew."""
    shape: dict[str, Any] = {
        "provider": "signicat",
        "generations": ["legacy", "events"],
        "client_id": CLIENT,
        "client_secret": SECRET,
    }
    if "legacy" in given.get("generations", shape["generations"]):
        shape["authorization_header"] = AUTHORIZATION
    return SignicatSettings.model_validate(shape | given)


def callback(body: object, headers: dict[str, str] | None = None) -> CallbackRequest:
    return CallbackRequest(
        account="assure",
        correlation=None,
        headers=headers if headers is not None else {"authorization": AUTHORIZATION},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        received_at=datetime(2031, 3, 4, tzinfo=UTC),
    )


def process(**changes: Any) -> dict[str, Any]:
    return {
        "processId": PROCESS,
        "provider": "onfido",
        "processType": "documentSelfie",
        "status": "accepted",
        "createdAt": "2031-03-04T10:00:00Z",
        "updatedAt": "2031-03-04T10:07:12Z",
    } | changes


def triple(**changes: Any) -> dict[str, Any]:
    return {"dossierId": DOSSIER, "processId": PROCESS, "status": "accepted"} | changes


def event(data: Any = None, **changes: Any) -> dict[str, Any]:
    return {
        "id": "1c0ffee0a1b24c3d8e9f001122334455",
        "timestamp": "2031-03-04T10:07:12.1234567Z",
        "sender": "assure-api",
        "eventName": "process.complete",
        "eventData": triple(externalReference="vrf-0001") if data is None else data,
        "accountId": "a-example-000000000000000",
        "organizationId": None,
        "expiresAt": "2031-03-05T10:07:12.1234567Z",
        "tags": ["vrf-0001"],
    } | changes
