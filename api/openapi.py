"""The OpenAPI document: outbound notifications and the one form of all problems, which FastAPI does not know."""

from typing import Any, Literal

from fastapi import FastAPI
from pydantic import AwareDatetime, ConfigDict

from api.problems import ProblemView
from vigil.domain.models import StrictModel
from vigil.domain.terms import Decision, Outcome, Stage
from vigil.domain.verification_key import VerificationKey

_REFERENCE = "#/components/schemas/{model}"


class RevisedView(StrictModel):
    """The verdict in short; read the verification for more. Of two notifications the greater `sequence` is newer.

    `reference` is a digest if the provider's reference gives access to the applicant's session. Requests accept the
    digest too, and the registration returned it in `Location`.
    """

    key: VerificationKey
    revision: int
    sequence: int
    stage: Stage
    decision: Decision | None
    outcome: Outcome | None


class NotificationView(StrictModel):
    """A notification in the format of Standard Webhooks. The headers `webhook-*` sign it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "verification.revised",
                    "timestamp": "2025-12-03T12:00:00Z",
                    "data": {
                        "key": {"account": "sandbox", "reference": "4711"},
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

    type: Literal["verification.revised"]
    timestamp: AwareDatetime
    data: RevisedView


def extend_openapi(app: FastAPI) -> None:
    """Add the notifications and the form of problems to an app's OpenAPI document."""

    @app.webhooks.post(
        "verification.revised",
        summary="A verdict was reached or reopened",
        description="Sent to the endpoints that a registration names. Any 2xx accepts it, 410 stops it for good, and "
        "after any other answer it is repeated for days. It may arrive more than once, and out of order.",
    )
    async def revised(notification: NotificationView) -> None: ...

    build_document = app.openapi

    def build_extended() -> dict[str, Any]:
        document = build_document()
        components = document.setdefault("components", {}).setdefault("schemas", {})
        if ProblemView.__name__ not in components:
            problem = ProblemView.model_json_schema(ref_template=_REFERENCE)
            components.update(problem.pop("$defs", {}))
            components[ProblemView.__name__] = problem
        return document

    app.openapi = build_extended  # type: ignore[method-assign]
