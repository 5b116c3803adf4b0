"""How ID360 sends callbacks, and how often we poll it."""

from datetime import timedelta
from typing import Final

from vigil.domain.sender_contract import ANY_2XX, Answering, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, TrackingPlan

SENDER: Final = "id360"

# The delays are documented, in a table and by a formula. The number of redeliveries is not: the prose says 6, the
# table has 7 rows. We allow for both: the last delivery comes 73.5 to 130.7 minutes after the first.
DELAYS: Final = tuple(timedelta(seconds=10 * k**3) for k in range(1, 8))

CONTRACT: Final = SenderContract(
    sender=SENDER,
    title="ID360",
    proof=Proof.SECRET,
    answering=Answering(budget=timedelta(seconds=10), accepted=ANY_2XX, stated_by="ID360's guide"),
    redelivery=Redelivery(delays=DELAYS, counted_from="previous", certain=6),
    lost_callback="the report has a verdict and no final callback arrived; ID360 cannot send it again",
    tracking=TrackingPlan(
        callback_expected_within=15 * MINUTE,
        # ID360 applies its own expiry in a job that runs every 15 minutes.
        deadline=14 * DAY,
        deadline_lag=15 * MINUTE,
        polls={
            Stage.AWAITING_APPLICANT: PollPlan.of((6 * HOUR, 5 * MINUTE), (2 * DAY, 15 * MINUTE), (None, HOUR)),
            Stage.PROCESSING: PollPlan.of((15 * MINUTE, MINUTE), (6 * HOUR, 5 * MINUTE), (None, HOUR)),
        },
    ),
)
