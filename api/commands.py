"""Commands of a backend or a person to a verification, carried out exactly once per Idempotency-Key."""

import re
import secrets
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Depends, Header, Response
from pydantic import ConfigDict, Field, JsonValue

from api.dependencies import Caller, Key, Needs, Process
from api.problems import Problem, problem_of, problem_responses
from vigil.config.keys import Right
from vigil.domain.models import StrictModel
from vigil.domain.terms import Decision, Outcome, ReasonCode, Stage, WrittenInstant
from vigil.errors import DataErased, NoWorkerInTime
from vigil.temporal import messages

_KEY_HEADER: Final = "Idempotency-Key"
_ABOUT: Final = (
    "After a 503 repeat it with the same `Idempotency-Key`: it is carried out once. Without the header a key is "
    "generated and returned. The key of another command is 422 `idempotency_key_reused`. On a finished verification a "
    "command starts a follow-up run, or 409 says why it does not fit."
)
_DOCUMENTATION: Final[dict[str, Any]] = {
    "description": _ABOUT,
    "responses": problem_responses(404, 409, 410, 413, 415),
    "dependencies": [Depends(Needs(Right.COMMAND))],
}
_RESOLVING: Final = {**_DOCUMENTATION, "dependencies": [Depends(Needs(Right.RESOLVE))]}

router: Final = APIRouter(prefix="/verifications/{account}/{reference:path}", tags=["commands"])

COMMAND_ID: Final = re.compile(r"^[A-Za-z0-9_.:-]{8,128}$")
"""What makes a command one that is carried out once."""
CommandId: TypeAlias = Annotated[str | None, Header(alias=_KEY_HEADER, pattern=COMMAND_ID.pattern)]


_EXAMPLE: Final[dict[str, JsonValue]] = {
    "revision": 1,
    "sequence": 8,
    "stage": "concluded",
    "decision": "approved",
    "outcome": "decided",
}


class DeadlineRequest(StrictModel):
    """The new deadline."""

    deadline_at: WrittenInstant = Field(examples=["2031-12-24T12:00:00Z"])


class ResolveRequest(StrictModel):
    """A person's decision."""

    decision: Decision
    reason: ReasonCode = ReasonCode.OTHER


class CommandView(StrictModel):
    """The state of the verification after an accepted command."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    revision: int
    sequence: int
    stage: Stage
    decision: Decision | None
    outcome: Outcome | None


class CommandRunner:
    """Runs one command. A FastAPI dependency, made for each request."""

    def __init__(
        self, key: Key, caller: Caller, process: Process, response: Response, command_id: CommandId = None
    ) -> None:
        self.caller = caller.name
        self._key = key
        self._process = process
        self._id = command_id or secrets.token_hex(16)
        response.headers[_KEY_HEADER] = self._id

    async def run(self, name: str, argument: messages.AnyCommand) -> CommandView:
        """Run a command and return the state after it.

        Raises:
            UnknownVerification: neither Temporal nor the storage knows the verification.
            DataErased: its data was erased.
            CommandRefused: the command does not fit its state.
            IdempotencyKeyReused: another command had the same `Idempotency-Key`.
            Problem: no worker answered in time; it names the key with which to repeat the command.

        """
        known = await self._process.lookup.get(self._key)  # a command to an unknown verification would start one
        if known.tombstone is not None:
            raise DataErased
        timeout = self._process.command_timeout
        try:
            accepted = await self._process.tracker.command(
                self._key, name, argument, command_id=self._id, within=timeout
            )
        except NoWorkerInTime as error:
            raise self._problem_of(error) from None
        return CommandView(
            revision=accepted.revision,
            sequence=accepted.sequence,
            stage=accepted.stage,
            decision=accepted.decision,
            outcome=accepted.outcome,
        )

    def _problem_of(self, error: NoWorkerInTime) -> Exception:
        problem = problem_of(error)
        if not isinstance(problem, Problem):
            return error
        problem.headers[_KEY_HEADER] = self._id
        return problem


Runner: TypeAlias = Annotated[CommandRunner, Depends()]
"""FastAPI dependency: runs the command of this request."""


@router.post("/poll", summary="Read the verification from the provider now", **_DOCUMENTATION)
async def poll(runner: Runner) -> CommandView:
    """Ask the provider now."""
    return await runner.run("poll_now", messages.PollNow(author=runner.caller))


@router.post("/withdraw", summary="End it: the backend does not need it any more", **_DOCUMENTATION)
async def withdraw(runner: Runner) -> CommandView:
    """End the verification without a decision."""
    return await runner.run("withdraw", messages.Withdraw(author=runner.caller))


@router.post("/resolve", summary="Decide it manually", **_RESOLVING)
async def resolve(runner: Runner, request: ResolveRequest) -> CommandView:
    """Record a person's decision."""
    command = messages.Resolve(author=runner.caller, decision=request.decision, reason=request.reason)
    return await runner.run("resolve", command)


@router.post("/deadline", summary="Move our deadline", **_DOCUMENTATION)
async def extend_deadline(runner: Runner, request: DeadlineRequest) -> CommandView:
    """Set another deadline."""
    command = messages.ExtendDeadline(author=runner.caller, deadline_at=request.deadline_at)
    return await runner.run("extend_deadline", command)
