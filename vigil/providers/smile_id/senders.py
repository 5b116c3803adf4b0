"""What each generation of Smile ID does on the wire when it calls back, and how often we ask it."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from vigil.domain.sender_contract import Answering, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Name, Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, PollStep, TrackingPlan

V1: Final = "v1"
V3: Final = "v3"

MAX_AGE: Final = 15 * MINUTE
"""For how long a signature proves something: whoever has once seen it can put it beside any other body."""

_SECOND: Final = timedelta(seconds=1)
_ANY_2XX: Final = (CodeRange(first=200, last=299),)


def _polls(*steps: tuple[timedelta | None, timedelta]) -> PollPlan:
    return PollPlan(steps=tuple(PollStep(until=until, every=every) for until, every in steps))


# How long reviews take is unknown. The vendor's libraries ask every few seconds and give up before any review ends.
_POLLS: Final[Mapping[Stage, PollPlan]] = {
    Stage.AWAITING_APPLICANT: _polls((HOUR, MINUTE), (6 * HOUR, 5 * MINUTE), (2 * DAY, 30 * MINUTE), (None, 2 * HOUR)),
    Stage.PROCESSING: _polls((15 * MINUTE, 30 * _SECOND), (6 * HOUR, 5 * MINUTE), (2 * DAY, 30 * MINUTE), (None, HOUR)),
    Stage.IN_REVIEW: _polls((6 * HOUR, 15 * MINUTE), (3 * DAY, HOUR), (None, 6 * HOUR)),
}

_V1: Final = SenderContract(
    sender=V1,
    title="Smile ID, first generation",
    proof=Proof.UNBOUND,
    # unknown: which codes it accepts; inferred: how long it waits
    answering=Answering(budget=10 * _SECOND, accepted=_ANY_2XX),
    # No document speaks of a second attempt.
    redelivery=Redelivery(),
    max_age=MAX_AGE,
    lost_callback="job_status shows a result that no callback told of; nothing is sent twice",
    watch=TrackingPlan(
        callback_expected_within=3 * MINUTE,
        # A reviewer may reverse what a machine has decided.
        finals_may_change=True,
        reopens=(HOUR, DAY),
        polls=_POLLS,
    ),
)

_V3: Final = SenderContract(
    sender=V3,
    title="Smile ID, third generation",
    proof=Proof.UNBOUND,
    # inferred: integrators tell of 35 s
    answering=Answering(budget=35 * _SECOND, accepted=_ANY_2XX),
    # inferred: up to three more attempts; when they come is unknown, so these times are a guess
    redelivery=Redelivery(delays=(MINUTE, 5 * MINUTE, 30 * MINUTE)),
    max_age=MAX_AGE,
    lost_callback="the status is final and its details are missing; they are sent once more when a replay is asked for",
    watch=TrackingPlan(
        callback_expected_within=3 * MINUTE,
        finals_may_change=True,
        details_in_callbacks=True,
        reopens=(HOUR, DAY),
        polls=_POLLS,
    ),
)

CONTRACTS: Final[Mapping[Name, SenderContract]] = MappingProxyType({V1: _V1, V3: _V3})
"""By generation, which is the sender."""
