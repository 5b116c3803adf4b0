"""The person's data, in the shape of OpenID Connect for Identity Assurance. What the provider does not give is None."""

from collections.abc import Mapping
from datetime import date

from pydantic import AwareDatetime, Field, JsonValue

from vigil_client.models import Identified, Model, Open
from vigil_client.words import Decision, Outcome, Stage


class Place(Model):
    """A place of birth."""

    locality: str | None = None
    country: str | None = None


class Address(Model):
    """An address. `formatted` is set if the provider returns it in one text."""

    formatted: str | None = None
    street_address: str | None = None
    locality: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Organization(Model):
    """The company of a business check."""

    name: str | None = None
    registration_number: str | None = None
    type: str | None = None
    status: str | None = None
    registration_date: date | None = None
    country: str | None = None
    address: str | None = None


class Person(Model):
    """The claims about the person, or about the company of a business check."""

    name: str | None = None
    given_name: str | None = None
    middle_name: str | None = None
    family_name: str | None = None
    birth_family_name: str | None = None
    birthdate: date | None = None
    place_of_birth: Place | None = None
    gender: str | None = None
    nationalities: tuple[str, ...] | None = None
    address: Address | None = None
    email: str | None = None
    phone_number: str | None = None
    organization: Organization | None = None

    @property
    def full_name(self) -> str | None:
        """The name, or its parts joined where the provider gives no other. Providers differ in which they give."""
        parts = (self.given_name, self.middle_name, self.family_name)
        return self.name or " ".join(filter(None, parts)) or None


class Issuer(Model):
    """Who issued a document."""

    name: str | None = None
    country_code: str | None = None


class Document(Model):
    """A document that the provider examined or looked up."""

    type: str | None = None
    document_number: str | None = None
    personal_number: str | None = None
    date_of_issuance: date | None = None
    date_of_expiry: date | None = None
    issuer: Issuer | None = None


class DocumentEvidence(Model):
    """A document, as the standard nests it."""

    type: str = "document"
    document_details: Document = Document()


class Process(Model):
    """How the claims were verified. `time` is when the provider finished."""

    time: AwareDatetime | None = None
    evidence: tuple[DocumentEvidence, ...] | None = None


class VerifiedClaims(Model):
    """`verified_claims` of the standard."""

    verification: Process = Process()
    claims: Person = Person()


class Source(Model):
    """Where a claim stands in the provider's answer: a JSON Pointer, and the value there."""

    pointer: str
    raw: JsonValue


class Claims(Identified):
    """The person's data in the provider's last answer. They are verified only if `decision` is `approved`.

    `sources` has the source of each claim by the claim's JSON Pointer, such as `/claims/birthdate`. A source without
    its claim has a value that cannot be read with certainty, such as an ambiguous date.
    """

    revision: int
    sequence: int
    stage: Open[Stage]
    decision: Open[Decision] | None
    outcome: Open[Outcome] | None
    verified_claims: VerifiedClaims
    sources: Mapping[str, Source] = Field(default_factory=dict)

    @property
    def person(self) -> Person:
        """The claims about the person."""
        return self.verified_claims.claims

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents that the provider examined."""
        return tuple(each.document_details for each in self.verified_claims.verification.evidence or ())
