"""How each generation of Smile ID sends callbacks, and how often we poll it."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from vigil.domain.sender_contract import ANY_2XX, Answering, Redelivery, SenderContract
from vigil.domain.terms import Name, Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, TrackingPlan

V1: Final = "v1"
V3: Final = "v3"

MAX_AGE: Final = 15 * MINUTE
"""How long a signature proves anything. Whoever has seen it can send it with any other body."""

_SECOND: Final = timedelta(seconds=1)

# The duration of reviews is unknown. The vendor's libraries poll every few seconds and stop before any review ends.
_POLLS: Final[Mapping[Stage, PollPlan]] = {
    Stage.AWAITING_APPLICANT: PollPlan.of(
        (HOUR, MINUTE), (6 * HOUR, 5 * MINUTE), (2 * DAY, 30 * MINUTE), (None, 2 * HOUR)
    ),
    Stage.PROCESSING: PollPlan.of(
        (15 * MINUTE, 30 * _SECOND), (6 * HOUR, 5 * MINUTE), (2 * DAY, 30 * MINUTE), (None, HOUR)
    ),
    Stage.IN_REVIEW: PollPlan.of((6 * HOUR, 15 * MINUTE), (3 * DAY, HOUR), (None, 6 * HOUR)),
}

_V1: Final = SenderContract(
    sender=V1,
    title="Smile ID, first generation",
    proof=Proof.UNBOUND,
    # unknown: the codes that it accepts; inferred: how long it waits
    answering=Answering(budget=10 * _SECOND, accepted=ANY_2XX),
    # No document mentions a second attempt.
    redelivery=Redelivery(),
    max_age=MAX_AGE,
    lost_callback="job_status shows a result that no callback announced; nothing is sent again",
    tracking=TrackingPlan(
        callback_expected_within=3 * MINUTE,
        # A job is not known before the applicant submits it.
        not_found_polls=100,
        # A reviewer may reverse a decision of the machine.
        finals_may_change=True,
        reopens=(HOUR, DAY),
        polls=_POLLS,
    ),
)

_V3: Final = SenderContract(
    sender=V3,
    title="Smile ID, third generation",
    proof=Proof.UNBOUND,
    # inferred: integrators report 35 s
    answering=Answering(budget=35 * _SECOND, accepted=ANY_2XX),
    # inferred: up to three more attempts. Their times are unknown; these are a guess.
    redelivery=Redelivery(delays=(MINUTE, 5 * MINUTE, 30 * MINUTE)),
    max_age=MAX_AGE,
    lost_callback="the status is final and its details are missing; a replay makes Smile ID send them again",
    tracking=TrackingPlan(
        callback_expected_within=3 * MINUTE,
        finals_may_change=True,
        details_in_callbacks=True,
        # unknown: how soon a replayed callback comes
        replay_answered_within=30 * MINUTE,
        reopens=(HOUR, DAY),
        polls=_POLLS,
    ),
)

CONTRACTS: Final[Mapping[Name, SenderContract]] = MappingProxyType({V1: _V1, V3: _V3})
"""By generation, which is also the sender's name."""
