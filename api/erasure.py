"""Erase the data of a verification, read the receipt, and hold data that must be kept."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import Field, field_validator

from api.commands import CommandId
from api.dependencies import Caller, Key, Needs, Process
from api.problems import problem_responses
from vigil.config.keys import Right
from vigil.domain.hold import Hold, HoldReason
from vigil.domain.models import StrictModel
from vigil.domain.terms import Decision, Instant, Name, Outcome, Shown, Word, WrittenInstant
from vigil.domain.tombstone import ErasureCause, NotOurs, Tombstone
from vigil.domain.verification_key import VerificationKey, shown_key

router: Final = APIRouter(
    prefix="/verifications/{account}/{reference:path}", tags=["erasure"], dependencies=[Depends(Needs(Right.ERASE))]
)


class ErasureView(StrictModel):
    """The receipt of an erasure. While its state is `running`, what is not erased yet will be."""

    account: Name
    reference: str
    state: Literal["running", "finished"]
    decision: Shown[Decision] | None
    outcome: Shown[Outcome] | None
    erased_at: Instant | None = Field(description="since when nothing new is stored; null: it has only been accepted")
    finished_at: Instant | None = Field(description="since when a search finds nothing")
    asked_by: Name | None
    cause: Shown[ErasureCause] | None
    erased: Mapping[Word, int] = Field(description="how much of each kind was erased, at least")
    key_forgotten: bool = Field(description="whether copies and backups are unreadable without a backup of its key")
    key_backups_until: Instant | None = Field(description="when the last backup of the data key is gone")
    not_ours: tuple[NotOurs, ...] = Field(description="who may still have data, and must be asked by you")

    @classmethod
    def of(cls, key: VerificationKey, tombstone: Tombstone | None) -> "ErasureView":
        """Return the view of a tombstone; None: there is none yet."""
        fields = {"erased_at", "finished_at", "asked_by", "cause", "erased", "key_forgotten", "key_backups_until"}
        told = tombstone.model_dump(include=fields) if tombstone else dict.fromkeys(fields)
        return cls(
            account=key.account,
            reference=key.reference,
            state="finished" if tombstone and tombstone.finished_at else "running",
            decision=tombstone.verdict.decision if tombstone else None,
            outcome=tombstone.verdict.outcome if tombstone else None,
            not_ours=tombstone.not_ours if tombstone else (),
            **{**told, "erased": told["erased"] or {}, "key_forgotten": bool(told["key_forgotten"])},
        )


class HoldRequest(StrictModel):
    """Why data is held, and until when."""

    reason: HoldReason
    until: WrittenInstant | None = Field(None, description="null: until released", examples=["2031-01-01T00:00:00Z"])

    @field_validator("until")
    @classmethod
    def _refuse_the_past(cls, until: datetime | None) -> datetime | None:
        if until is not None and until <= datetime.now(UTC):
            raise ValueError("has passed")
        return until


class HoldView(StrictModel):
    """A hold."""

    reason: Shown[HoldReason]
    author: Name
    placed_at: Instant
    until: Instant | None

    @classmethod
    def of(cls, hold: Hold) -> "HoldView":
        """Return the view of a hold."""
        return cls(**hold.model_dump(include=set(cls.model_fields)))


@router.delete(
    "/data",
    summary="Erase all data, and leave the verdict",
    description="Needs a worker. An open verification is withdrawn first. 200 with the receipt when it is finished, "
    "202 while it goes on: `GET .../erasure` has the receipt. Repeating it is harmless. 409 `data_on_hold` names the "
    "hold.",
    responses={202: {"model": ErasureView, "description": "Accepted; it goes on"}, **problem_responses(404, 409)},
)
async def erase_data(
    key: Key, caller: Caller, process: Process, response: Response, command_id: CommandId = None
) -> ErasureView:
    """Erase the data of a verification."""
    tombstone = await process.erasures.erase(key, by=caller.name, within=process.command_timeout)
    if tombstone is None:
        response.status_code = 202
        tombstone = await process.lookup.read_tombstone(key)
    if command_id:
        response.headers["Idempotency-Key"] = command_id
    return ErasureView.of(_shown(key, process), tombstone)


@router.get("/erasure", summary="Read the receipt of an erasure", responses=problem_responses(404))
async def read_erasure(key: Key, process: Process) -> ErasureView:
    """Return the receipt."""
    return ErasureView.of(_shown(key, process), await process.erasures.read(key))


@router.put("/hold", summary="Forbid the erasure", responses=problem_responses(404, 410, 413, 415))
async def place_hold(key: Key, caller: Caller, process: Process, request: HoldRequest) -> HoldView:
    """Place a hold, or replace the one that stands."""
    hold = Hold(reason=request.reason, author=caller.name, placed_at=datetime.now(UTC), until=request.until)
    return HoldView.of(await process.erasures.hold(key, hold))


@router.get("/hold", summary="Read the hold", responses=problem_responses(404))
async def read_hold(key: Key, process: Process) -> HoldView:
    """Return the hold that is in force."""
    return HoldView.of(await process.erasures.read_hold(key))


@router.delete("/hold", status_code=204, summary="Allow the erasure again", responses=problem_responses(404))
async def release_hold(key: Key, process: Process) -> None:
    """Release the hold. If there is none, that is success."""
    await process.erasures.release(key)


def _shown(key: VerificationKey, process: Process) -> VerificationKey:
    return shown_key(process.tracker.seal_capability(key), process.tracker.path(key))
