"""The OpenAPI document: outbound notifications and the one form of all problems, which FastAPI does not know."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Header
from pydantic import AwareDatetime, ConfigDict, Field

from api.problems import ProblemView
from vigil.domain.models import StrictModel
from vigil.domain.terms import Decision, Name, Outcome, Stage, Word
from vigil.temporal.messages import NotificationType

_REFERENCE = "#/components/schemas/{model}"


class NotifiedState(StrictModel):
    """The state in short; read the verification for more. Of two notifications the greater `sequence` is newer.

    `reference` is a digest if the provider's reference gives access to the applicant's session. Requests accept the
    digest too, and the registration returned it in `Location`. `applicant` is your own id of the person.
    """

    account: Name
    reference: str
    applicant: Word | None
    revision: int
    sequence: int
    stage: Stage
    decision: Decision | None
    outcome: Outcome | None


class NotificationView(StrictModel):
    """A notification in the format of Standard Webhooks. The headers `webhook-*` sign it.

    `version` counts incompatible changes of this body. Ignore fields that you do not know.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "verification.revised",
                    "version": 1,
                    "timestamp": "2025-12-03T12:00:00Z",
                    "data": {
                        "account": "sandbox",
                        "reference": "4711",
                        "applicant": "customer-2047",
                        "revision": 1,
                        "sequence": 7,
                        "stage": "concluded",
                        "decision": "approved",
                        "outcome": "decided",
                    },
                }
            ]
        }
    )

    type: NotificationType
    version: Literal[1]
    timestamp: AwareDatetime
    data: NotifiedState


_ID: Final = "the same for each repetition of a notification"
_SENT_AT: Final = "when this attempt was made, in seconds since 1970"
_SIGNATURE: Final = "`v1,` and the base64 of an HMAC-SHA-256; two of them, divided by a blank, while secrets change"


class SignatureHeaders(StrictModel):
    """The headers by which a notification is verified."""

    webhook_id: str = Field(alias="webhook-id", description=_ID)
    webhook_timestamp: int = Field(alias="webhook-timestamp", description=_SENT_AT)
    webhook_signature: str = Field(alias="webhook-signature", description=_SIGNATURE)


_DELIVERY: Final = (
    "Sent to the endpoints that a registration names. Any 2xx accepts it, 410 stops it for good, and "
    "after any other answer it is repeated for days. It may arrive more than once, and out of order."
)


def extend_openapi(app: FastAPI) -> None:
    """Add the notifications and the form of problems to an app's OpenAPI document."""

    @app.webhooks.post("verification.revised", summary="A verdict was reached or reopened", description=_DELIVERY)
    async def verification_revised(
        notification: NotificationView, headers: Annotated[SignatureHeaders, Header()]
    ) -> None: ...

    @app.webhooks.post(
        "verification.completed",
        summary="Every file is stored or lost",
        description="For endpoints with `notify_complete`, once for each revision. " + _DELIVERY,
    )
    async def verification_completed(
        notification: NotificationView, headers: Annotated[SignatureHeaders, Header()]
    ) -> None: ...

    build_document = app.openapi

    def build_extended() -> dict[str, Any]:
        document = build_document()
        components = document.setdefault("components", {}).setdefault("schemas", {})
        if ProblemView.__name__ not in components:
            problem = ProblemView.model_json_schema(ref_template=_REFERENCE)
            components.update(problem.pop("$defs", {}))
            components[ProblemView.__name__] = problem
        for parameter in _parameters_of(document):
            _drop_null(parameter["schema"])
        return document

    app.openapi = build_extended  # type: ignore[method-assign]


def _parameters_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        for operation in methods.values():
            yield from operation.get("parameters", ())


def _drop_null(schema: dict[str, Any]) -> None:
    """Take `null` out: what a parameter does not say is left out of the request, and no text of it is null."""
    others = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(others) == 1:
        del schema["anyOf"]
        schema.update(others[0])
    elif others:
        schema["anyOf"] = others
