"""List the callbacks that belong to no verification: the refused ones and the quarantined ones."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field, StrictBool

from api.auth import Backend
from api.dependencies import Caller, Needs, Process
from api.problems import problem_responses
from vigil.config.keys import Right
from vigil.domain.models import StrictModel
from vigil.domain.terms import Name
from vigil.errors import InvalidPageToken
from vigil.storage.inbox import Inbox, QuarantinePage
from vigil.storage.receipt_names import is_receipt_name

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
    """Some quarantined callbacks, the newest first. `next_page` is null on the last page."""

    quarantined: tuple[QuarantinedView, ...]
    next_page: str | None


@router.get("/refusals", summary="List refused callbacks", responses=problem_responses())
async def list_refusals(
    caller: Caller, process: Process, limit: Annotated[int, Query(ge=1, le=MOST_REFUSALS)] = 50
) -> RefusalsView:
    """Return the newest refusals, of the accounts of the key."""
    found = [each for each in await process.inbox.refusals(limit) if caller.may_use(each.account)]
    return RefusalsView(
        refusals=tuple(RefusalView(digest=each.digest8, **each.model_dump(exclude={"digest8"})) for each in found)
    )


@router.get(
    "/quarantine", summary="List stored callbacks that belong to no verification", responses=problem_responses(422)
)
async def list_quarantine(
    caller: Caller,
    process: Process,
    limit: Annotated[int, Query(ge=1, le=MOST_QUARANTINED)] = 50,
    page: Annotated[str | None, Query(max_length=100, description="`next_page` of the page before")] = None,
) -> QuarantineView:
    """Return the newest quarantined callbacks, of the accounts of the key."""
    found = await read_page(process.inbox, limit, page, caller)
    views = (QuarantinedView(receipt=each.name, **each.model_dump(exclude={"name"})) for each in found.callbacks)
    return QuarantineView(quarantined=tuple(views), next_page=found.next_page)


async def read_page(inbox: Inbox, limit: int, page: str | None, caller: Backend) -> QuarantinePage:
    """Return a page of quarantined callbacks, of the accounts of the key. Raises `InvalidPageToken`."""
    if page is not None and not is_receipt_name(page):
        raise InvalidPageToken
    return await inbox.quarantined(limit, before=page, may_see=caller.may_use)


class ReceiptView(StrictModel):
    """A quarantined callback without its body, which may be personal. `size` is that of the stored body in bytes."""

    at: AwareDatetime
    account: str
    proof: str
    headers: Mapping[str, str]
    size: int
    cut_from: int | None = Field(description="the size of the whole body, if only its start was kept")
    encoding: str | None = Field(description="the content coding or charset that we cannot read")


class AttachRequest(StrictModel):
    """The verification that the callback belongs to."""

    account: Name
    reference: str = Field(min_length=1, max_length=200)


class AttachedView(StrictModel):
    """The callback was handed on: its verification is signalled within seconds."""

    receipt: str


class RereadRequest(StrictModel):
    """Which callbacks are read again: those of one account, or all. With `dry_run` nothing is changed."""

    account: Name | None = None
    dry_run: StrictBool = False


class RereadView(StrictModel):
    """How many callbacks had each result; `queued` ones reach their verifications within seconds."""

    results: Mapping[str, int]


@router.get(
    "/quarantine/{receipt}", summary="Show a quarantined callback without its body", responses=problem_responses(404)
)
async def show_quarantined(receipt: str, caller: Caller, process: Process) -> ReceiptView:
    """Return what is stored of a quarantined callback."""
    stored = await process.quarantine.read(receipt)
    caller.require_account(stored.account)
    return ReceiptView(
        at=stored.received_at,
        account=stored.account,
        proof=stored.proof,
        headers=stored.headers,
        size=len(stored.body),
        cut_from=stored.cut_from,
        encoding=stored.encoding,
    )


@router.post(
    "/quarantine/{receipt}/attach",
    summary="Give a quarantined callback to a verification",
    description="The verification must be known. May be repeated.",
    responses=problem_responses(404, 409, 415),
)
async def attach_quarantined(receipt: str, request: AttachRequest, caller: Caller, process: Process) -> AttachedView:
    """Hand a callback on to a verification."""
    caller.require_account(request.account)
    key = await process.lookup.resolve_key(request.account, request.reference)
    await process.quarantine.attach(receipt, key)
    return AttachedView(receipt=receipt)


@router.post(
    "/quarantine/reread",
    summary="Read the quarantined callbacks again",
    description="After a reader was corrected, or verifications were registered. May be repeated.",
    responses=problem_responses(415),
)
async def reread_quarantined(request: RereadRequest, caller: Caller, process: Process) -> RereadView:
    """Read callbacks again, and hand on what can be read now."""
    caller.require_account(request.account)
    found = process.quarantine.reread(dry_run=request.dry_run, account=request.account)
    return RereadView(results=Counter([each.result.value async for each in found]))
