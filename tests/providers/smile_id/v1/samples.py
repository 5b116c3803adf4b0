"""Invented results, callbacks and answers, written from what is known of Smile ID's wire, and settings."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from vigil.domain.snapshot import ReadRequest, Snapshot
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import CallbackRequest
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.v1.job_status import snapshot_of

PARTNER = "2041"
KEY = "demo-key-not-real-0001"
JOB = "chk-7f01"
USER = "cust-31"
NOW = datetime(2026, 2, 3, 10, 0, 5, tzinfo=UTC)
STAMP = "2026-02-03T10:00:02.110Z"


def settings(**given: Any) -> SmileIdSettings:
    shape: dict[str, Any] = {"provider": "smile_id", "partner_id": PARTNER, "api_key": KEY}
    return SmileIdSettings.model_validate(shape | given)


def question(job_type: object = 1, **coordinates: str) -> ReadRequest:
    found = {"user_id": USER, "job_type": str(job_type)} | coordinates
    return ReadRequest(key=VerificationKey(account="smile", reference=JOB), coordinates=found)


def sign(content: dict[str, Any], *, key: str = KEY, partner: str = PARTNER, stamp: str = STAMP) -> dict[str, Any]:
    """The vendor's formula once more, so that a fault of ours cannot hide in ours."""
    mark = hmac.new(key.encode(), (stamp + partner + "sid_request").encode(), hashlib.sha256).digest()
    return {**content, "timestamp": stamp, "signature": base64.b64encode(mark).decode()}


def callback(body: object, received_at: datetime = NOW, headers: dict[str, str] | None = None) -> CallbackRequest:
    return CallbackRequest(
        account="smile",
        correlation=None,
        headers=headers or {},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        received_at=received_at,
    )


def result(code: object, job_type: object = 1, **changes: Any) -> dict[str, Any]:
    return {
        "SmileJobID": "0000501101",
        "PartnerParams": {"job_id": JOB, "user_id": USER, "job_type": job_type},
        "ResultCode": code,
        "ResultText": "Some words that change",
    } | changes


IDENTITY = result(
    "1012",
    ResultType="ID Verification",
    JSONVersion="1.0.0",
    Actions={"Verify_ID_Number": "Verified", "Return_Personal_Info": "Returned"},
    Country="Nigeria",
    IDType="VOTER_ID",
    IDNumber="INVENTED0001",
    FullName="Zuri Example",
    Photo="Not Available",
    FullData={},
)
BIOMETRIC = result(
    "0814",
    ConfidenceValue="93.000000",
    Actions={"Liveness_Check": "Under Review", "Selfie_Check": "Passed", "Human_Review_Compare": "Not Applicable"},
)


def past(*codes: str) -> list[dict[str, Any]]:
    """A history, the newest first; its results say no more than their code."""
    return [{"SmileJobID": "0000501101", "ResultCode": code, "ResultText": "Some words"} for code in codes]


def frame(job_result: object, *, is_complete: bool = True, code: str = "2302", **more: Any) -> dict[str, Any]:
    return {"job_complete": is_complete, "job_success": is_complete, "code": code, "result": job_result} | more


def snapshot(content: object, job_type: int | None = None, **policy: Any) -> Snapshot:
    """What an answer says; `policy` is by row, with `_` for `/`: `of_1_0814="approved"`."""
    ruled = {name.removeprefix("of_").replace("_", "/", 1): decided for name, decided in policy.items()}
    return snapshot_of(content, job_type=job_type, policy=ruled)
