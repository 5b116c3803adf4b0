"""Invented reports and callbacks, written from what is known of ID360's wire, and settings to read them with."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.providers.id360.fake_id360 import PASSWORD, USERNAME
from vigil.domain.snapshot import ReadRequest
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import CallbackRequest
from vigil.providers.id360.settings import Id360Settings

QUESTION = ReadRequest(key=VerificationKey(account="id360", reference="700102"))


def settings(**given: Any) -> Id360Settings:
    shape = {
        "provider": "id360",
        "username": USERNAME,
        "password": PASSWORD,
        "callback_headers": {"Authorization": "Bearer of news"},
    }
    return Id360Settings.model_validate(shape | given)


def callback(body: bytes, headers: dict[str, str] | None = None) -> CallbackRequest:
    return CallbackRequest(
        account="id360",
        correlation=None,
        headers=headers if headers is not None else {"authorization": "Bearer of news"},
        body=body,
        received_at=datetime(2031, 3, 4, tzinfo=UTC),
    )


def report(**changes: Any) -> dict[str, Any]:
    return {
        "version": 2,
        "id": 700102,
        "status": "OK",
        "level": "LOW",
        "creation_time": "2031-03-04T09:00:00.000001",
        "finished_time": "2031-03-04T09:04:41.250000Z",
        "status_codes": [],
        "all_status_codes": [],
        "steps": {},
        "documents": {},
    } | changes


def with_codes(status: str, *codes: str) -> dict[str, Any]:
    return report(
        status=status,
        status_codes=[{"code": code, "message": "free text"} for code in codes[:1]],
        all_status_codes=[{"status_code": {"code": code, "message": "free text"}, "where": "ID360"} for code in codes],
    )


def with_file(url: str, *, digest: str | None = None, algorithm: str | None = "MD5") -> bytes:
    entry = {"url": url, "hash": digest, "hash_algorithm": algorithm}
    document = {"name": "id_document_image", "status": "VALID", "files": [entry]}
    return json.dumps(report(documents={"identity_document": [document]})).encode()


def step_callback(**changes: Any) -> dict[str, Any]:
    return {
        "id": 700101,
        "status": "STARTED",
        "reason": None,
        "steps_status": {"done": 3, "total": 7},
        "enrollment_step": {
            "status": "OK",
            "errors": [],
            "type": "InternalDoNotUse",
            "reason": "",
            "name": "facecomparison",
            "documents": ["id_document_image", "selfie_image"],
        },
    } | changes
