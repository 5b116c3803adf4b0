"""Invented results and callbacks, written from what is known of Identomat's wire, and settings to read them with."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.providers.identomat.fake_identomat import COMPANY_KEY
from vigil.domain.snapshot import ReadRequest
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import CallbackRequest
from vigil.providers.identomat.settings import IdentomatSettings

SESSION = "q7h2m0zx4t9k1vb8n5c3j6w0e2r4y8u1i3o5p7as"
CALLBACK_KEY = "cbk-7Qm2-of-ours"

QUESTION = ReadRequest(key=VerificationKey(account="identomat", reference=SESSION))


def settings(**given: Any) -> IdentomatSettings:
    shape = {"provider": "identomat", "company_key": COMPANY_KEY, "callback_api_key": CALLBACK_KEY}
    return IdentomatSettings.model_validate(shape | given)


def callback(body: object) -> CallbackRequest:
    return CallbackRequest(
        account="identomat",
        correlation=None,
        headers={"content-type": "application/json"},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        received_at=datetime(2031, 3, 4, tzinfo=UTC),
    )


def change(**fields: Any) -> dict[str, Any]:
    return {
        "callbackApiKey": CALLBACK_KEY,
        "type": "session-change",
        "sessionId": SESSION,
        "result": "APPROVED",
    } | fields


def video(**fields: Any) -> dict[str, Any]:
    return {
        "callbackApiKey": CALLBACK_KEY,
        "type": "video-call-status-update",
        "sessionId": SESSION,
        "roomId": "room-0032",
        "roomStatus": "ended",
        "compositionStatus": "available",
        "videoFileStatus": "available",
        "videoFileId": "vf-90a1",
    } | fields


def message(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "callbackApiKey": CALLBACK_KEY,
        "type": kind,
        "sessionId": SESSION,
        "text": "4021 is your verification code",
    } | fields


def result(word: str = "approved", **fields: Any) -> dict[str, Any]:
    return {
        "result": word,
        "similarity": 0.91,
        "live": True,
        "document_type": "id",
        "generalDocuments": [],
        "reject_reason": {"value": "", "description": ""},
        "result_comment": "",
        "name": "ADA EXAMPLE",
        "face_images": 1,
        "id_card_front": {"Surname_en_US": "EXAMPLE"},
        "id_card_back": {"mrz": "X"},
        "suggested": {},
        "person": {"first_name": "ADA", "birthday": "2/9/1990", "birthday_time": "1990-02-09T00:00:00.000Z"},
        "technicalDetails": {"remoteAddress": "192.0.2.10", "userAgent": "test-agent", "countryCode": "GE"},
    } | fields
