"""Registering, reading and listing verifications."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, JsonValue

from api.addressing import Key
from api.auth import Callers
from api.parts import Parts
from api.problems import problem_responses
from api.views import RecordView, StateView, VerificationView
from api.waiting import SharedWaits
from vigil.client import RegistrationResult
from vigil.domain.explanation import Explanation, explain
from vigil.domain.terms import Frozen, Instant, Name
from vigil.listing import LARGEST_PAGE, Filters, ListedRun, list_page
from vigil.lookup import KnownVerification, VerificationLookup
from vigil.registration import Registrar, RegistrationRequest
from vigil.storage.correlations import Correlations

LONGEST_WAIT: Final = 60


class RegisteredView(Frozen):
    """What a registration met: `started`, or `known` before."""

    account: Name
    reference: str
    registered: RegistrationResult


class ListQuery(Filters):
    """The query of the list."""

    page: str | None = Field(None, description="`next_page` of the page before", max_length=4096)
    limit: int = Field(50, ge=1, le=LARGEST_PAGE)


class ListedView(Frozen):
    """One run of a verification.

    `reference` is a digest where the provider's reference must not be shown; requests accept it in place of it.
    """

    account: Name
    reference: str
    is_open: bool
    started_at: Instant
    state: StateView | None


class PageView(Frozen):
    """Some verifications, the newest first. `next_page` is null on the last page."""

    verifications: tuple[ListedView, ...]
    next_page: str | None


def verification_routes(parts: Parts, lookup: VerificationLookup, waits: SharedWaits, callers: Callers) -> APIRouter:
    """Return the routes to register, read, explain and list."""
    routes = APIRouter(prefix="/verifications", tags=["verifications"])
    registrar = Registrar(parts.accounts, parts.endpoints, parts.tracker, Correlations(parts.storage), parts.digester)

    @routes.post(
        "",
        status_code=201,
        summary="Register a verification",
        description="May be repeated: 201 if it was not known, 200 if it was. Needs no worker. Without a reference the "
        "provider is asked for it: 409 `process_not_yet_known` with `Retry-After` until it has one.",
        responses={200: {"description": "It was known", "model": RegisteredView}, **problem_responses(404, 409, 502)},
    )
    async def register(
        asked: RegistrationRequest, response: Response, by: Annotated[Name, Depends(callers)]
    ) -> RegisteredView:
        key, registered = await registrar.register(asked, by=by)
        response.status_code = 201 if registered is RegistrationResult.STARTED else 200
        # Addresses end up in the access logs of others, so it is the place, which shows no capability.
        response.headers["Location"] = f"/verifications/{parts.tracker.path(key)}"
        return RegisteredView(account=key.account, reference=key.reference, registered=registered)

    @routes.get(
        "", summary="List verifications", description="By run, the newest first.", responses=problem_responses()
    )
    async def list_all(asked: Annotated[ListQuery, Query()]) -> PageView:
        page = await list_page(parts.tracker.client, asked, page=asked.page, limit=asked.limit)
        return PageView(verifications=tuple(_listed(run) for run in page.runs), next_page=page.next_page)

    @routes.get(
        "/{account}/{reference:path}/explanation",
        summary="Say why it is pending, what is next, and who must act",
        description="Needs no worker; that none works is one of the answers.",
        responses=problem_responses(404),
    )
    async def explanation(key: Key) -> Explanation:
        known = await lookup.get(key)
        summary = known.situation.summary
        plan = parts.tracker.account(key.account).plan_for(summary.sender if summary else None)
        return explain(known.situation, plan=plan, now=datetime.now(UTC))

    @routes.get(
        "/{account}/{reference:path}",
        summary="Read a verification",
        description="Where it stands, and the last written record; needs no worker. With `wait` it answers as soon "
        "as `sequence` is greater than `after_sequence`, and after `wait` seconds as things stand then.",
        responses=problem_responses(404),
    )
    async def read(
        key: Key,
        wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="seconds")] = 0,
        after_sequence: Annotated[int, Query(ge=0)] = 0,
    ) -> VerificationView:
        known = await lookup.get(key)
        sequence = known.situation.summary.sequence if known.situation.summary else 0
        if wait and sequence <= after_sequence:
            await waits.until_beyond(key, sequence, within=timedelta(seconds=wait))
            known = await lookup.get(key)
        return _view(known, await lookup.read_partner_metadata(known.record))

    return routes


def _listed(run: ListedRun) -> ListedView:
    return ListedView(
        account=run.account,
        reference=run.encoded_reference,
        is_open=run.is_open,
        started_at=run.started_at,
        state=StateView.of(run.summary) if run.summary else None,
    )


def _view(known: KnownVerification, partner_metadata: Mapping[str, JsonValue] | None) -> VerificationView:
    summary = known.situation.summary
    return VerificationView(
        account=known.key.account,
        reference=known.key.reference,
        is_open=known.situation.is_open,
        state=StateView.of(summary) if summary else None,
        record=RecordView.of(known.record) if known.record else None,
        partner_metadata=partner_metadata,
    )
