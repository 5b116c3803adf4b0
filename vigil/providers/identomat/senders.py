"""What Identomat does on the wire when it calls back, and how often we ask it."""

from datetime import timedelta
from typing import Final

from vigil.domain.sender_contract import Answering, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, PollStep, TrackingPlan

SENDER: Final = "identomat"

# Two ends, `in_progress` and `expired`, are never announced, so asking is the only way to find them.
_OPEN: Final = PollPlan(
    steps=(
        PollStep(until=15 * MINUTE, every=MINUTE),
        PollStep(until=6 * HOUR, every=5 * MINUTE),
        PollStep(until=2 * DAY, every=30 * MINUTE),
        PollStep(until=None, every=2 * HOUR),
    )
)

CONTRACT: Final = SenderContract(
    sender=SENDER,
    title="Identomat",
    proof=Proof.SECRET,
    # unknown: which codes it accepts; inferred: how long it waits
    answering=Answering(budget=timedelta(seconds=10), accepted=(CodeRange(first=200, last=299),)),
    # No document speaks of a second attempt, and one tells how to make up for a missed callback.
    redelivery=Redelivery(),
    lost_callback="the result has another word than the last callback; nothing is sent twice",
    watch=TrackingPlan(
        callback_expected_within=5 * MINUTE,
        finals_may_change=True,
        reopens=(HOUR, DAY, 7 * DAY),
        # inferred: an applicant who was asked for more may come back days later
        deadline=14 * DAY,
        polls={
            Stage.AWAITING_APPLICANT: _OPEN,
            Stage.PROCESSING: _OPEN,
            Stage.IN_REVIEW: PollPlan(
                steps=(
                    PollStep(until=6 * HOUR, every=5 * MINUTE),
                    PollStep(until=None, every=30 * MINUTE),
                )
            ),
        },
    ),
)
