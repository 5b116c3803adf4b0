"""The description of the interface: what the framework cannot know of problems and of outbound notifications."""

from typing import Any, Literal

from fastapi import FastAPI
from pydantic import AwareDatetime, ConfigDict

from api.problems import ProblemView
from vigil.domain.terms import Decision, Frozen, Outcome, Stage
from vigil.domain.verification_key import VerificationKey

_REFERENCE = "#/components/schemas/{model}"


class RevisedView(Frozen):
    """What is said of the verdict: thin, so read the verification. Of two, the greater `sequence` is the newer."""

    key: VerificationKey
    revision: int
    sequence: int
    stage: Stage
    decision: Decision | None
    outcome: Outcome | None


class NotificationView(Frozen):
    """A notification in the form of Standard Webhooks, signed by the headers `webhook-*`."""

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


def describe(app: FastAPI) -> None:
    """Add the notifications, and the one form that all problems have, to an app's description."""

    @app.webhooks.post(
        "verification.revised",
        summary="A verdict was reached, or taken back",
        description="Sent to the endpoints that a registration names. Any 2xx settles it, 410 ends it for good, "
        "everything else is repeated for days. It may come more than once, and out of order.",
    )
    async def revised(notification: NotificationView) -> None: ...

    described_by_framework = app.openapi

    def described() -> dict[str, Any]:
        schema = described_by_framework()
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        if ProblemView.__name__ not in components:
            problem = ProblemView.model_json_schema(ref_template=_REFERENCE)
            components.update(problem.pop("$defs", {}))
            components[ProblemView.__name__] = problem
        return schema

    app.openapi = described  # type: ignore[method-assign]
