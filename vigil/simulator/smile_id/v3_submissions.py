"""What Smile ID's clients of the third generation send to create a job: a form with pictures."""

import json
from collections.abc import Mapping
from email.parser import BytesParser
from typing import Any, Final

from pydantic import field_validator

from vigil.domain.models import MessageModel
from vigil.simulator.engine import Endpoint, Url
from vigil.simulator.smile_id.scenario import Generation, PartnersId, Plain, SmileIdScenario

PRODUCTS: Final[Mapping[str, str]] = {
    "enhanced_kyc": "enhanced_kyc",
    "biometric_kyc": "biometric_kyc",
    "document_verification": "document_verification",
    "enhanced_document_verification": "enhanced_document_verification",
    "residency_document_verification": "residency_document_verification",
    # inferred: the names of these products in callbacks
    "registration": "smart_selfie_registration",
    "authentication": "smart_selfie_authentication",
    "compare": "smart_selfie_compare",
}
"""By the last part of the path."""


class Submission(MessageModel):
    """The fields that matter here. The pictures are dropped."""

    consent: Mapping[str, Any]
    user_details: Mapping[str, Any]
    callback_url: Url | None = None
    partner_params: Mapping[Plain, str] = {}
    user_id: PartnersId | None = None

    @field_validator("consent", "user_details", "partner_params", mode="before")
    @classmethod
    def _parse_json(cls, raw: object) -> object:
        return json.loads(raw) if isinstance(raw, str) else raw

    def scenario(self, product: str, partner: str, key: str, portal_address: str | None) -> SmileIdScenario:
        """Return the job. Without an address it is announced to the portal's."""
        address = self.callback_url or portal_address
        return SmileIdScenario(
            generation=Generation.V3,
            product=PRODUCTS[product],
            partner_id=partner,
            api_key=key,
            user_id=self.user_id,
            partner_params=self.partner_params,
            endpoints=() if address is None else (Endpoint(url=address),),
        )


def read_submission(body: bytes, headers: Mapping[str, str]) -> Submission:
    """Return what a form submits. Raises `ValidationError`."""
    form = BytesParser().parsebytes(f"Content-Type: {headers.get('content-type', '')}\r\n\r\n".encode() + body)
    fields = {"user_id": headers.get("user-id")} if "user-id" in headers else {}
    for part in form.walk():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes) and part.get_filename() is None:
            fields[name] = content.decode(errors="replace")
    return Submission.model_validate(fields)
