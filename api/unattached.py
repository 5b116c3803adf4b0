"""Callbacks that no verification has: those that were refused, and those that are quarantined."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from api.parts import Parts
from api.problems import problem_responses
from vigil.domain.terms import Frozen
from vigil.storage.inbox import Inbox

MOST_REFUSALS: Final = 500
MOST_QUARANTINED: Final = 100
"""Fewer, since whole receipts are read for them."""


class RefusalView(Frozen):
    """A callback that was not let in; `digest` is the start of its body's keyed digest."""

    at: AwareDatetime
    account: str
    reason: str
    source: str | None
    digest: str


class RefusalsView(Frozen):
    """The newest refusals, the newest first."""

    refusals: tuple[RefusalView, ...]


class QuarantinedView(Frozen):
    """A callback that was kept and belongs to no verification; `receipt` is its name below `inbox/quarantined/`.

    Account and proof are null where the receipt itself cannot be read.
    """

    at: AwareDatetime
    account: str | None
    proof: str | None
    reason: str
    receipt: str


class QuarantineView(Frozen):
    """The newest of them, the newest first."""

    quarantined: tuple[QuarantinedView, ...]


def unattached_routes(parts: Parts) -> APIRouter:
    """Return the routes that list callbacks which no verification has."""
    routes = APIRouter(tags=["callbacks"])
    inbox = Inbox(parts.storage)

    @routes.get("/refusals", summary="List callbacks that were refused", responses=problem_responses())
    async def refusals(limit: Annotated[int, Query(ge=1, le=MOST_REFUSALS)] = 50) -> RefusalsView:
        found = await inbox.refusals(limit)
        return RefusalsView(
            refusals=tuple(
                RefusalView(at=one.at, account=one.account, reason=one.reason, source=one.source, digest=one.digest8)
                for one in found
            )
        )

    @routes.get(
        "/quarantine",
        summary="List callbacks that were kept and belong to no verification",
        responses=problem_responses(),
    )
    async def quarantine(limit: Annotated[int, Query(ge=1, le=MOST_QUARANTINED)] = 50) -> QuarantineView:
        found = await inbox.quarantined(limit)
        return QuarantineView(
            quarantined=tuple(
                QuarantinedView(at=one.at, account=one.account, proof=one.proof, reason=one.reason, receipt=one.name)
                for one in found
            )
        )

    return routes
