"""Sender contracts: each sender's habits as data.

One declaration drives the answers of the API, the polls, the explanation, the doctor and the simulator.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, Field

from vigil.domain.models import StrictModel
from vigil.domain.terms import Name, Proof
from vigil.domain.tracking_plan import TrackingPlan

T = TypeVar("T", bound=BaseModel)


class AnswerMeaning(StrEnum):
    """What a sender makes of the status code that we answer."""

    ACCEPTED = "accepted"
    COME_AGAIN = "come_again"
    NEVER_AGAIN = "never_again"
    HOLD_EVERYTHING = "hold_everything"


class CodeRange(StrictModel):
    """Status codes from `first` to `last`, both included."""

    first: int
    last: int

    def holds(self, code: int) -> bool:
        """Whether the code lies in the range."""
        return self.first <= code <= self.last


EXACTLY_200: Final = (CodeRange(first=200, last=200),)
ANY_2XX: Final = (CodeRange(first=200, last=299),)


class Answering(StrictModel):
    """How long a sender waits for our answer, and what it makes of it.

    A code in none of the ranges, and no answer within `budget`, mean `COME_AGAIN`.
    """

    budget: timedelta
    accepted: tuple[CodeRange, ...]
    stated_by: str = Field("", description="whose word the accepted codes are, for people")
    never_again: tuple[CodeRange, ...] = ()
    hold_everything: tuple[CodeRange, ...] = ()
    hold_for: timedelta = timedelta(0)

    def meaning_of(self, code: int | None) -> AnswerMeaning:
        """Say what the sender makes of a status code; None is no answer in time."""
        if code is None:
            return AnswerMeaning.COME_AGAIN
        for ranges, meaning in (
            (self.accepted, AnswerMeaning.ACCEPTED),
            (self.never_again, AnswerMeaning.NEVER_AGAIN),
            (self.hold_everything, AnswerMeaning.HOLD_EVERYTHING),
        ):
            if any(codes.holds(code) for codes in ranges):
                return meaning
        return AnswerMeaning.COME_AGAIN


class Redelivery(StrictModel):
    """When a sender comes again after a delivery that it does not count as accepted.

    `delays[k]` is the wait before redelivery k+1, counted from the previous attempt or from the first one.
    An empty tuple is a sender that never repeats, or of which nobody knows whether it does: `is_known` tells.
    `certain` is how many of them all sources agree on.
    """

    delays: tuple[timedelta, ...] = ()
    counted_from: Literal["previous", "first"] = "previous"
    certain: int = 0
    is_known: bool = True

    def due_after_first(self) -> tuple[timedelta, ...]:
        """Return, for each redelivery, the time since the first attempt (answers taken as instant)."""
        if self.counted_from == "first":
            return self.delays
        return tuple(sum(self.delays[: k + 1], timedelta(0)) for k in range(len(self.delays)))

    @property
    def horizon(self) -> timedelta:
        """How long after the first attempt the last redelivery is due."""
        return max(self.due_after_first(), default=timedelta(0))


class OurAnswers(StrictModel):
    """The status codes that make this sender's retry work for us."""

    kept: int = 200
    lost: int = 503
    unproven: int = 401
    too_large: int = 413


class SenderContract(StrictModel):
    """Everything that one sender does on the wire, and what we do about it."""

    sender: Name
    title: str = Field(description="the sender's name for people")
    proof: Proof
    answering: Answering
    redelivery: Redelivery
    answers: OurAnswers = OurAnswers()
    max_age: timedelta | None = Field(None, description="an `unbound` proof older than this is stale")
    lost_callback: str = Field(description="what it looks like when a callback of this sender is lost")
    tracking: TrackingPlan

    @property
    def repeats_for(self) -> timedelta:
        """How long after its first attempt an event of this sender may come again, slow answers included."""
        return self.redelivery.horizon + self.answering.budget * (len(self.redelivery.delays) + 1)

    def scaled(self, factor: float) -> "SenderContract":
        """Return the contract with its durations divided by `factor`, for sandboxes and demonstrations.

        The budget for an answer stays: a scaled clock makes no process faster.
        """
        shorter = scaled(self, factor)
        return shorter._with(answering=shorter.answering._with(budget=self.answering.budget))  # noqa: SLF001 -- its part


def scaled(value: T, factor: float) -> T:
    """Return a copy of a frozen value in which every duration, however deep, is divided by `factor`."""
    changes = {name: _scaled(getattr(value, name), factor) for name in type(value).model_fields}
    return type(value).model_validate({**dict(value), **changes})


def _scaled(value: object, factor: float) -> object:
    match value:
        case timedelta():
            return value / factor
        case BaseModel():
            return scaled(value, factor)
        case tuple():
            return tuple(_scaled(item, factor) for item in value)
        case Mapping():
            return {key: _scaled(item, factor) for key, item in value.items()}
        case _:
            return value
