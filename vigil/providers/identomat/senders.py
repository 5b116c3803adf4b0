"""How Identomat sends callbacks, and how often we poll it."""

from datetime import timedelta
from typing import Final

from vigil.domain.sender_contract import ANY_2XX, Answering, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, TrackingPlan

SENDER: Final = "identomat"

# No callback announces `in_progress` and `expired`, so only a poll finds them.
_OPEN: Final = PollPlan.of((15 * MINUTE, MINUTE), (6 * HOUR, 5 * MINUTE), (2 * DAY, 30 * MINUTE), (None, 2 * HOUR))

CONTRACT: Final = SenderContract(
    sender=SENDER,
    title="Identomat",
    proof=Proof.SECRET,
    # unknown: the codes that it accepts; inferred: how long it waits
    answering=Answering(budget=timedelta(seconds=10), accepted=ANY_2XX, stated_by="assumed"),
    # No document mentions a second attempt, and one explains how to recover from a missed callback.
    redelivery=Redelivery(),
    lost_callback="the result has another status than the last callback; nothing is sent again",
    tracking=TrackingPlan(
        callback_expected_within=5 * MINUTE,
        finals_may_change=True,
        reopens=(HOUR, DAY, 7 * DAY),
        # inferred: an applicant may return with additional information after days
        deadline=14 * DAY,
        polls={
            Stage.AWAITING_APPLICANT: _OPEN,
            Stage.PROCESSING: _OPEN,
            Stage.IN_REVIEW: PollPlan.of((6 * HOUR, 5 * MINUTE), (None, 30 * MINUTE)),
        },
    ),
)
