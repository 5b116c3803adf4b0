"""The person's data in a provider's answer, in the shape of OpenID Connect for Identity Assurance 1.0.

They are personal: they are read from the stored result when a caller asks, and neither records nor Temporal hold them.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, Self, cast

from pydantic import Field, GetJsonSchemaHandler, JsonValue, SerializerFunctionWrapHandler, model_serializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from vigil.domain.models import StrictModel
from vigil.domain.terms import Instant


class _Sparse(StrictModel):
    """A value whose absent fields are absent from its JSON too."""

    @model_serializer(mode="wrap")
    def _leave_out_absent(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if value not in (None, [], {})}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the fields. Without this the schema would be that of the serializer, an object of anything."""
        return handler(cast("CoreSchema", {name: value for name, value in core.items() if name != "serialization"}))


class Place(_Sparse):
    """A place of birth."""

    locality: str | None = None
    country: str | None = None


class Address(_Sparse):
    """An address. `formatted` is set if the provider returns it in one text."""

    formatted: str | None = None
    street_address: str | None = None
    locality: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Organization(_Sparse):
    """The company of a business check. The standard has no such claim."""

    name: str | None = None
    registration_number: str | None = None
    type: str | None = None
    status: str | None = None
    registration_date: date | None = None
    country: str | None = None
    address: str | None = None


class PersonClaims(_Sparse):
    """The claims about the person, or about the company of a business check. Dates are ISO 8601."""

    name: str | None = None
    given_name: str | None = None
    middle_name: str | None = None
    family_name: str | None = None
    birth_family_name: str | None = None
    birthdate: date | None = None
    place_of_birth: Place | None = None
    gender: str | None = Field(None, description="`female` or `male`", examples=["female"])
    nationalities: tuple[str, ...] | None = Field(None, description="ISO 3166 or ICAO codes, as the provider has them")
    address: Address | None = None
    email: str | None = None
    phone_number: str | None = None
    organization: Organization | None = None


class Issuer(_Sparse):
    """Who issued a document."""

    name: str | None = None
    country_code: str | None = None


class DocumentDetails(_Sparse):
    """A document: `type` is `idcard`, `passport`, `driving_permit` or `residence_permit`."""

    type: str | None = None
    document_number: str | None = None
    personal_number: str | None = None
    date_of_issuance: date | None = None
    date_of_expiry: date | None = None
    issuer: Issuer | None = None


class DocumentEvidence(_Sparse):
    """A document that the provider examined or looked up."""

    type: Literal["document"] = "document"
    document_details: DocumentDetails = DocumentDetails()


class VerificationProcess(_Sparse):
    """How the claims were verified. Vigil knows no `trust_framework`, which the standard asks for: add your own."""

    time: Instant | None = Field(None, description="when the provider finished, if it says so")
    evidence: tuple[DocumentEvidence, ...] | None = None

    def finished_at(self, time: Instant | None) -> Self:
        """Return it with the time at which the provider finished."""
        return self._with(time=time)


class VerifiedClaims(_Sparse):
    """`verified_claims` of the standard. A claim that the provider does not give is absent."""

    verification: VerificationProcess = VerificationProcess()
    claims: PersonClaims = PersonClaims()

    def finished_at(self, time: Instant | None) -> Self:
        """Return them with the time at which the provider finished."""
        return self._with(verification=self.verification.finished_at(time))


class ClaimSource(StrictModel):
    """The place of a claim in the provider's answer, and the value there. `GET .../result` returns the answer."""

    pointer: str = Field(description="JSON Pointer into the provider's answer", examples=["/identity/birth_date"])
    raw: JsonValue = Field(description="the value as the provider wrote it")


class Claims(StrictModel):
    """The claims in one answer.

    `sources` has the source of each claim by the claim's own JSON Pointer, such as `/claims/birthdate`. A source
    whose claim is absent has a value that Vigil cannot read with certainty, such as an ambiguous date.
    """

    verified_claims: VerifiedClaims = VerifiedClaims()
    sources: Mapping[str, ClaimSource] = Field(default_factory=dict)
