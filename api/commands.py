"""Commands: what a backend or a person tells a verification to do, exactly once for its Idempotency-Key."""

import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Response
from pydantic import Field

from api.addressing import Key
from api.auth import Callers
from api.parts import Parts
from api.problems import problem_of, problem_responses
from vigil.domain.terms import Decision, Frozen, Instant, Name, ReasonCode
from vigil.domain.verification_key import VerificationKey
from vigil.errors import NoWorkerInTime
from vigil.lookup import VerificationLookup
from vigil.temporal import messages

_KEY_HEADER: Final = "Idempotency-Key"
_ABOUT: Final = (
    "Repeat it with the same `Idempotency-Key` after a 503: it is carried out once. Without the header one is made "
    "and returned. On a finished verification it opens a follow-up run, or 409 says why not."
)

CommandId = Annotated[str | None, Header(alias=_KEY_HEADER, pattern=r"^[A-Za-z0-9_.:-]{8,128}$")]


class DeadlineRequest(Frozen):
    """The new deadline."""

    deadline_at: Instant = Field(examples=["2025-12-24T12:00:00Z"])


class ResolveRequest(Frozen):
    """A person's decision."""

    decision: Decision
    reason: ReasonCode = ReasonCode.OTHER


def command_routes(parts: Parts, lookup: VerificationLookup, callers: Callers) -> APIRouter:
    """Return the routes of the four commands."""
    routes = APIRouter(prefix="/verifications/{account}/{reference:path}", tags=["commands"])
    documented = {"description": _ABOUT, "responses": problem_responses(404, 409)}
    caller = Depends(callers)

    async def carry_out(
        key: VerificationKey, name: str, argument: Frozen, given: str | None, response: Response
    ) -> messages.CommandAccepted:
        command_id = given or secrets.token_hex(16)
        response.headers[_KEY_HEADER] = command_id
        await lookup.get(key)  # a command to what nobody knows would start it
        try:
            return await parts.tracker.command(key, name, argument, command_id=command_id, within=parts.command_within)
        except NoWorkerInTime as error:
            raise _with_key(error, command_id) from None

    @routes.post("/poll", summary="Ask the provider now", **documented)  # type: ignore[arg-type]
    async def poll(
        key: Key, response: Response, by: Annotated[Name, caller], command_id: CommandId = None
    ) -> messages.CommandAccepted:
        return await carry_out(key, "poll_now", messages.PollNow(author=by), command_id, response)

    @routes.post("/withdraw", summary="End it: the backend no longer wants it", **documented)  # type: ignore[arg-type]
    async def withdraw(
        key: Key, response: Response, by: Annotated[Name, caller], command_id: CommandId = None
    ) -> messages.CommandAccepted:
        return await carry_out(key, "withdraw", messages.Withdraw(author=by), command_id, response)

    @routes.post("/resolve", summary="Decide it by a person", **documented)  # type: ignore[arg-type]
    async def resolve(
        key: Key, asked: ResolveRequest, response: Response, by: Annotated[Name, caller], command_id: CommandId = None
    ) -> messages.CommandAccepted:
        argument = messages.Resolve(author=by, decision=asked.decision, reason=asked.reason)
        return await carry_out(key, "resolve", argument, command_id, response)

    @routes.post("/deadline", summary="Move our deadline", **documented)  # type: ignore[arg-type]
    async def extend(
        key: Key, asked: DeadlineRequest, response: Response, by: Annotated[Name, caller], command_id: CommandId = None
    ) -> messages.CommandAccepted:
        argument = messages.ExtendDeadline(author=by, deadline_at=asked.deadline_at)
        return await carry_out(key, "extend_deadline", argument, command_id, response)

    return routes


def _with_key(error: NoWorkerInTime, command_id: str) -> Exception:
    problem = problem_of(error)
    if problem is None:
        return error
    problem.headers[_KEY_HEADER] = command_id
    return problem
