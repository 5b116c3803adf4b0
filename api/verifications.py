"""Register, read, explain and list verifications."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from api.auth import Backend
from api.dependencies import Caller, Dependencies, Key, Needs, Process
from api.problems import problem_responses
from api.schemas import ListedView, PageView, RegisteredView, VerificationView
from vigil.audit import Read
from vigil.config.keys import Right
from vigil.domain.explanation import Explanation
from vigil.domain.terms import Stage
from vigil.domain.verification_key import VerificationKey
from vigil.errors import ConflictingRegistration, UnknownVerification
from vigil.listing import LARGEST_PAGE, Filters, PageTokens, Reach, list_page
from vigil.lookup import KnownVerification
from vigil.registration import RegistrationRequest
from vigil.storage.contract import StorageUnavailable
from vigil.temporal.client import RegistrationResult

LONGEST_WAIT: Final = 60
Until: TypeAlias = Literal["change", "outcome", "complete"]

router: Final = APIRouter(prefix="/verifications", tags=["verifications"])


class ListQuery(Filters):
    """The query of the list."""

    page: str | None = Field(None, description="`next_page` of the page before", max_length=4096)
    limit: int = Field(50, ge=1, le=LARGEST_PAGE)


@router.post(
    "",
    status_code=201,
    summary="Register a verification",
    description="May be repeated: 201 if it was not registered before, 200 if it was. Needs no worker. Without a "
    "reference the provider is asked for it: 409 `process_not_yet_known` with `Retry-After` until it has one.",
    responses={
        200: {"description": "It was known", "model": RegisteredView},
        **problem_responses(404, 409, 413, 415, 502),
    },
    dependencies=[Depends(Needs(Right.REGISTER))],
)
async def register(
    request: RegistrationRequest, response: Response, caller: Caller, process: Process
) -> RegisteredView:
    """Register a verification."""
    caller.require_account(request.account)
    caller.require_endpoints(request.notify)
    if request.reference is not None:
        key = process.tracker.account(request.account).key_of(request.reference)
        await _refuse_others(key, caller, process)
    key, registered = await process.registrar.register(request, by=caller.name)
    if request.reference is None:
        await _refuse_others(key, caller, process)
    response.status_code = 201 if registered is RegistrationResult.STARTED else 200
    # URLs end up in access logs, so this one has the path, which never shows a reference that opens a session.
    response.headers["Location"] = f"/verifications/{process.tracker.path(key)}"
    return RegisteredView(account=key.account, reference=key.reference, registered=registered)


async def _refuse_others(key: VerificationKey, caller: Backend, process: Dependencies) -> None:
    """Raise `ConflictingRegistration` if an `own_only` caller registers what another backend has registered."""
    if not caller.own_only:
        return
    try:
        registrant = await process.lookup.read_registrant(key)
    except UnknownVerification:
        return
    if registrant not in {None, caller.name}:
        raise ConflictingRegistration(["registered_by"])


@router.get(
    "",
    summary="List verifications",
    description="By run, the newest first. A page of an `own_only` key, or with `attention`, may be short of `limit`.",
    responses=problem_responses(),
    dependencies=[Depends(Needs(Right.READ))],
)
async def list_verifications(query: Annotated[ListQuery, Query()], caller: Caller, process: Process) -> PageView:
    """Return one page."""
    if query.account is not None:
        caller.require_account(query.account)
    reach = Reach(caller.accounts, caller.name if caller.own_only else None)
    tokens = PageTokens(process.digester)
    page = await list_page(process.tracker.client, query, reach, page=query.page, limit=query.limit, tokens=tokens)
    return PageView(verifications=tuple(ListedView.of(run) for run in page.runs), next_page=page.next_page)


@router.get(
    "/{account}/{reference:path}/explanation",
    summary="Explain why it is pending, what happens next, and who must act",
    description="Needs no worker. If no worker runs, the explanation says so.",
    responses=problem_responses(404),
    dependencies=[Depends(Needs(Right.READ))],
)
async def read_explanation(key: Key, process: Process) -> Explanation:
    """Explain the present state."""
    return await process.lookup.explain(key, datetime.now(UTC))


@router.get(
    "/{account}/{reference:path}",
    summary="Read a verification",
    description="The present state and the last stored record. Needs no worker. With `wait` it answers as soon as "
    "`sequence` is greater than `after_sequence` and, with `until`, there is an outcome or the verification is "
    "complete; after `wait` seconds it answers with the state at that time. Without the right `personal`, "
    "`partner_metadata` and `reason_text` are null.",
    responses=problem_responses(404),
    dependencies=[Depends(Needs(Right.READ))],
)
async def read_verification(
    key: Key,
    caller: Caller,
    process: Process,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="seconds")] = 0,
    after_sequence: Annotated[int, Query(ge=0, description="the last `sequence` that you know")] = 0,
    until: Annotated[Until, Query(description="what ends the wait")] = "change",
) -> VerificationView:
    """Return the present state and the last stored record."""
    known = await process.lookup.get(key)
    loop = asyncio.get_running_loop()
    ends_at, seen = loop.time() + wait, -1
    # A wait that brought nothing new was given up: Temporal is away, or too many verifications are waited for.
    while not _is_reached(known, until, after_sequence) and seen < (seen := _sequence_of(known)):
        left = timedelta(seconds=max(0, ends_at - loop.time()))
        if not left:
            break
        await process.long_polls.wait_beyond(key, seen, timeout=left)
        known = await process.lookup.get(key)
    if Right.PERSONAL not in caller.rights:
        return VerificationView.of(known)
    metadata = await process.lookup.read_partner_metadata(known.record)
    text = await process.lookup.read_reason_text(known.record)
    if metadata is None and text is None:
        return VerificationView.of(known)
    try:
        await process.note_read(caller, Read.DETAILS, key)
    except StorageUnavailable:  # the state needs no storage, so it is returned without what needs a line
        return VerificationView.of(known)
    return VerificationView.of(known, partner_metadata=metadata, reason_text=text)


def _sequence_of(known: KnownVerification) -> int:
    return known.situation.summary.sequence if known.situation.summary else 0


def _is_reached(known: KnownVerification, until: Until, after_sequence: int) -> bool:
    summary = known.situation.summary
    if summary is None or summary.sequence <= after_sequence:
        return False
    return {
        "change": True,
        "outcome": summary.outcome is not None,
        "complete": summary.stage == Stage.COMPLETE,
    }[until]
