"""Registering, reading and listing verifications."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field, StringConstraints

from accounts import Account
from api.addressing import Key
from api.auth import Callers
from api.knowledge import Knowledge, Known
from api.listing import FiltersInQuery, Page, listed
from api.parts import Parts
from api.problems import FieldProblem, Problem, told
from api.views import RecordView, StateView, VerificationView
from api.waiting import SharedWaits
from domain.explanation import Explanation, explain
from domain.identity import Reference, VerificationKey
from domain.registration import Registration, Wanted
from domain.snapshot import Coordinates
from domain.terms import EvidenceKind, Frozen, Instant, Name, SessionKind, Word
from tracking import Registered, UnknownAccount

LONGEST_WAIT: Final = 60
FARTHEST_DEADLINE: Final = timedelta(days=3650)
Correlation = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class RegistrationRequest(Frozen):
    """What a backend knows of a verification that it has created at the provider."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account": "sandbox",
                    "reference": "4711",
                    "applicant": "customer-2047",
                    "evidence": ["document_front", "portrait"],
                    "deadline_at": "2025-12-17T12:00:00Z",
                    "notify": ["checkout"],
                }
            ]
        }
    )

    account: Name = Field(description="our account's name in the settings")
    reference: Reference = Field(description="the provider's own id for it")
    correlation: Correlation | None = Field(None, description="the word that the callback URL was given")
    coordinates: Coordinates = Field(default_factory=dict, description="what else the provider must be told")
    sender: Name | None = None
    session_kind: SessionKind | None = None
    expects: tuple[EvidenceKind, ...] = Field((), max_length=20, description="files that will surely come")
    evidence: Wanted = Field("all", description="files to bring home")
    applicant: Word | None = Field(None, description="your opaque id of the person; never a name or an address")
    deadline_at: Instant | None = None
    notify: tuple[Name, ...] = Field((), max_length=8, description="names of `[endpoints]` in the settings")

    def registration(self, *, by: Name) -> Registration:
        """Return the signal that this becomes."""
        said = self.model_dump(exclude={"account", "reference"})
        key = VerificationKey(account=self.account, reference=self.reference)
        return Registration(key=key, registered_at=datetime.now(UTC), registered_by=by, **said)


class RegisteredView(Frozen):
    """What a registration met: `started`, or `known` before."""

    account: Name
    reference: str
    registered: Registered


def verification_routes(parts: Parts, knowledge: Knowledge, waits: SharedWaits, callers: Callers) -> APIRouter:
    """Return the routes to register, read, explain and list."""
    routes = APIRouter(prefix="/verifications", tags=["verifications"])

    @routes.post(
        "",
        status_code=201,
        summary="Register a verification",
        description="May be repeated: 201 if it was not known, 200 if it was. Needs no worker.",
        responses={200: {"description": "It was known", "model": RegisteredView}, **told(404, 409)},
    )
    async def register(
        asked: RegistrationRequest, response: Response, by: Annotated[Name, Depends(callers)]
    ) -> RegisteredView:
        _refuse_unconfigured(asked, parts.accounts, parts.endpoints)
        registered = await parts.tracker.register(asked.registration(by=by))
        response.status_code = 201 if registered is Registered.STARTED else 200
        response.headers["Location"] = f"/verifications/{asked.account}/{quote(asked.reference, safe='')}"
        return RegisteredView(account=asked.account, reference=asked.reference, registered=registered)

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
        return _view(known)

    return routes


def _refuse_unconfigured(
    asked: RegistrationRequest, accounts: Mapping[str, Account], endpoints: frozenset[str]
) -> None:
    account = accounts.get(asked.account)
    if account is None:
        raise UnknownAccount(asked.account)
    wrong = []
    if asked.sender is not None and asked.sender not in account.contracts:
        wrong.append(FieldProblem(field="body.sender", detail=f"is one of {', '.join(sorted(account.contracts))}"))
    if not set(asked.notify) <= endpoints:
        wrong.append(FieldProblem(field="body.notify", detail="names an endpoint that is not configured"))
    if asked.deadline_at is not None and asked.deadline_at <= datetime.now(UTC):
        wrong.append(FieldProblem(field="body.deadline_at", detail="has passed"))
    if asked.deadline_at is not None and asked.deadline_at > datetime.now(UTC) + FARTHEST_DEADLINE:
        wrong.append(FieldProblem(field="body.deadline_at", detail="is more than ten years away"))
    if wrong:
        raise Problem(422, "invalid_request", "The request does not fit", fields=wrong)


def _view(known: Known) -> VerificationView:
    summary = known.situation.summary
    return VerificationView(
        account=known.key.account,
        reference=known.key.reference,
        is_open=known.situation.is_open,
        state=StateView.of(summary) if summary else None,
        record=RecordView.of(known.record) if known.record else None,
    )
