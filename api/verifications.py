"""Registering, reading and listing verifications."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import JsonValue

from api.addressing import Key
from api.auth import Callers
from api.echoes import Echoes
from api.knowledge import Knowledge, Known
from api.listing import FiltersInQuery, Page, listed
from api.parts import Parts
from api.problems import told
from api.registering import Registrar, RegistrationRequest
from api.views import RecordView, StateView, VerificationView
from api.waiting import SharedWaits
from domain.explanation import Explanation, explain
from domain.terms import Frozen, Name
from storage.correlations import Correlations
from tracking import Registered

LONGEST_WAIT: Final = 60


class RegisteredView(Frozen):
    """What a registration met: `started`, or `known` before."""

    account: Name
    reference: str
    registered: Registered


def verification_routes(parts: Parts, knowledge: Knowledge, waits: SharedWaits, callers: Callers) -> APIRouter:
    """Return the routes to register, read, explain and list."""
    routes = APIRouter(prefix="/verifications", tags=["verifications"])
    registrar = Registrar(parts.accounts, parts.endpoints, parts.tracker, Correlations(parts.storage), parts.digester)
    echoes = Echoes(parts.accounts, parts.storage)

    @routes.post(
        "",
        status_code=201,
        summary="Register a verification",
        description="May be repeated: 201 if it was not known, 200 if it was. Needs no worker. Without a reference the "
        "provider is asked for it: 409 `process_not_yet_known` with `Retry-After` until it has one.",
        responses={200: {"description": "It was known", "model": RegisteredView}, **told(404, 409, 502)},
    )
    async def register(
        asked: RegistrationRequest, response: Response, by: Annotated[Name, Depends(callers)]
    ) -> RegisteredView:
        key, registered = await registrar.register(asked, by=by)
        response.status_code = 201 if registered is Registered.STARTED else 200
        # Addresses end up in the access logs of others, so it is the place, which shows no capability.
        response.headers["Location"] = f"/verifications/{parts.tracker.place(key)}"
        return RegisteredView(account=key.account, reference=key.reference, registered=registered)

    @routes.get("", summary="List verifications", description="By run, the newest first.", responses=told())
    async def list_all(filters: FiltersInQuery) -> Page:
        return await listed(parts.tracker, filters)

    @routes.get(
        "/{account}/{reference:path}/explanation",
        summary="Say why it is pending, what is next, and who must act",
        description="Needs no worker; that none works is one of the answers.",
        responses=told(404),
    )
    async def explanation(key: Key) -> Explanation:
        known = await knowledge.of(key)
        summary = known.situation.summary
        plan = parts.tracker.account(key.account).plan_for(summary.sender if summary else None)
        return explain(known.situation, plan=plan, now=datetime.now(UTC))

    @routes.get(
        "/{account}/{reference:path}",
        summary="Read a verification",
        description="Where it stands, and the last written record; needs no worker. With `wait` it answers as soon "
        "as `sequence` is greater than `after_sequence`, and after `wait` seconds as things stand then.",
        responses=told(404),
    )
    async def read(
        key: Key,
        wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="seconds")] = 0,
        after_sequence: Annotated[int, Query(ge=0)] = 0,
    ) -> VerificationView:
        known = await knowledge.of(key)
        sequence = known.situation.summary.sequence if known.situation.summary else 0
        if wait and sequence <= after_sequence:
            await waits.until_beyond(key, sequence, within=timedelta(seconds=wait))
            known = await knowledge.of(key)
        return _view(known, await echoes.of(known.record))

    return routes


def _view(known: Known, echoed: Mapping[str, JsonValue] | None) -> VerificationView:
    summary = known.situation.summary
    return VerificationView(
        account=known.key.account,
        reference=known.key.reference,
        is_open=known.situation.is_open,
        state=StateView.of(summary) if summary else None,
        record=RecordView.of(known.record) if known.record else None,
        echoed=echoed,
    )
