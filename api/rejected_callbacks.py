"""List the callbacks that belong to no verification: the refused ones and the quarantined ones."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from api.dependencies import Needs, Process
from api.problems import problem_responses
from vigil.config.keys import Right
from vigil.domain.models import StrictModel

MOST_REFUSALS: Final = 500
MOST_QUARANTINED: Final = 100
"""Fewer than refusals, since whole receipts are read for them."""

router: Final = APIRouter(tags=["callbacks"], dependencies=[Depends(Needs(Right.OPERATE))])


class RefusalView(StrictModel):
    """A refused callback. `digest` is the start of the keyed digest of its body.

    `encoding` is the content coding or the charset that Vigil cannot read, if it could not read the body because of it.
    """

    at: AwareDatetime
    account: str
    reason: str
    source: str | None
    digest: str
    encoding: str | None


class RefusalsView(StrictModel):
    """The newest refusals, the newest first."""

    refusals: tuple[RefusalView, ...]


class QuarantinedView(StrictModel):
    """A stored callback that belongs to no verification. `receipt` is its name below `inbox/quarantined/`.

    `account` and `proof` are null if the receipt cannot be read. `encoding` is the content coding or the charset that
    Vigil cannot read, if it could not read the body because of it.
    """

    at: AwareDatetime
    account: str | None
    proof: str | None
    reason: str
    encoding: str | None
    receipt: str


class QuarantineView(StrictModel):
    """The newest quarantined callbacks, the newest first."""

    quarantined: tuple[QuarantinedView, ...]


@router.get("/refusals", summary="List refused callbacks", responses=problem_responses())
async def list_refusals(process: Process, limit: Annotated[int, Query(ge=1, le=MOST_REFUSALS)] = 50) -> RefusalsView:
    """Return the newest refusals."""
    found = await process.inbox.refusals(limit)
    return RefusalsView(
        refusals=tuple(RefusalView(digest=each.digest8, **each.model_dump(exclude={"digest8"})) for each in found)
    )


@router.get(
    "/quarantine", summary="List stored callbacks that belong to no verification", responses=problem_responses()
)
async def list_quarantine(
    process: Process, limit: Annotated[int, Query(ge=1, le=MOST_QUARANTINED)] = 50
) -> QuarantineView:
    """Return the newest quarantined callbacks."""
    found = await process.inbox.quarantined(limit)
    return QuarantineView(
        quarantined=tuple(QuarantinedView(receipt=each.name, **each.model_dump(exclude={"name"})) for each in found)
    )
