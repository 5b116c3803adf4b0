"""Register, read, explain and list verifications."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.dependencies import Caller, Key, Process
from api.problems import problem_responses
from api.schemas import ListedView, PageView, RegisteredView, VerificationView
from vigil.domain.explanation import Explanation, explain
from vigil.listing import LARGEST_PAGE, Filters, list_page
from vigil.registration import RegistrationRequest
from vigil.temporal.client import RegistrationResult

LONGEST_WAIT: Final = 60

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
    responses={200: {"description": "It was known", "model": RegisteredView}, **problem_responses(404, 409, 502)},
)
async def register(
    request: RegistrationRequest, response: Response, caller: Caller, process: Process
) -> RegisteredView:
    """Register a verification."""
    key, registered = await process.registrar.register(request, by=caller)
    response.status_code = 201 if registered is RegistrationResult.STARTED else 200
    # URLs end up in access logs, so this one has the path, which never shows a reference that opens a session.
    response.headers["Location"] = f"/verifications/{process.tracker.path(key)}"
    return RegisteredView(account=key.account, reference=key.reference, registered=registered)


@router.get("", summary="List verifications", description="By run, the newest first.", responses=problem_responses())
async def list_verifications(query: Annotated[ListQuery, Query()], process: Process) -> PageView:
    """Return one page."""
    page = await list_page(process.tracker.client, query, page=query.page, limit=query.limit)
    return PageView(verifications=tuple(ListedView.of(run) for run in page.runs), next_page=page.next_page)


@router.get(
    "/{account}/{reference:path}/explanation",
    summary="Explain why it is pending, what happens next, and who must act",
    description="Needs no worker. If no worker runs, the explanation says so.",
    responses=problem_responses(404),
)
async def read_explanation(key: Key, process: Process) -> Explanation:
    """Explain the present state."""
    known = await process.lookup.get(key)
    summary = known.situation.summary
    plan = process.tracker.account(key.account).plan_for(summary.sender if summary else None)
    return explain(known.situation, plan=plan, now=datetime.now(UTC))


@router.get(
    "/{account}/{reference:path}",
    summary="Read a verification",
    description="The present state and the last stored record. Needs no worker. With `wait` it answers as soon as "
    "`sequence` is greater than `after_sequence`, and after `wait` seconds with the state at that time.",
    responses=problem_responses(404),
)
async def read_verification(
    key: Key,
    process: Process,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="seconds")] = 0,
    after_sequence: Annotated[int, Query(ge=0)] = 0,
) -> VerificationView:
    """Return the present state and the last stored record."""
    known = await process.lookup.get(key)
    sequence = known.situation.summary.sequence if known.situation.summary else 0
    if wait and sequence <= after_sequence:
        await process.long_polls.wait_beyond(key, sequence, timeout=timedelta(seconds=wait))
        known = await process.lookup.get(key)
    return VerificationView.of(known, await process.lookup.read_partner_metadata(known.record))
