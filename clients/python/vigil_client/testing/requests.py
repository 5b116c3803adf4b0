"""What the API takes, as the fake checks it. A test compares these models with the API's OpenAPI document."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from vigil_client.testing.refusals import Refused
from vigil_client.words import Decision, Outcome, Stage

EvidenceKind: TypeAlias = Literal[
    "document_front",
    "document_back",
    "portrait",
    "selfie",
    "liveness_video",
    "call_recording",
    "supporting_document",
    "report",
    "bundle",
    "receipt",
    "raw_result",
]
Attention: TypeAlias = Literal[
    "unrecognised_word",
    "contradiction",
    "unconfirmed_end",
    "second_final",
    "never_registered",
    "correlation_mismatch",
    "coordinate_mismatch",
    "quarantined",
    "unproven_callbacks",
    "provider_refuses_us",
    "provider_unreachable",
    "reply_unproven",
    "overdue_applicant",
    "overdue_review",
    "silence",
    "evidence_lost",
    "details_missing",
    "recording_unaddressed",
    "message_not_sent",
    "not_notified",
    "message_fields_unknown",
    "disagrees_with_person",
    "conflicting_registration",
    "disappeared",
    "reference_not_found",
    "unreadable_signal",
    "over_our_limit",
]
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Word: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.$:-]{1,64}$")]


def _as_written(raw: object) -> object:
    if not isinstance(raw, str) or not re.match(r"\d{4}-", raw):
        raise ValueError("must be a time such as 2031-03-04T09:00:00Z")
    return raw


Instant: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_as_written)]


class Request(BaseModel):
    """A part of a request. It refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RegistrationBody(Request):
    """The body of `POST /verifications`."""

    account: Name
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    correlation: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")] | None = None
    coordinates: Annotated[Mapping[Word, Annotated[str, StringConstraints(max_length=128)]], Field(max_length=8)] = (
        Field(default_factory=dict)
    )
    sender: Name | None = None
    session_kind: Literal["person", "business", "unrecognised"] | None = None
    expects: Annotated[tuple[EvidenceKind, ...], Field(max_length=20)] = ()
    evidence: Literal["all", "none"] | tuple[EvidenceKind, ...] = "all"
    applicant: Word | None = None
    deadline_at: Instant | None = None
    review_deadline_at: Instant | None = None
    notify: Annotated[tuple[Name, ...], Field(max_length=8)] = ()

    def said(self) -> dict[str, Any]:
        """Return what it says beyond the defaults, as JSON: two registrations are the same if this is."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        return {name: value for name, value in values.items() if value not in (None, [], {})}


class ListQuery(Request):
    """The query of `GET /verifications`."""

    account: Name | None = None
    stage: Stage | None = None
    decision: Decision | None = None
    outcome: Outcome | None = None
    attention: Attention | None = None
    applicant: Word | None = None
    opened_after: Instant | None = None
    opened_before: Instant | None = None
    is_open: bool | None = None
    stuck: bool = False
    page: Annotated[str, StringConstraints(max_length=4096)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class DeadlineBody(Request):
    """The body of `POST .../deadline`."""

    deadline_at: Instant


RequestT = TypeVar("RequestT", bound=Request)
_KNOWN: Final = {name for model in (RegistrationBody, ListQuery, DeadlineBody) for name in model.model_fields}


def read_body(model: type[RequestT], content: bytes) -> RequestT:
    """Return a body as a model. Raises `Refused`, with the fields at fault."""
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise Refused(422, "invalid_request", *_fields("body", error)) from None


def read_query(model: type[RequestT], params: Mapping[str, str]) -> RequestT:
    """Return a query as a model. Raises `Refused`, with the parameters at fault."""
    try:
        return model.model_validate(params)
    except ValidationError as error:
        raise Refused(422, "invalid_request", *_fields("query", error)) from None


def _fields(part: str, error: ValidationError) -> list[str]:
    places = [fault["loc"] if fault["type"] != "json_invalid" else () for fault in error.errors(include_url=False)]
    return [".".join([part, *(_shown(each) for each in place)]) for place in places]


def _shown(name: str | int) -> str:
    return str(name) if isinstance(name, int) or name in _KNOWN else "*"
